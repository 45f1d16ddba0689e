"""LiveKit's own assertions on a turn; only what they say when they fail is ours."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from livekit.agents import RunResult
from livekit.agents.voice.run_result import RunAssert, RunEvent

from handoff_evals.plugin.failure_text import failed, in_turn, instead, line
from handoff_evals.transcript import (
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Transcript,
)

_KINDS = {
    "ChatMessageEvent": "message",
    "FunctionCallEvent": "function_call",
    "FunctionCallOutputEvent": "function_call_output",
    "AgentHandoffEvent": "agent_handoff",
}
_NONE_FITS = re.compile(r"No (\w+) \w+ criteria")
_OTHER_KIND = re.compile(r"Expected \w+Event$")


class TurnAssert(RunAssert):
    """`RunResult.expect`, failing with the whole conversation and the event marked.

    All of LiveKit's assertions fail through one method, which is replaced here;
    where a later LiveKit has another, its own words are shown.
    """

    def __init__(self, result: RunResult[Any], *, transcript: Transcript, turn: int) -> None:
        super().__init__(result)
        self._transcript = transcript
        self._turn = turn
        self._places = dict(_places(result.events, transcript, turn))
        self._tried: dict[int, str] = {}

    def _raise_with_debug_info(self, message: str, index: int | None = None) -> None:
        __tracebackhide__ = True
        none_fits = _NONE_FITS.match(message)
        if none_fits is not None and none_fits[1] in _KINDS:
            raise self._none_fits(message, none_fits[1])
        if index is not None:
            # `contains_…` tries one event after another and passes over these.
            if index <= max(self._tried, default=-1):
                self._tried.clear()
            self._tried[index] = message
        place = self._places.get(self._current_index if index is None else index)
        marked = instead(self._transcript, self._turn) if place is None else (place,)
        raise failed(self._transcript, f"{in_turn(self._turn)}: {message}", marked=marked)

    def _none_fits(self, message: str, wanted: str) -> AssertionError:
        tried, self._tried = self._tried, {}
        kind, where = _KINDS[wanted], in_turn(self._turn)
        near = {
            self._places[index]: reason
            for index, reason in tried.items()
            if index in self._places and not _OTHER_KIND.match(reason)
        }
        if near:
            headline = f"{where}: {'; '.join(near.values())}"
            notes = [f"({message})", *self._unseen(kind)]
            return failed(self._transcript, headline, marked=near, notes=notes)
        marked = instead(self._transcript, self._turn)
        headline = f"{where}: there is no {kind.replace('_', ' ')}; what happened is marked"
        notes = [f"({message})", *self._elsewhere(kind), *self._unseen(kind)]
        return failed(self._transcript, headline, marked=marked, notes=notes)

    def _elsewhere(self, kind: str) -> Iterator[str]:
        """Where in the other turns there is one of the kind that was looked for."""
        for turn in range(len(self._transcript.turns)):
            for index, event in self._transcript.indexed(turn):
                if event.type == kind and turn != self._turn and _key_of(event) is not None:
                    yield f"in {in_turn(turn)} there is {line(self._transcript, index)}"

    def _unseen(self, kind: str) -> Iterator[str]:
        """What came after LiveKit's run() was over, as where AgentTasks are nested."""
        seen = set(self._places.values())
        for index, event in self._transcript.indexed(self._turn):
            if event.type == kind and index not in seen and _key_of(event) is not None:
                shown = line(self._transcript, index)
                yield f"LiveKit's RunResult ended before {shown}: turn.events has it"


def _places(events: list[RunEvent], transcript: Transcript, turn: int) -> Iterator[tuple[int, int]]:
    """Pair the indices of a RunResult's events with those of the transcript's.

    By what they hold, and among equals by their order: the transcript keeps no ids.
    """
    ours: dict[tuple[str, ...], list[int]] = {}
    for place, event in transcript.indexed(turn):
        key = _key_of(event)
        if key is not None:
            ours.setdefault(key, []).append(place)
    met: Counter[tuple[str, ...]] = Counter()
    for index, run_event in enumerate(events):
        key = _key_of_run(run_event)
        places = ours.get(key, [])
        if met[key] < len(places):
            yield index, places[met[key]]
        met[key] += 1


def _key_of(event: Event) -> tuple[str, ...] | None:
    match event:
        case Message(role="assistant" | "system" | "developer"):
            return ("message", event.role, event.text)
        case FunctionCall() | FunctionCallOutput():
            return (event.type, event.call_id)
        case AgentHandoff():
            return ("agent_handoff", event.new.id)
        case _:
            return None


def _key_of_run(event: RunEvent) -> tuple[str, ...]:
    match event.type:
        case "message":
            return ("message", event.item.role, event.item.text_content or "")
        case "agent_handoff":
            return ("agent_handoff", event.item.new_agent_id)
        case _:
            return (event.type, event.item.call_id)
