"""One model's share of a run: how many at once, what it may spend, and when to stop asking."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from handoff_evals.callers import CAUSES
from handoff_evals.models import Model
from handoff_evals.results import Price, Trial, TrialKey
from handoff_evals.scenarios import Scenario, Suite
from handoff_evals.transcript import CALLER, ORACLE


@dataclass(kw_only=True)
class Budget:
    """Counts what is spent; None is without limit."""

    max_tokens: int | None = None
    max_cost: float | None = None
    tokens: int = 0
    cost: float = 0.0

    def spend(self, trial: Trial, price: Price | None) -> None:
        """Count a trial, scored or not."""
        usage, caller = trial.transcript.usage, trial.transcript.caller
        usage = usage if caller is None else usage + caller.usage
        self.tokens += usage.prompt + usage.completion
        self.cost += 0.0 if price is None else price.of(usage)

    @property
    def spent(self) -> str | None:
        """Which limit is reached, in words; None while there is something left."""
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            return f"max_tokens = {self.max_tokens} is reached ({self.tokens} used)"
        if self.max_cost is not None and self.cost >= self.max_cost:
            return f"--max-cost {self.max_cost:g} is reached ({self.cost:.4f} spent)"
        return None


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One trial that is to be run."""

    key: TrialKey
    scenario: Scenario
    seed: int


def plan(
    suites: Sequence[Suite], models: Sequence[str], *, trials: int, seed: int
) -> Iterator[Planned]:
    """Every trial of a run: all scenarios and models of the first trials, then of the second.

    The models take turns, so that one that is slow or dead is noticed early and
    a run that is stopped has some of everything.
    """
    for number in range(trials):
        for suite in suites:
            for scenario in suite.scenarios:
                for model in models:
                    key = TrialKey(
                        suite=suite.name,
                        scenario=scenario.label,
                        id=scenario.id,
                        model=model,
                        number=number,
                    )
                    yield Planned(key=key, scenario=scenario, seed=trial_seed(key, seed))


def by_driver(
    models: Sequence[Model], drivers: Sequence[str]
) -> tuple[tuple[Model, ...], Mapping[str, str]]:
    """Each model once for each driver, where there are several, and the driver of each label."""
    names = list(dict.fromkeys(drivers))
    if len(names) < 2:  # noqa: PLR2004 - one needs no telling apart
        return tuple(models), {model.label: name for model in models for name in names}
    made = [
        (replace(model, label=f"{model.label} ({name})"), name)
        for model in models
        for name in names
    ]
    return tuple(model for model, _ in made), {model.label: name for model, name in made}


def trial_seed(key: TrialKey, seed: int) -> int:
    """The seed of a trial, the same in whatever order a run goes.

    The model is left out: two models meet the same seeds, so that their trials pair.
    """
    words = "\x1f".join((str(seed), *key.scenario_key, str(key.number)))
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big") >> 1


# A request that failed by one of these may well succeed when it is made again.
_TRANSIENT = frozenset({"api_timeout", "api_connection", "model_timeout", "api_status_429"})
_LONGEST_WAIT_S = 60.0
# A provider that asks for more has run out of quota; to wait for it would be to hang.
_LONGEST_ASKED_S = 600.0


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How a failing model is dealt with, once livekit's own retries are used up."""

    retries: int = 2
    """How often a trial without an answer is run again."""
    wait_s: float = 1.0
    """Seconds before the first of them; doubled each time, with jitter, up to a minute. A
    provider's `retry-after` is honoured instead where it is longer; past ten minutes the
    trial is given up."""
    breaker: int = 5
    """Unscored trials in a row after which a model is asked no more."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A planned trial, and how often it has been tried."""

    planned: Planned
    number: int = 0
    not_before: float = 0.0
    """On the run's clock, in seconds."""


@dataclass(kw_only=True)
class Lane:
    """The trials of one model.

    It starts with one conversation at a time, doubles with each that is answered
    up to its limit, and halves when the provider says that it is too much.
    """

    model: str
    limit: int
    retry_policy: RetryPolicy
    waiting: deque[Attempt]
    in_flight: int = 0
    at_once: int = 1
    paused_until: float = 0.0
    in_a_row: int = 0
    causes: list[str] = field(default_factory=list)
    given_up: int = 0
    """Trials that were not run, because the breaker is open."""
    jitter: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - spreads waits only

    @classmethod
    def of(
        cls, model: str, planned: Iterable[Planned], *, limit: int, retry_policy: RetryPolicy
    ) -> "Lane":
        """A lane with everything still to do."""
        waiting = deque(Attempt(planned=each) for each in planned)
        return cls(model=model, limit=limit, retry_policy=retry_policy, waiting=waiting)

    @property
    def open_breaker(self) -> bool:
        """Whether the model has failed so often that it is asked no more."""
        return self.in_a_row >= self.retry_policy.breaker

    def give_up(self) -> list[Planned]:
        """Take out what waits in vain: all, once the breaker is open and nothing is in flight."""
        if not self.open_breaker or self.in_flight:
            return []
        left = [attempt.planned for attempt in self.waiting]
        self.given_up += len(left)
        self.waiting.clear()
        return left

    def ready_at(self, now: float) -> float | None:
        """When the next trial may start; None when none may, or a slot must free first."""
        if not self.waiting or self.open_breaker or self.in_flight >= self.at_once:
            return None
        due = self.waiting[0].not_before
        if due > now:  # what is to be run again is behind all that is new
            due = min(each.not_before for each in self.waiting)
        return max(now, self.paused_until, due)

    def take(self, now: float) -> Attempt:
        """The next trial that is due; `ready_at(now)` must have said `now`."""
        attempt = next(each for each in self.waiting if each.not_before <= now)
        self.waiting.remove(attempt)
        self.in_flight += 1
        return attempt

    def settle(self, attempt: Attempt, trial: Trial, now: float) -> bool:
        """Note how a trial ended.

        Returns:
            Whether it is final; otherwise it will be run again.
        """
        self.in_flight -= 1
        fault = trial.transcript.unscored_because
        # What one file lacks, or one caller did, says nothing of the next.
        if fault is None or fault.cause in {ORACLE, *CAUSES}:
            self.in_a_row = 0
            self.at_once = min(self.limit, self.at_once * 2)
            return True
        wait = self._wait(attempt.number, fault.retry_after_s)
        worth_it = wait <= _LONGEST_ASKED_S
        if fault.cause == "api_status_429":
            self.at_once = max(1, self.at_once // 2)
            if worth_it:
                self.paused_until = max(self.paused_until, now + wait)
        if worth_it and _is_transient(fault.cause) and attempt.number < self.retry_policy.retries:
            again = Attempt(
                planned=attempt.planned, number=attempt.number + 1, not_before=now + wait
            )
            self.waiting.append(again)
            return False
        self.in_a_row += 1
        self.causes.append(fault.cause)
        return True

    def _wait(self, number: int, retry_after_s: float | None) -> float:
        own = self.retry_policy.wait_s * 2.0**number * self.jitter.uniform(0.5, 1.0)
        return max(min(_LONGEST_WAIT_S, own), retry_after_s or 0.0)


def _is_transient(cause: str) -> bool:
    cause = cause.removeprefix(CALLER)
    return cause in _TRANSIENT or cause.startswith("api_status_5")
