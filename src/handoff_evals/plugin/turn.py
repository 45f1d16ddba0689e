"""One turn of a call, to assert on."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from livekit.agents import Agent, RunResult
from livekit.agents.voice.run_result import RunAssert

from handoff_evals.checks import announces_transfer
from handoff_evals.plugin.failure_text import (
    Who,
    failed,
    in_turn,
    instead,
    is_meant,
    line,
    named,
    turn_of,
)
from handoff_evals.plugin.turn_expect import TurnAssert
from handoff_evals.transcript import Event, ModelCall, Transcript, Turn


class Handoff(NamedTuple):
    """Who handed the call to whom, by LiveKit's ids; equal to a plain pair."""

    old_agent_id: str | None
    """None when the first agent takes the call."""
    new_agent_id: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """A handoff that took place: where it stands, and the two agents themselves."""

    place: int
    """Index into the transcript's events."""
    old: Agent | None
    new: Agent

    @property
    def ids(self) -> Handoff:
        """As a test compares it."""
        return Handoff(None if self.old is None else self.old.id, self.new.id)


@dataclass(frozen=True, kw_only=True)
class TurnUnderTest:
    """What one turn brought; number 0 is the opening."""

    number: int
    transcript: Transcript
    """The conversation up to the end of this turn."""
    moves: tuple[Move, ...]
    """Every handoff up to the end of this turn, the entrance included."""
    run_result: RunResult[Any] | None

    @property
    def result(self) -> RunResult[Any]:
        """LiveKit's own RunResult of this turn."""
        __tracebackhide__ = True
        if self.run_result is None:
            raise failed(
                self.transcript,
                f"{in_turn(self.number)} has no RunResult: it was cut off; see the faults",
            )
        return self.run_result

    @cached_property
    def expect(self) -> RunAssert:
        """LiveKit's own assertions on the RunResult, with its cursor where it was left."""
        __tracebackhide__ = True
        return TurnAssert(self.result, transcript=self.transcript, turn=self.number)

    @property
    def recorded(self) -> Turn:
        """The harness's own record of this turn."""
        return self.transcript.turns[self.number]

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that happened, also what a RunResult leaves out; in order."""
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
        return [move.ids for move in self._own]

    def expect_handoff(self, old: Who | None, new: Who) -> "TurnUnderTest":
        """Require that this turn's one handoff went from `old` to `new`.

        Args:
            old: an Agent class, an instance or an id; None for the entrance.
            new: likewise.
        """
        __tracebackhide__ = True
        wanted = f"{named(old)} -> {named(new)}"
        if len(self._own) == 1 and _fits(self._own[0], old, new):
            return self
        marked = {move.place for move in self._own} or set(instead(self.transcript, self.number))
        notes = self._elsewhere(old, new)
        raise failed(
            self.transcript, f"{self._came_to(new)}; expected {wanted}", marked=marked, notes=notes
        )

    def expect_no_handoff(self) -> "TurnUnderTest":
        """Require that the call stayed where it was."""
        __tracebackhide__ = True
        if self._own:
            raise failed(
                self.transcript,
                f"{in_turn(self.number)}: {self._happened}; expected no handoff",
                marked=[move.place for move in self._own],
            )
        return self

    @property
    def _own(self) -> list[Move]:
        return [move for move in self.moves if turn_of(self.transcript, move.place) == self.number]

    @property
    def _happened(self) -> str:
        return ", ".join(f"{old or 'nobody'} -> {new}" for old, new in self.handoffs)

    def _came_to(self, new: Who) -> str:
        where = in_turn(self.number)
        if not self._own:
            if announces_transfer(self.said):
                return f"{where}: phantom, a transfer is announced but there was no handoff"
            return f"{where}: no handoff"
        if len(self._own) > 1 and is_meant(new, self._own[-1].new):
            return f"{where}: a detour, {self._happened}"
        return f"{where}: {self._happened}"

    def _elsewhere(self, old: Who | None, new: Who) -> list[str]:
        """Where the expected handoff did take place, or what could have led there."""
        notes = [
            f"in {in_turn(turn_of(self.transcript, move.place))} there is "
            f"{line(self.transcript, move.place)}"
            for move in self.moves
            if move not in self._own and _fits(move, old, new)
        ]
        if len(self._own) > 1:
            notes.append("several handoffs of one turn are compared as a list: turn.handoffs")
        if not self._own and self.model_calls:
            asked = self.model_calls[-1]
            tools = ", ".join(tool.name for tool in asked.tools) or "none"
            notes.append(f"the tools that {asked.agent.label}'s model could call: {tools}")
        return notes


def _fits(move: Move, old: Who | None, new: Who) -> bool:
    if old is None or move.old is None:
        return old is None and move.old is None and is_meant(new, move.new)
    return is_meant(old, move.old) and is_meant(new, move.new)
