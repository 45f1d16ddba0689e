"""Runs on puppets: drivers that hold conversations as they are told."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handoff_evals.results import Price, Trial
from handoff_evals.runs import Pace, Planned, RetryPolicy, Runner
from handoff_evals.runs.lane import Budget, plan
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Suite, Target
from handoff_evals.transcript import Fault, Transcript, Usage
from tests.support.conversations import opening, request, transcript, turn

AT_ONCE = RetryPolicy(wait_s=0)


def expecting(label: str, *agents: str) -> Scenario:
    return Scenario(
        label=label,
        turns=tuple(
            ScriptedTurn(user="Hello?", expect=Expectation(agent=Target(id=agent)))
            for agent in agents
        ),
    )


SUITE = Suite(
    name="Shop",
    agent="m:A",
    scenarios=(expecting("one", "service"), expecting("two", "billing"), expecting("three")),
)


def well(_: Scenario) -> Transcript:
    spent = request("service", usage=Usage(prompt=70, completion=30))
    return transcript("service", turn("service", calls=(spent,)))


def dead(cause: str, retry_after_s: float | None = None) -> Transcript:
    fault = Fault(
        owner="infrastructure",
        cause=cause,
        detail="",
        turn=0,
        retry_after_s=retry_after_s,
        ended=True,
    )
    return Transcript(turns=(opening("service"),), faults=(fault,))


@dataclass
class Puppet:
    """Holds conversations as it is told, and counts how many at once."""

    answer: Callable[[Scenario], Transcript] = well
    rounds: int = 3
    """Of the event loop that each of them takes."""
    held: list[tuple[str, int]] = field(default_factory=list)
    at_once: list[int] = field(default_factory=list)
    running: int = 0

    async def run(self, scenario: Scenario, *, seed: int, number: int) -> Transcript:  # noqa: ARG002 - the port's
        self.running += 1
        self.at_once.append(self.running)
        self.held.append((scenario.label, seed))
        try:
            for _ in range(self.rounds):
                await asyncio.sleep(0)
            return self.answer(scenario)
        finally:
            self.running -= 1


@dataclass
class Given:
    """A run on puppets, one for each model."""

    puppets: dict[str, Puppet]
    trials: int = 1
    suite: Suite = SUITE
    total: int = 16
    limit: int = 8
    retry_policy: RetryPolicy = AT_ONCE
    budget: Budget = field(default_factory=Budget)
    prices: dict[str, Price] = field(default_factory=dict)
    done: list[Trial] = field(default_factory=list)

    @property
    def planned(self) -> list[Planned]:
        return list(plan([self.suite], list(self.puppets), trials=self.trials, seed=7))

    async def run(self) -> tuple[str, ...]:
        runner = Runner(
            drivers={(self.suite.name, name): each for name, each in self.puppets.items()},
            pace=Pace(
                total=self.total,
                per_model=dict.fromkeys(self.puppets, self.limit),
                retry_policy=self.retry_policy,
            ),
            done=self.done.append,
            budget=self.budget,
            prices=self.prices,
        )
        return await runner.run(self.planned)


def keys(trials: Sequence[Trial]) -> set[tuple[str, str, int]]:
    return {(each.key.scenario, each.key.model, each.key.number) for each in trials}
