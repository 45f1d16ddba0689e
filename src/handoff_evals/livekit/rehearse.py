"""Holds a scenario with the oracle, offline, and looks at each agent as it takes the call."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from livekit.agents import Agent, NotGivenOr, llm

from handoff_evals.livekit.call import Call, Limits
from handoff_evals.livekit.entry import AgentEntry, Opened
from handoff_evals.livekit.look import look_at, session_options
from handoff_evals.livekit.trivial import oracle
from handoff_evals.scenario import Scenario, Suite
from handoff_evals.score import overall
from handoff_evals.scorers import score
from handoff_evals.transcript import AgentRef
from handoff_evals.versions import AgentLook, Rehearsal


@dataclass(kw_only=True)
class Rehearser:
    """Rehearses the scenarios of one suite.

    Args:
        entry: the agent under test.
        suite: whose scenarios they are.
        limits: where a conversation is cut off.
        folder: the project.
    """

    entry: AgentEntry
    suite: Suite
    limits: Limits
    folder: Path
    classes: set[str] = field(default_factory=set)
    """Names of the agent classes that were met so far."""

    async def hold(self, scenario: Scenario) -> Rehearsal:
        """Hold one conversation; it asks no model."""
        looks: list[AgentLook] = []
        entry = _SeenEntry.around(self.entry)

        def met(agent: Agent, ref: AgentRef) -> None:
            self.classes.update(each.__name__ for each in type(agent).__mro__)
            looks.append(look_at(agent, label=ref.label, folder=self.folder))

        call = Call(
            entry,
            oracle(scenario),
            limits=self.limits,
            watch=self.suite.watch,
            scenario=scenario,
        )
        call.on_entrance = met
        await call.hold(turn.user for turn in scenario.turns)
        return Rehearsal(
            transcript=call.transcript,
            passed=overall(score(scenario, call.transcript)) == "passed",
            session=dict(entry.session),
            looks=tuple(looks),
        )


@dataclass(frozen=True, kw_only=True)
class _SeenEntry(AgentEntry):
    """An entry whose session is looked at before a run's model stands in for its own."""

    session: dict[str, str] = field(default_factory=dict)

    @classmethod
    def around(cls, entry: AgentEntry) -> "_SeenEntry":
        return cls(**{each.name: getattr(entry, each.name) for each in fields(entry)})

    @asynccontextmanager
    async def open(self, model: NotGivenOr[llm.LLM[Any]]) -> AsyncIterator[Opened]:
        async with super().open(model) as opened:
            found: Mapping[str, str] = session_options(opened.session)
            self.session.update(found)
            yield opened
