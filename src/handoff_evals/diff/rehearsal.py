"""Every scenario of a suite run with the oracle, offline, and each agent looked at."""

import ast
import hashlib
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from livekit.agents import Agent, NotGivenOr, llm

from handoff_evals.agent_source import AgentModule
from handoff_evals.changes import AgentSnapshot, Rehearsal, Rehearsed
from handoff_evals.checks import overall, score
from handoff_evals.drivers import CallerSide, Limits, driver_for, rehearse
from handoff_evals.livekit import AgentEntry, Opened, look_at, session_options
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import Scenario, Suite
from handoff_evals.transcript import AgentRef, Transcript
from handoff_evals.user_code import module_of


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
    """Names of the agent classes that had a call so far."""

    async def run(self, scenario: Scenario) -> Rehearsal:
        """Run one scenario; it asks no model."""
        looks: list[AgentSnapshot] = []
        entry = _SeenEntry.around(self.entry)

        def met(agent: Agent, ref: AgentRef) -> None:
            self.classes.update(each.__name__ for each in type(agent).__mro__)
            looks.append(look_at(agent, label=ref.label, folder=self.folder))

        model, carried = OracleLLM(scenario), driver_for(self.suite)

        async def conversation() -> Transcript:
            looks.clear()
            call = carried.call(
                entry, model, limits=self.limits, watch=self.suite.watch, scenario=scenario
            )
            call.on_entrance = met
            await call.converse(CallerSide.of(scenario))
            return call.transcript

        transcript = await rehearse(model, conversation)
        return Rehearsal(
            transcript=transcript,
            passed=overall(score(scenario, transcript)) == "passed",
            session=dict(entry.session),
            looks=tuple(looks),
        )


@dataclass(frozen=True, kw_only=True)
class _SeenEntry(AgentEntry):
    """An entry that notes the session's options before a run's model takes the place of its own."""

    session: dict[str, str] = field(default_factory=dict)

    @classmethod
    def around(cls, entry: AgentEntry) -> "_SeenEntry":
        return cls(**{each.name: getattr(entry, each.name) for each in fields(entry)})

    @asynccontextmanager
    async def open(
        self, model: NotGivenOr[llm.LLM[Any]], prepare: Callable[[Opened], None]
    ) -> AsyncIterator[Opened]:
        def seen(opened: Opened) -> None:
            found: Mapping[str, str] = session_options(opened.session)
            self.session.update(found)
            prepare(opened)

        async with super().open(model, seen) as opened:
            yield opened


async def rehearsed(entry: AgentEntry, suite: Suite, *, limits: Limits, folder: Path) -> Rehearsed:
    """Rehearse a suite; no model is asked.

    Args:
        entry: its agent, imported.
        suite: whose scenarios they are.
        limits: where a conversation is cut off.
        folder: the project.
    """
    rehearser = Rehearser(entry=entry, suite=suite, limits=limits, folder=folder)
    rehearsals = {each.label: await rehearser.run(each) for each in suite.scenarios}
    classes = _agent_classes(module_of(suite.agent, folder=folder))
    return Rehearsed(
        suite=suite.name,
        rehearsals=rehearsals,
        not_met={name: code for name, code in classes.items() if name not in rehearser.classes},
    )


def _agent_classes(module: str) -> Mapping[str, str]:
    """The agent classes of a module that no other one is derived from, with their digests."""
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None:
        return {}
    agents = AgentModule.read(Path(path)).agents
    bases = {ast.unparse(base) for node in agents.values() for base in node.bases}
    return {
        name: hashlib.sha256(ast.dump(node).encode()).hexdigest()[:16]
        for name, node in agents.items()
        if name not in bases
    }
