"""Runs planned trials, so many at once, and hands each one over as it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from handoff_evals.checks import decisions, score
from handoff_evals.credentials import masked
from handoff_evals.drivers import Driver
from handoff_evals.livekit import VirtualTime
from handoff_evals.results import Price, Trial, texts_changed
from handoff_evals.runs.lane import Attempt, Budget, Lane, Planned, RetryPolicy

_DROP_S = 3.0
"""How long conversations that are dropped may take to close."""

Route = tuple[str, str]
"""A suite's name and a model's label: what a driver is for."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a run may go."""

    total: int
    """Conversations at once, over all models."""
    per_model: Mapping[str, int]
    """Conversations at once, by the model's label."""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)


class Executor(Protocol):
    """Runs planned trials: in this process, in others, or on other machines."""

    async def run(self, planned: Iterable[Planned]) -> tuple[str, ...]:
        """Run everything that can be run, and hand each trial over as soon as it is final.

        When cancelled, what is in flight is dropped; what was handed over stays.

        Returns:
            Why some were not run, a sentence a reason.
        """
        ...


@dataclass(kw_only=True)
class Runner:
    """The executor of this process, or of workers whose trials it schedules.

    Slots go to the model with the fewest conversations in flight, so that one that
    is slow delays nothing but itself. A model's lane lasts as long as the runner: what it
    learnt of the model in one run (its pace, its breaker) is still known in the next.
    """

    drivers: Mapping[Route, Driver]
    pace: Pace
    done: Callable[[Trial], None]
    """Called with each trial as soon as it is final."""
    not_run: Callable[[Planned], None] = lambda _: None
    """Called with each trial that is not run because its model's breaker is open."""
    budget: Budget = field(default_factory=Budget)
    prices: Mapping[str, Price] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    """By the model's label."""
    elsewhere: Callable[[Planned], Awaitable[Trial]] | None = None
    """Runs a trial in another process; None runs it here, by the drivers."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a trial ends, or is added."""

    async def run(self, planned: Iterable[Planned]) -> tuple[str, ...]:
        """Run everything that can be run; see `Executor`."""
        self.add(planned)
        await self._work(stay=False)
        return tuple(self._left_undone())

    async def serve(self) -> None:
        """Run whatever is added, until cancelled."""
        await self._work(stay=True)

    def add(self, planned: Iterable[Planned]) -> None:
        """Add trials to those that wait."""
        for each in planned:
            model = each.key.model
            if model not in self.lanes:
                self.lanes[model] = Lane.of(
                    model,
                    (),
                    limit=self.pace.per_model[model],
                    retry_policy=self.pace.retry_policy,
                )
            self.lanes[model].waiting.append(Attempt(planned=each))
        self._changed.set()

    async def _work(self, *, stay: bool) -> None:
        flying: dict[asyncio.Task[Trial], tuple[Lane, Attempt]] = {}
        try:
            while True:
                self._changed.clear()
                wake = self._start_due(flying)
                for lane in self.lanes.values():
                    for planned in lane.give_up():
                        self.not_run(planned)
                if not flying and wake is None and not stay:
                    return
                await self._next(wake)
                for task in [task for task in flying if task.done()]:
                    lane, attempt = flying.pop(task)
                    self._settle(lane, attempt, task.result())
        finally:
            for task in flying:
                task.cancel()
            if flying:
                await asyncio.wait(flying, timeout=_DROP_S)

    async def _next(self, wake: float | None) -> None:
        """Wait until a trial ends or is added, or until the next one is due."""
        at = None if wake is None else VirtualTime.of().at(wake)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(at):
                await self._changed.wait()

    def _start_due(self, flying: dict[asyncio.Task[Trial], tuple[Lane, Attempt]]) -> float | None:
        """Start what may start.

        Returns:
            When the next trial is due by the wall, if any waits for a time: a provider's pace
            is not that of a spoken call.
        """
        while self.budget.spent is None:
            now = VirtualTime.of().wall
            ready = [
                (lane, at) for lane in self.lanes.values() if (at := lane.ready_at(now)) is not None
            ]
            due = [lane for lane, at in ready if at <= now]
            if not due or len(flying) >= self.pace.total:
                return min((at for _, at in ready if at > now), default=None)
            lane = min(due, key=lambda each: each.in_flight)
            attempt = lane.take(now)
            run = self.elsewhere or self.run_trial
            task = asyncio.ensure_future(run(attempt.planned))
            task.add_done_callback(lambda _: self._changed.set())
            flying[task] = (lane, attempt)
        return None

    def _settle(self, lane: Lane, attempt: Attempt, trial: Trial) -> None:
        self.budget.spend(trial, self.prices.get(lane.model))
        if lane.settle(attempt, trial, VirtualTime.of().wall):
            self.done(trial)

    def _left_undone(self) -> Iterable[str]:
        for lane in self.lanes.values():
            if lane.open_breaker:
                causes = ", ".join(sorted(set(lane.causes[-lane.retry_policy.breaker :])))
                yield (
                    f"{lane.model}: the breaker opened after {lane.in_a_row} unscored trials in a "
                    f"row ({causes}); {lane.given_up} trials were not run"
                )
        spent = self.budget.spent
        left = sum(len(lane.waiting) for lane in self.lanes.values())
        if spent is not None and left:
            yield f"{spent}; {left} trials were not run"

    async def run_trial(self, planned: Planned) -> Trial:
        """Run one trial in this process, and score it."""
        began, started_at = time.perf_counter(), datetime.now(UTC).isoformat()
        key = planned.key
        driver = self.drivers[key.suite, key.model]
        spoken = await driver.run(planned.scenario, seed=planned.seed, number=key.number)
        # Before it is judged: no reason is cut off in the middle of a key.
        transcript = texts_changed(spoken, masked)
        return Trial(
            key=key,
            seed=planned.seed,
            transcript=transcript,
            scores=score(planned.scenario, transcript),
            decisions=decisions(planned.scenario, transcript),
            started_at=started_at,
            duration_s=max(0.0, time.perf_counter() - began - transcript.held_s),
        )
