"""What must have come of a turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handoff_evals.scenario.target import Target


@dataclass(frozen=True, kw_only=True)
class ExpectedHandoff:
    """One step of an expected path; `old` is None where only the new agent is named."""

    new: Target
    old: Target | None = None

    @property
    def label(self) -> str:
        """As it is written in a scenario file."""
        return f"{self.old.label if self.old else '…'} -> {self.new.label}"


@dataclass(frozen=True, kw_only=True)
class ExpectedCall:
    """A tool that must have been called, with at least these arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What must hold once a turn is over; whatever is None or empty is not checked."""

    agent: Target | None = None
    handoffs: tuple[ExpectedHandoff, ...] | None = None
    """The exact path of the turn; an empty one means that nobody hands over."""
    calls: tuple[ExpectedCall, ...] | None = None
    """Tools that must have been called; an empty one means that none is."""
    carries: tuple[str, ...] = ()
    """What the agent that is active after the turn must have been told."""
    userdata: Mapping[str, Any] = field(default_factory=dict)
    silence: bool = False
    """Whether the caller must hear nothing; otherwise they must hear something."""
