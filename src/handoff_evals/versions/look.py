"""What an agent is, seen from outside, and a rehearsal: a conversation that asks no model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handoff_evals.transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class ToolLook:
    """A tool as the agent holds it."""

    description: str
    parameters: Mapping[str, Any]
    """Its JSON schema."""
    leads_to: tuple[str, ...] = ()
    """Ids of the agents that its code names, sorted."""
    code: str = ""
    """A digest of what it does: its function, and those of the project that it uses."""


@dataclass(frozen=True, kw_only=True)
class AgentLook:
    """An agent at the moment when it takes the call."""

    label: str
    instructions: str
    tools: Mapping[str, ToolLook]
    """By name."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Its own models and how it takes turns, as text; what it leaves to the session is left out."""
    code: str = ""
    """A digest of its methods, and of what they use in the project."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A scenario held with the oracle: what its agents are when everything goes as expected."""

    transcript: Transcript
    passed: bool
    """Whether everything that the scenario expects came of it."""
    session: Mapping[str, str]
    """The session's own options, as text."""
    looks: tuple[AgentLook, ...]
    """One for each time an agent took the call, in order."""


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """All scenarios of a suite, rehearsed on one side."""

    suite: str
    rehearsals: Mapping[str, Rehearsal]
    """By the scenario's label."""
    not_met: Mapping[str, str] = field(default_factory=dict)
    """Agent classes of the module that no scenario met, with a digest of their code."""
