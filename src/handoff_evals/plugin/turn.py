"""One turn of a call, and the assertions on it: LiveKit's own, and one for handoffs."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from livekit.agents import Agent, RunResult
from livekit.agents.voice.run_result import RunAssert, RunEvent

from handoff_evals.checks import announces_transfer, to_person
from handoff_evals.plugin.failure_text import (
    Who,
    agent_events,
    event_line,
    failed,
    matches,
    named,
    turn_name,
    turn_of,
)
from handoff_evals.plugin.said_and_done import SaidAndDone
from handoff_evals.transcript import (
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
    ModelCall,
    Transcript,
    Turn,
)


class Handoff(NamedTuple):
    """Who handed the call to whom, by LiveKit's ids; equal to a plain pair."""

    old_agent_id: str | None
    """None when the first agent takes the call."""
    new_agent_id: str


@dataclass(frozen=True, kw_only=True)
class ObservedHandoff:
    """A handoff that took place: where it stands, and the two agents themselves."""

    place: int
    """Index into the transcript's events."""
    old: Agent | None
    new: Agent

    @property
    def ids(self) -> Handoff:
        """As a test compares it."""
        return Handoff(None if self.old is None else self.old.id, self.new.id)

    def fits(self, old: Who | None, new: Who) -> bool:
        """Whether it is the handoff from `old` to `new`; None stands for nobody."""
        if old is None or self.old is None:
            return old is None and self.old is None and matches(new, self.new)
        return matches(old, self.old) and matches(new, self.new)


@dataclass(frozen=True, kw_only=True)
class CallTurn:
    """What happened in one turn of a call; number 0 is the opening."""

    number: int
    transcript: Transcript
    """The conversation up to the end of this turn."""
    moves: tuple[ObservedHandoff, ...]
    """Every handoff up to the end of this turn; the first agent's start is one."""
    run_result: RunResult[Any] | None

    @property
    def result(self) -> RunResult[Any]:
        """LiveKit's own RunResult of this turn.

        Raises:
            AssertionError: when the turn was cut off, so that LiveKit gave none.
        """
        __tracebackhide__ = True
        if self.run_result is None:
            causes = [f.cause for f in self.transcript.faults if f.turn == self.number and f.ended]
            raise failed(
                self.transcript,
                f"{turn_name(self.number)} was cut off ({', '.join(causes) or 'cause unknown'}), "
                "so LiveKit has no result of it; turn.events and turn.handoffs show what happened",
                marked=agent_events(self.transcript, self.number),
            )
        return self.run_result

    @cached_property
    def expect(self) -> "TurnAssert":
        """LiveKit's own assertions on the RunResult, and those on handoffs, words and calls.

        The same object each time, so LiveKit's cursor (`next_event()`) stays where it was.

        Raises:
            AssertionError: when the turn was cut off, so that LiveKit gave no RunResult.
        """
        __tracebackhide__ = True
        return TurnAssert(self)

    @property
    def recorded(self) -> Turn:
        """The harness's own record of this turn."""
        return self.transcript.turns[self.number]

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that happened, in order; also what a RunResult leaves out."""
        return self.recorded.events

    @property
    def model_calls(self) -> tuple[ModelCall, ...]:
        """What the agents' models were asked and answered."""
        return self.recorded.model_calls

    @property
    def said(self) -> str:
        """What the agents said, one reply a line."""
        return self.recorded.said

    @property
    def active_agent_id(self) -> str:
        """The agent that had the call when the turn was over."""
        return self.recorded.active.id

    @property
    def handoffs(self) -> list[Handoff]:
        """The handoffs of this turn, in order."""
        return [move.ids for move in self.own_moves]

    @property
    def own_moves(self) -> list[ObservedHandoff]:
        """The handoffs of this turn, with the agents themselves."""
        return [move for move in self.moves if turn_of(self.transcript, move.place) == self.number]


_KINDS = {
    "ChatMessageEvent": "message",
    "FunctionCallEvent": "function_call",
    "FunctionCallOutputEvent": "function_call_output",
    "AgentHandoffEvent": "agent_handoff",
}
_NONE_FITS = re.compile(r"No (\w+) \w+ criteria")
_OTHER_KIND = re.compile(r"Expected \w+Event$")


class TurnAssert(RunAssert, SaidAndDone):
    """`RunResult.expect`, with assertions on handoffs; a failure shows the conversation.

    All of LiveKit's assertions fail through one method, which is replaced here;
    where a later LiveKit has another, its own words are shown.
    """

    def __init__(self, turn: CallTurn) -> None:
        result = turn.result
        RunAssert.__init__(self, result)
        SaidAndDone.__init__(self, turn.transcript, turn.number)
        self._turn = turn
        self._transcript = turn.transcript
        self._places = dict(_places(result.events, turn.transcript, turn.number))
        self._tried: dict[int, str] = {}

    def handoff(self, old: Who | None, new: Who) -> None:
        """Require that this turn's one handoff went from `old` to `new`.

        It looks at the whole turn and leaves LiveKit's cursor where it is. AgentTasks that
        were over, and agents that neither spoke nor were asked, may lie between. Several
        handoffs of one turn are compared as a list: `turn.handoffs`.

        Args:
            old: an Agent class, an instance or an id; None where the first agent takes
                the call.
            new: likewise, but never None.

        Raises:
            AssertionError: there was no handoff, another one, or more than one.
        """
        __tracebackhide__ = True
        wanted = f"{named(old)} -> {named(new)}"
        own = self._turn.own_moves
        if len(own) == 1 and own[0].fits(old, new):
            return
        if len(self._turn.recorded.transfers) == 1:
            whole = replace(own[-1], old=own[0].old)
            if whole.fits(old, new) or own[-1].fits(old, new):
                return
        raise failed(
            self._transcript,
            f"{self._happened_instead(new)}; expected {wanted}",
            marked={move.place for move in own}
            or agent_events(self._transcript, self._turn.number),
            notes=list(self._near(old, new)),
        )

    def no_handoff(self) -> None:
        """Require that the agent that had the call kept it, but for AgentTasks that were over.

        Raises:
            AssertionError: there was a handoff.
        """
        __tracebackhide__ = True
        if self._turn.recorded.transfers:
            raise failed(
                self._transcript,
                f"{turn_name(self._turn.number)}: {self._happened}; expected no handoff",
                marked=[move.place for move in self._turn.own_moves],
            )

    @property
    def _happened(self) -> str:
        return ", ".join(f"{old or 'nobody'} -> {new}" for old, new in self._turn.handoffs)

    def _happened_instead(self, new: Who) -> str:
        where, own = turn_name(self._turn.number), self._turn.own_moves
        if not own:
            person = to_person(self._transcript, self._turn.number)
            if announces_transfer(self._turn.said) and not person:
                return f"{where}: no handoff, though the agent announces a transfer (phantom)"
            return f"{where}: no handoff"
        if len(own) > 1 and matches(new, own[-1].new):
            return f"{where}: a detour, {self._happened}"
        return f"{where}: {self._happened}"

    def _near(self, old: Who | None, new: Who) -> Iterator[str]:
        """Where the expected handoff did take place, or what could have led there."""
        own, calls = self._turn.own_moves, self._turn.model_calls
        for move in self._turn.moves:
            if move not in own and move.fits(old, new):
                where = turn_name(turn_of(self._transcript, move.place))
                yield f"{where} has it: {event_line(self._transcript, move.place)}"
        if len(own) > 1:
            yield "compare several handoffs of one turn as a list: turn.handoffs"
        if not own and calls:
            tools = ", ".join(tool.name for tool in calls[-1].tools) or "none"
            yield f"tools that {calls[-1].agent.label}'s model could call: {tools}"

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
        number = self._turn.number
        place = self._places.get(self._current_index if index is None else index)
        marked = agent_events(self._transcript, number) if place is None else (place,)
        raise failed(self._transcript, f"{turn_name(number)}: {message}", marked=marked)

    def _none_fits(self, message: str, wanted: str) -> AssertionError:
        tried, self._tried = self._tried, {}
        kind, where = _KINDS[wanted], turn_name(self._turn.number)
        near = {
            self._places[index]: reason
            for index, reason in tried.items()
            if index in self._places and not _OTHER_KIND.match(reason)
        }
        if near:
            headline = f"{where}: {'; '.join(near.values())}"
            notes = [f"({message})", *self._after_the_result(kind)]
            return failed(self._transcript, headline, marked=near, notes=notes)
        marked = agent_events(self._transcript, self._turn.number)
        headline = f"{where}: there is no {kind.replace('_', ' ')}; what happened is marked"
        notes = [f"({message})", *self._in_other_turns(kind), *self._after_the_result(kind)]
        return failed(self._transcript, headline, marked=marked, notes=notes)

    def _in_other_turns(self, kind: str) -> Iterator[str]:
        """The events of that kind in the other turns."""
        for turn in range(len(self._transcript.turns)):
            for index, event in self._transcript.indexed(turn):
                if event.type == kind and turn != self._turn.number and _key_of(event) is not None:
                    yield f"{turn_name(turn)} has one: {event_line(self._transcript, index)}"

    def _after_the_result(self, kind: str) -> Iterator[str]:
        """What came after LiveKit's run() was over, as where AgentTasks are nested."""
        seen = set(self._places.values())
        for index, event in self._transcript.indexed(self._turn.number):
            if event.type == kind and index not in seen and _key_of(event) is not None:
                shown = event_line(self._transcript, index)
                yield f"LiveKit's RunResult ended before {shown}: turn.events has it"


def _places(events: list[RunEvent], transcript: Transcript, turn: int) -> Iterator[tuple[int, int]]:
    """Pair the indices of a RunResult's events with those of the transcript's.

    By their contents, and among equals by their order: the transcript keeps no ids.
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
