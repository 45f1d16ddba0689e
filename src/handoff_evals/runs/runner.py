"""Runs planned trials, so many at once, and hands each one over as it ends."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from handoff_evals.checks import decisions, score
from handoff_evals.drivers import Driver
from handoff_evals.results import Price, Trial
from handoff_evals.runs.lane import Attempt, Budget, Lane, Patience, Planned

Route = tuple[str, str]
"""A suite's name and a model's label: what a driver is for."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a run may go."""

    total: int
    """Conversations at once, over all models."""
    per_model: Mapping[str, int]
    """Conversations at once, by the model's label."""
    patience: Patience = field(default_factory=Patience)


@dataclass(kw_only=True)
class Runner:
    """Runs trials; `done` gets each of them as soon as it is final.

    Slots go to the model with the fewest conversations in flight, so that one that
    is slow holds up nothing but itself.
    """

    drivers: Mapping[Route, Driver]
    pace: Pace
    done: Callable[[Trial], None]
    budget: Budget = field(default_factory=Budget)
    prices: Mapping[str, Price] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)

    async def run(self, planned: Iterable[Planned]) -> tuple[str, ...]:
        """Run everything that can be run.

        When cancelled, what is in flight is dropped; what was handed over stays.

        Returns:
            What kept it from running everything, in words.
        """
        queues: dict[str, list[Planned]] = {}
        for each in planned:
            queues.setdefault(each.key.model, []).append(each)
        patience = self.pace.patience
        self.lanes = [
            Lane.of(model, queue, limit=self.pace.per_model[model], patience=patience)
            for model, queue in queues.items()
        ]
        flying: dict[asyncio.Task[Trial], tuple[Lane, Attempt]] = {}
        try:
            while True:
                wake = self._start_due(flying)
                if not flying and wake is None:
                    return tuple(self._left_undone())
                await _next(flying, wake)
                for task in [task for task in flying if task.done()]:
                    lane, attempt = flying.pop(task)
                    self._settle(lane, attempt, task.result())
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    def _start_due(self, flying: dict[asyncio.Task[Trial], tuple[Lane, Attempt]]) -> float | None:
        """Start what may start.

        Returns:
            When the next trial is due on the clock, if any waits for a time.
        """
        while self.budget.spent is None:
            now = time.monotonic()
            ready = [(lane, at) for lane in self.lanes if (at := lane.ready_at(now)) is not None]
            due = [lane for lane, at in ready if at <= now]
            if not due or len(flying) >= self.pace.total:
                return min((at for _, at in ready if at > now), default=None)
            lane = min(due, key=lambda each: each.in_flight)
            attempt = lane.take(now)
            flying[asyncio.create_task(self._hold(attempt.planned))] = (lane, attempt)
        return None

    def _settle(self, lane: Lane, attempt: Attempt, trial: Trial) -> None:
        self.budget.spend(trial, self.prices.get(lane.model))
        if lane.settle(attempt, trial, time.monotonic()):
            self.done(trial)

    def _left_undone(self) -> Iterable[str]:
        for lane in self.lanes:
            if lane.open_breaker:
                causes = ", ".join(sorted(set(lane.causes[-lane.patience.breaker :])))
                yield (
                    f"{lane.model}: the breaker opened after {lane.in_a_row} unscored trials in a "
                    f"row ({causes}); {len(lane.waiting)} trials were not run"
                )
        spent = self.budget.spent
        left = sum(len(lane.waiting) for lane in self.lanes if not lane.open_breaker)
        if spent is not None and left:
            yield f"{spent}; {left} trials were not run"

    async def _hold(self, planned: Planned) -> Trial:
        began, started_at = time.perf_counter(), datetime.now(UTC).isoformat()
        key = planned.key
        driver = self.drivers[key.suite, key.model]
        transcript = await driver.hold(planned.scenario, seed=planned.seed, number=key.number)
        return Trial(
            key=key,
            seed=planned.seed,
            transcript=transcript,
            scores=score(planned.scenario, transcript),
            decisions=decisions(planned.scenario, transcript),
            started_at=started_at,
            duration_s=max(0.0, time.perf_counter() - began - transcript.held_s),
        )


async def _next(flying: Iterable[asyncio.Task[Trial]], wake: float | None) -> None:
    """Wait until a trial ends, or until the next one is due."""
    seconds = None if wake is None else max(0.0, wake - time.monotonic())
    tasks = set(flying)
    if tasks:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    elif seconds:
        await asyncio.sleep(seconds)
