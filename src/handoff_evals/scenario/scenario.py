"""A conversation to hold, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from handoff_evals.scenario.expectation import Expectation
from handoff_evals.scenario.target import Target


@dataclass(frozen=True, kw_only=True)
class ScriptedTurn:
    """What the caller says, and what is expected after it."""

    user: str
    expect: Expectation = field(default_factory=Expectation)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One conversation.

    `instructions` and `agent_expectations` are LiveKit's own keys, for a simulated
    caller; `turns` are ours, for a scripted one.
    """

    label: str
    turns: tuple[ScriptedTurn, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    instructions: str = ""
    agent_expectations: str = ""
    userdata: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    """Where it stands in its file."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What the driver has to note beyond the conversation itself.

    Only what a scenario asks about is read from the agents and the userdata, so
    that nothing else of a user's objects ever reaches a file.
    """

    attributes: frozenset[str] = frozenset()
    userdata: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The scenarios of one file, and the agent that they are about."""

    name: str
    agent: str
    """`module:name` of an `Agent` class or of a function that gets the model."""
    scenarios: tuple[Scenario, ...]
    simulated: tuple[str, ...] = ()
    """Labels without turns: they need LiveKit's simulated caller."""
    path: str = ""
    sha256: str = ""

    @cached_property
    def watch(self) -> Watch:
        """Everything that some scenario asks about."""
        expectations = [turn.expect for scenario in self.scenarios for turn in scenario.turns]
        return Watch(
            attributes=frozenset(
                name
                for expect in expectations
                for target in _targets(expect)
                for name in target.where
            ),
            userdata=frozenset(name for expect in expectations for name in expect.userdata),
        )


def _targets(expect: Expectation) -> list[Target]:
    targets = [] if expect.agent is None else [expect.agent]
    for handoff in expect.handoffs or ():
        targets.append(handoff.new)
        if handoff.old is not None:
            targets.append(handoff.old)
    return targets
