"""The record of one conversation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from handoff_evals.transcript.agent_ref import AgentRef
from handoff_evals.transcript.events import AgentHandoff, Event, Message
from handoff_evals.transcript.fault import Fault
from handoff_evals.transcript.model_call import ModelCall, Usage


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What the caller said and everything that came of it until all was quiet again.

    Turn 0 is the opening: nobody has spoken yet (`user` is None), the first agent
    enters and may greet.
    """

    user: str | None
    events: tuple[Event, ...]
    model_calls: tuple[ModelCall, ...]
    active: AgentRef
    """The agent that was active when the turn was over."""
    userdata: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the session's userdata that the scenario asks about."""
    duration_s: float = 0.0

    @property
    def handoffs(self) -> tuple[AgentHandoff, ...]:
        """The handoffs of this turn, in order."""
        return tuple(event for event in self.events if isinstance(event, AgentHandoff))

    @property
    def said(self) -> str:
        """What the agents said in this turn, one reply a line."""
        return "\n".join(
            event.text
            for event in self.events
            if isinstance(event, Message) and event.role == "assistant"
        )


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """One conversation, complete: everything after the driver reads this and nothing else."""

    turns: tuple[Turn, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """All events in order, those of the opening first."""
        return tuple(event for turn in self.turns for event in turn.events)

    @property
    def handoffs(self) -> tuple[AgentHandoff, ...]:
        """Every handoff, the first agent's entrance included (its `old` is None)."""
        return tuple(event for event in self.events if isinstance(event, AgentHandoff))

    @property
    def model_calls(self) -> tuple[ModelCall, ...]:
        """Every request to a model, in order."""
        return tuple(call for turn in self.turns for call in turn.model_calls)

    @property
    def usage(self) -> Usage:
        """The tokens of the whole conversation."""
        return sum((call.usage for call in self.model_calls), Usage())

    @property
    def held_s(self) -> float:
        """Seconds that the harness held requests back; no caller would have waited for them."""
        return sum(call.held_s for call in self.model_calls)

    @property
    def unscored_because(self) -> Fault | None:
        """The first fault that is nobody's behaviour, or None when the trial can be judged."""
        return next((fault for fault in self.faults if fault.owner == "infrastructure"), None)

    def indexed(self, turn: int) -> Iterator[tuple[int, Event]]:
        """The events of one turn with their indices into `events`."""
        start = sum(len(earlier.events) for earlier in self.turns[:turn])
        yield from enumerate(self.turns[turn].events, start)
