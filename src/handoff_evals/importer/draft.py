"""A recorded call, folded into turns with what came of each.

A fact is something that the caller said: a number of three digits or more (with the letters
around it, as in `AB-1203`), or what a tool was called with word for word, as a name.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from handoff_evals.errors import UsageError
from handoff_evals.importer.recording import Recording
from handoff_evals.scenarios import ScenarioText, Target, TurnText, scenario_file
from handoff_evals.transcript import AgentHandoff, Event, FunctionCall, FunctionCallOutput, Message

_DIGITS = 3
_MOST_WORDS = 4
# Digits in groups, as a telephone number is said, or letters and digits in one.
_NUMBERS = re.compile(r"\d+(?: \d+)+|\w+(?:[-/.]\w+)*")


def numbers(words: str) -> Iterator[str]:
    """The numbers in what was said, as they were said."""
    for match in _NUMBERS.finditer(words):
        if sum(char.isdigit() for char in match[0]) >= _DIGITS:
            yield match[0]


def stands_in(fact: str, words: str) -> bool:
    """Whether it was said, as whole words, in upper or lower case."""
    fact = fact.strip()
    if not fact or fact.casefold() not in words.casefold():  # most are not: quicker than a pattern
        return False
    return re.search(rf"(?<!\w){re.escape(fact)}(?!\w)", words, re.IGNORECASE) is not None


def named(arguments: Any, words: str) -> Iterator[str]:
    """What a tool was called with, and the caller had said; no sentences."""
    match arguments:
        case dict():
            for value in arguments.values():
                yield from named(value, words)
        case list():
            for value in arguments:
                yield from named(value, words)
        case bool() | None:
            return
        case str() | int() | float():
            fact = str(arguments).strip()
            short = len(fact) > 1 and len(fact.split()) <= _MOST_WORDS
            if short and stands_in(fact, words):
                yield fact


def distinct(facts: Iterable[str]) -> tuple[str, ...]:
    """Each once, and none that says no more than a shorter one."""
    listed = list({fact.casefold(): fact for fact in facts}.values())
    return tuple(
        fact
        for fact in listed
        if not any(other != fact and stands_in(other, fact) for other in listed)
    )


_LABEL = 60
_RECENT = 120
"""Events up to a turn in which the facts are looked for that the next agent has to get: of a call
with hundreds of turns, all of them would make each turn longer than the one before."""


@dataclass(frozen=True, kw_only=True)
class DraftCall:
    """A tool that was called, with the arguments that another model would give it too."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DraftTurn:
    """What the caller said, and what came of it."""

    user: str
    """Empty where it was not transcribed."""
    agent: str | None
    """The agent that was active afterwards; None where the recording doesn't say."""
    handoffs: tuple[str, ...] = ()
    """The path, where it had more than one step."""
    calls: tuple[DraftCall, ...] = ()
    carries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What a person has to look at."""


@dataclass(frozen=True, kw_only=True)
class DraftScenario:
    """One call."""

    label: str
    turns: tuple[DraftTurn, ...]
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Heard:
    """What the caller said in one go, and all events until they spoke again."""

    words: list[str]
    events: list[Event] = field(default_factory=list)


def draft(recording: Recording) -> DraftScenario:
    """Fold a call into a scenario that says what happened.

    Raises:
        UsageError: when no word of a caller is in it.
    """
    opening, heard = _split(recording.events)
    if not any(each.words for each in heard):
        said = sum(isinstance(event, Message) for event in recording.events)
        raise UsageError(
            f"{recording.source}: no word of a caller is in it ({len(recording.events)} items, "
            f"{said} messages), so there is nothing to say again"
        )
    first = next((event for event in recording.events if isinstance(event, AgentHandoff)), None)
    told = f"{recording.source}: {'; '.join(recording.about)}".removesuffix(": ")
    notes = [told, *_of_opening(opening, first)]
    active = _after(opening, None if first is None or first.old is None else first.old.id)
    turns: list[DraftTurn] = []
    so_far: list[Event] = list(opening)
    for each in heard:
        so_far += [Message(role="user", text="\n".join(each.words)), *each.events]
        turns.append(_turn(each, active, so_far[-_RECENT:]))
        active = _after(each.events, active)
    return DraftScenario(label=_label(heard), turns=tuple(turns), notes=tuple(notes))


def _split(events: Sequence[Event]) -> tuple[list[Event], list[_Heard]]:
    opening: list[Event] = []
    heard: list[_Heard] = []
    for event in events:
        if isinstance(event, Message) and event.role == "user":
            words = [event.text] if event.text else []
            # Said in two parts: the agent answered both of them at once.
            if heard and not heard[-1].events and heard[-1].words and words:
                heard[-1].words += words
            else:
                heard.append(_Heard(words=words))
        elif not (isinstance(event, Message) and event.role != "assistant"):
            (heard[-1].events if heard else opening).append(event)
    return opening, heard


def _of_opening(opening: Sequence[Event], first: AgentHandoff | None) -> Iterator[str]:
    if first is None:
        yield "no agent's entrance is recorded, so who was active is not known: add `agent:`"
    moves = [event for event in opening if isinstance(event, AgentHandoff)]
    if len(moves) > 1:
        path = " -> ".join(move.new.id for move in moves)
        yield f"before the caller's first words the call went {path}; no turn can expect that"
    calls = [event.name for event in opening if isinstance(event, FunctionCall)]
    if calls:
        yield f"before the caller's first words these were called: {', '.join(calls)}"


def _turn(heard: _Heard, start: str | None, so_far: Sequence[Event]) -> DraftTurn:
    moves = [event for event in heard.events if isinstance(event, AgentHandoff)]
    words = "\n".join(
        event.text for event in so_far if isinstance(event, Message) and event.role == "user"
    )
    agent = _after(heard.events, start)
    calls, of_calls = _calls(heard.events, words)
    notes = [*_of_words(heard), *_of_moves(moves, start), *of_calls]
    if agent is not None and not _writable(agent):
        notes.append(f"the agent {agent!r} was active: a scenario can't write such an id")
        agent = None
    path = _path(moves, start) if len(moves) > 1 else ()
    made = (event for event in so_far if isinstance(event, FunctionCall))
    facts = [
        *numbers(words),
        *(fact for event in made for fact in named(_arguments(event), words)),
    ]
    return DraftTurn(
        user="\n".join(heard.words),
        agent=agent,
        handoffs=path if all(map(_writable, _ids(moves, start))) else (),
        calls=calls,
        carries=distinct(facts) if moves else (),
        notes=tuple(notes),
    )


def _of_words(heard: _Heard) -> Iterator[str]:
    if not heard.words:
        yield "the caller spoke, but it was not transcribed: write what they said, or leave it out"
    if len(heard.words) > 1:
        yield f"said in {len(heard.words)} parts, before anybody answered"
    said = [
        event for event in heard.events if isinstance(event, Message) and event.role == "assistant"
    ]
    if any(event.interrupted for event in said):
        yield "the caller broke in on the answer; in text nobody can"
    if not any(event.text for event in said):
        yield "nobody answered; if that is right, expect `silence: true`"


def _of_moves(moves: Sequence[AgentHandoff], start: str | None) -> Iterator[str]:
    if len(moves) > 1:
        yield "the call took more than one step: leave the path out if it should not have"
    ids = _ids(moves, start)
    if any(old == new for old, new in pairwise(ids)):
        yield "two agents share this id: tell by `where: {attribute: value}` which is meant"


def _calls(events: Sequence[Event], words: str) -> tuple[tuple[DraftCall, ...], list[str]]:
    outputs = {event.call_id: event for event in events if isinstance(event, FunctionCallOutput)}
    kept: list[DraftCall] = []
    notes: list[str] = []
    for event in events:
        if not isinstance(event, FunctionCall):
            continue
        output = outputs.get(event.call_id)
        if output is not None and output.is_error:
            notes.append(f"{event.name} was called too, and failed: {output.output}")
            continue
        arguments = _arguments(event)
        given = arguments if isinstance(arguments, dict) else {}
        repeatable = {name: value for name, value in given.items() if _repeatable(value, words)}
        notes += [
            f"{event.name} also got {name} {json.dumps(value, ensure_ascii=False)}"
            for name, value in given.items()
            if name not in repeatable
        ]
        call = DraftCall(name=event.name, arguments=repeatable)
        if call not in kept:
            kept.append(call)
    return tuple(kept), notes


def _repeatable(value: Any, words: str) -> bool:
    """Whether another model can be expected to give it: no sentence of the model's own."""
    match value:
        case str():
            return len(value.split()) == 1 or stands_in(value, words)
        case dict():
            return all(_repeatable(each, words) for each in value.values())
        case list():
            return all(_repeatable(each, words) for each in value)
        case float():
            return math.isfinite(value)
        case _:
            return True


def _arguments(call: FunctionCall) -> Any:
    try:
        return json.loads(call.arguments or "{}")
    except ValueError:
        return {}


def _after(events: Sequence[Event], start: str | None) -> str | None:
    moves = [event for event in events if isinstance(event, AgentHandoff)]
    return moves[-1].new.id if moves else start


def _ids(moves: Sequence[AgentHandoff], start: str | None) -> list[str]:
    before = moves[0].old.id if moves and moves[0].old is not None else start
    return [*([before] if before is not None else []), *(move.new.id for move in moves)]


def _path(moves: Sequence[AgentHandoff], start: str | None) -> tuple[str, ...]:
    ids = _ids(moves, start)
    steps = [f"{old} -> {new}" for old, new in pairwise(ids)]
    return tuple(steps if len(steps) == len(moves) else [move.new.id for move in moves])


def _writable(agent_id: str) -> bool:
    try:
        return not Target.parse(agent_id).where and "->" not in agent_id
    except ValueError:
        return False


def _label(heard: Sequence[_Heard]) -> str:
    """The words that moved the call, or its first ones."""
    spoken = [each for each in heard if each.words]
    moving = (
        each for each in spoken if any(isinstance(event, AgentHandoff) for event in each.events)
    )
    words = " ".join(" ".join(next(moving, spoken[0]).words).split())
    if len(words) <= _LABEL:
        return words
    return f"{words[:_LABEL].rpartition(' ')[0] or words[:_LABEL]} …"


_HEAD = (
    "What happened in recorded calls, by `handoff-evals import`. Correct it into what should have.",
    "Callers' words can be private: read them before you share this file.",
    "No recording tells: userdata, and which of several agents with one id was meant (`where:`).",
)
_NO_AGENT = (
    "The agent under test is in no recording, and without it this file does not load. Write:",
    "agent: module:name",
)


def draft_file(scenarios: Sequence[DraftScenario], *, agent: str | None = None) -> str:
    """Write a suite of drafts as YAML.

    Args:
        scenarios: one a call.
        agent: `module:name` of the agent under test, where it is known.
    """
    texts = [
        ScenarioText(
            label=scenario.label,
            comments=scenario.notes,
            turns=[
                TurnText(user=turn.user, comments=turn.notes, expect=dict(_expectations(turn)))
                for turn in scenario.turns
            ],
        )
        for scenario in scenarios
    ]
    comments = _HEAD if agent is not None else (*_HEAD, *_NO_AGENT)
    return scenario_file(texts, comments=comments, agent=agent)


def _expectations(turn: DraftTurn) -> Iterator[tuple[str, Any]]:
    if turn.agent is not None:
        yield "agent", turn.agent
    if turn.handoffs:
        yield "handoffs", list(turn.handoffs)
    if turn.calls:
        yield (
            "calls",
            [
                {
                    "name": call.name,
                    **({"arguments": dict(call.arguments)} if call.arguments else {}),
                }
                for call in turn.calls
            ],
        )
    if turn.carries:
        yield "carries", list(turn.carries)
