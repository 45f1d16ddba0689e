"""The conversations of an HTML report: an index that is read at once, and parts read on demand.

All of it is JSON, gzipped, in base64. In each part a text of a request stands once, however
often it was sent.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import Any

from handoff_evals.comparison import flips, leading
from handoff_evals.display import visible
from handoff_evals.reports.conversation import describe, first_request
from handoff_evals.reports.handed_context import HandedContext, handed_contexts
from handoff_evals.results import PairKey, Trial, TrialResult, seams
from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentError,
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
    ModelCall,
    Transcript,
    message_text,
)

_PART = 1_500_000
"""Characters of JSON after which a part is full."""
_LONGEST = 300
"""Characters of a name in lists and addresses."""


def short_name(text: str) -> str:
    """A name as lists, filters and addresses have it: a long one is cut, and still its own."""
    shown = visible(text)
    if len(shown) <= _LONGEST:
        return shown
    digest = hashlib.sha256(shown.encode()).hexdigest()[:8]
    return f"{shown[:_LONGEST]}… ({digest})"


def pack(value: Any) -> str:
    """A value as gzipped JSON, in base64."""
    text = json.dumps(value, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


@dataclass(kw_only=True)
class Measured:
    """Times and tokens of one model, one value each."""

    ttft: list[float] = field(default_factory=list)
    """Seconds to a request's first token."""
    seam: list[float] = field(default_factory=list)
    """Seconds from the caller's last word to the new agent's first."""
    answer: list[float] = field(default_factory=list)
    """Seconds that a request took."""
    tokens: list[float] = field(default_factory=list)
    """Tokens of a conversation, prompts and answers."""

    def add(self, transcript: Transcript) -> None:
        """Add what one conversation shows."""
        calls = transcript.model_calls
        self.ttft.extend(call.ttft_s for call in calls if call.ttft_s is not None)
        self.answer.extend(call.duration_s for call in calls if call.finished and not call.error)
        self.seam.extend(seconds for _, seconds in seams(transcript))
        usage = transcript.usage
        if usage.prompt + usage.completion:
            self.tokens.append(usage.prompt + usage.completion)


Labels = Callable[[str], str]
"""The name by which a model of one side is known on all of them."""


@dataclass(kw_only=True)
class Conversations:
    """The conversations of one run, or of two that are paired."""

    tags: Mapping[tuple[str, str], Mapping[str, str]]
    """Of a scenario, by its suite and label."""
    paired: bool = False
    measured: dict[tuple[int, str], Measured] = field(default_factory=dict)
    """By side and model."""
    parts: list[str] = field(default_factory=list)
    _entries: dict[tuple[PairKey, str], dict[str, Any]] = field(default_factory=dict)
    _first: dict[tuple[PairKey, str], Trial] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _texts: dict[str, int] = field(default_factory=dict)
    _size: int = 0

    def add(self, side: int, trials: Iterable[Trial], label: Labels = str) -> None:
        """Add the trials of a side: 0, or 1 for those that the first ones are compared with."""
        for trial in trials:
            model = label(trial.key.model)
            self.measured.setdefault((side, model), Measured()).add(trial.transcript)
            place = (TrialResult.of(trial).pair, model)
            entry = self._entries.setdefault(place, self._entry(trial, model))
            entry["sides"][side] = self._row(trial)
            if self.paired and side == 0:
                self._first[place] = trial
            first = self._first.pop(place, None) if side else None
            if first is not None:
                entry.update(_compared(first, trial))

    def index(self, order: Iterable[Iterable[str]]) -> dict[str, Any]:
        """All entries, sorted; and closes the last part.

        Args:
            order: names of suites, labels of scenarios, and models, as they are to stand.
        """
        self._close()
        places = [{short_name(name): at for at, name in enumerate(names)} for names in order]

        def place(entry: Mapping[str, Any]) -> tuple[Any, ...]:
            names = (entry["suite"], entry["scenario"], entry["model"])
            found = ((at.get(each, len(at)), each) for at, each in zip(places, names, strict=True))
            return (*found, entry["number"])

        return {
            "schema": 1,
            "paired": self.paired,
            "parts": len(self.parts),
            "entries": [_safe(each) for each in sorted(self._entries.values(), key=place)],
        }

    def _entry(self, trial: Trial, model: str) -> dict[str, Any]:
        key = trial.key
        return {
            "suite": short_name(key.suite),
            "scenario": short_name(key.scenario),
            "id": short_name(key.id),
            "model": short_name(model),
            "number": key.number,
            "tags": dict(self.tags.get((key.suite, key.scenario), {})),
            "sides": [None, None] if self.paired else [None],
        }

    def _row(self, trial: Trial) -> dict[str, Any]:
        transcript = trial.transcript
        found = json.dumps(_safe(_conversation(trial, self._text)), separators=(",", ":"))
        place = [len(self.parts), len(self._open)]
        self._open.append(found)
        self._size += len(found)
        if self._size > _PART:
            self._close()
        usage = transcript.usage
        return {
            "at": place,
            "status": trial.status,
            "cause": short_name(trial.cause or ""),
            "failed": sorted(
                {short_name(each.name) for each in trial.scores if each.status == "failed"}
            ),
            "decisions": [
                {
                    "turn": each.turn,
                    "where": each.where,
                    "expected": short_name(each.expected),
                    "actual": short_name(each.actual),
                    "outcome": each.outcome,
                    "cascaded": not each.on_path,
                    "note": each.note,
                    "start": each.start,
                }
                for each in trial.decisions
            ],
            "turns": max(0, len(transcript.turns) - 1),
            "handoffs": sum(each.old is not None for each in transcript.handoffs),
            "seconds": round(trial.duration_s, 3),
            "tokens": usage.prompt + usage.completion,
            "seed": trial.seed,
            "digest": trial.digest,
        }

    def _text(self, text: str) -> int:
        if text not in self._texts:
            self._texts[text] = len(self._texts)
            self._size += len(text)
        return self._texts[text]

    def _close(self) -> None:
        if not self._open:
            return
        texts = json.dumps([visible(text) for text in self._texts], separators=(",", ":"))
        written = f'{{"texts":{texts},"conversations":[{",".join(self._open)}]}}'
        self.parts.append(
            base64.b64encode(gzip.compress(written.encode(), compresslevel=6, mtime=0)).decode()
        )
        self._open, self._texts, self._size = [], {}, 0


def _compared(a: Trial, b: Trial) -> dict[str, Any]:
    """What is to be said of a pair: where it parts, in which request, and what flipped."""
    scored = a.status != "unscored" and b.status != "unscored"
    found = leading(flips(TrialResult.of(a), TrialResult.of(b))) if scored else ()
    return {
        "parted": _parted(a.transcript, b.transcript),
        "request": first_request(a.transcript, b.transcript),
        "flips": [each.direction for each in found],
    }


def _parted(a: Transcript, b: Transcript) -> list[int] | None:
    """The turn, and the event of it, from which two conversations differ; None for the same."""
    for turn in range(max(len(a.turns), len(b.turns))):
        for row, (one, other) in enumerate(zip_longest(_told(a, turn), _told(b, turn))):
            if one != other:
                return [turn, row]
    return None


def _told(transcript: Transcript, turn: int) -> Iterator[str]:
    if turn < len(transcript.turns):
        for event in transcript.turns[turn].events:
            text = describe(event)
            if text is not None:
                yield text


def _safe(value: Any) -> Any:
    """The same value with nothing in its texts that acts unseen."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(name)): _safe(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(each) for each in value]
    return value


def _conversation(trial: Trial, text: Callable[[str], int]) -> dict[str, Any]:
    transcript = trial.transcript
    handed = {each.event: _handed(each, text) for each in handed_contexts(transcript)}
    seam = dict(seams(transcript))
    return {
        "turns": [
            {
                "user": turn.user,
                "active": turn.active.label,
                "seconds": round(turn.duration_s, 3),
                "seam": seam.get(number),
                "events": [
                    {**_event(event), "index": index, "handed": handed.get(index)}
                    for index, event in transcript.indexed(number)
                ],
                "calls": [_request(call, text) for call in turn.model_calls],
                "replayed": any(call.replayed for call in turn.model_calls),
            }
            for number, turn in enumerate(transcript.turns)
        ],
        "scores": [
            {
                "name": each.name,
                "status": each.status,
                "reason": each.reason,
                "turn": each.turn,
                "events": each.events,
                "traceback": each.traceback,
            }
            for each in trial.scores
        ],
        "faults": [
            {"owner": each.owner, "cause": each.cause, "detail": each.detail, "turn": each.turn}
            for each in transcript.faults
        ],
        "job": [
            {"name": each.name, "arguments": json.dumps(each.arguments, default=str)}
            for each in transcript.job
        ],
        "ended": transcript.ended_by,
        "notes": list(transcript.notes),
    }


def _event(event: Event) -> dict[str, Any]:
    who = None if isinstance(event, AgentHandoff) or event.agent is None else event.agent.label
    found: dict[str, Any] = {"type": event.type, "agent": who}
    match event:
        case Message():
            found |= {"role": event.role, "text": event.text, "interrupted": event.interrupted}
            found["at"] = event.at_s
            found["told"] = True
        case FunctionCall():
            found |= {"name": event.name, "arguments": event.arguments, "told": True}
        case FunctionCallOutput():
            found |= {"name": event.name, "output": event.output, "error": event.is_error}
            found["told"] = True
        case AgentHandoff():
            found |= {"old": event.old and event.old.label, "agent": event.new.label}
            found |= {"kind": event.kind, "step": event.step, "told": True}
        case AgentConfigUpdate():
            found |= {"added": event.tools_added, "removed": event.tools_removed, "told": False}
        case AgentError():
            found |= {"where": event.where, "message": event.message, "told": True}
            found["traceback"] = event.traceback
    return found


def _handed(context: HandedContext, text: Callable[[str], int]) -> dict[str, Any]:
    return {
        "agent": context.agent,
        "turn": context.turn,
        "messages": [
            {
                "role": each.role,
                "text": text(each.text),
                "origin": each.origin,
                "whose": each.whose,
                "sentence": each.sentence,
            }
            for each in context.messages
        ],
        "lost": context.lost,
        "facts": [asdict(each) for each in context.facts],
    }


def _request(call: ModelCall, text: Callable[[str], int]) -> dict[str, Any]:
    return {
        "agent": call.agent.label,
        "model": call.model,
        "purpose": call.purpose,
        "messages": [[str(each["role"]), text(message_text(each))] for each in call.messages],
        "tools": [tool.name for tool in call.tools],
        "answer": call.text,
        "calls": [f"{each['name']}({each['arguments']})" for each in call.calls],
        "prompt": call.usage.prompt,
        "completion": call.usage.completion,
        "ttft": call.ttft_s,
        "seconds": round(call.duration_s, 3),
        "error": call.error or "",
        "replayed": call.replayed,
        "unused": call.unused,
        "after": call.after_handoffs,
    }
