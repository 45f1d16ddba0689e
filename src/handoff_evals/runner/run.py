"""Runs planned trials, so many at once, and hands each one over as it ends."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from handoff_evals.handoffs import decisions
from handoff_evals.runner.driver import Driver
from handoff_evals.runner.plan import Planned
from handoff_evals.scorers import score
from handoff_evals.trial import Trial

Route = tuple[str, str]
"""A suite's name and a model's label: what a driver is for."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs trials; `done` gets each of them as soon as it is finished."""

    drivers: Mapping[Route, Driver]
    concurrency: Mapping[str, int]
    """Conversations at once, by the model's label."""
    done: Callable[[Trial], None]

    async def run(self, planned: Iterable[Planned]) -> None:
        """Run everything. When cancelled, what is in flight is dropped; the rest is kept."""
        queues: dict[str, list[Planned]] = {}
        for each in planned:
            queues.setdefault(each.key.model, []).append(each)
        async with asyncio.TaskGroup() as group:
            for model, waiting in queues.items():
                work = iter(waiting)
                for _ in range(min(self.concurrency[model], len(waiting))):
                    group.create_task(self._worker(work))

    async def _worker(self, work: Iterable[Planned]) -> None:
        for each in work:
            self.done(await self._trial(each))

    async def _trial(self, planned: Planned) -> Trial:
        began, started_at = time.perf_counter(), datetime.now(UTC).isoformat()
        key = planned.key
        driver = self.drivers[key.suite, key.model]
        transcript = await driver.hold(planned.scenario, seed=planned.seed)
        found = decisions(planned.scenario, transcript)
        asked = sum(turn.expect.agent is not None for turn in planned.scenario.turns)
        return Trial(
            key=key,
            seed=planned.seed,
            transcript=transcript,
            scores=score(planned.scenario, transcript),
            decisions=found,
            unreached=asked - len(found),
            started_at=started_at,
            duration_s=time.perf_counter() - began,
        )
