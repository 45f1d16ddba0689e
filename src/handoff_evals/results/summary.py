"""A run in numbers: the one source of every report."""

from collections.abc import Mapping
from dataclasses import dataclass

from handoff_evals.checks import Quality
from handoff_evals.results.manifest import SCHEMA
from handoff_evals.transcript import Usage


@dataclass(frozen=True, kw_only=True)
class TrialCounts:
    """How the trials ended."""

    passed: int
    failed: int
    unscored: int
    causes: Mapping[str, int]
    """The unscored ones by cause."""
    not_run: int = 0
    """Planned, but never finished: a breaker opened, a budget was spent, or it was stopped."""

    @property
    def total(self) -> int:
        """All trials that were planned."""
        return self.passed + self.failed + self.unscored + self.not_run


@dataclass(frozen=True, kw_only=True)
class DecisionCounts:
    """What the decisions of the scored trials came to."""

    on_path: int
    cascaded: int
    """Decisions that start on a wrong agent because of an earlier one."""
    recovered: int
    """Wrong decisions after which the caller got back to where they should be."""
    unreached: int
    """Decisions that an agent's fault kept from being taken."""
    outcomes: Mapping[str, int]
    """On path; all six outcomes, zeros included."""
    premature: int


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Times in seconds; None where there are none."""

    median: float | None
    p95: float | None


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The share of correct decisions on path, with an interval clustered by scenario."""

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    decisions: int
    scenarios: int


@dataclass(frozen=True, kw_only=True)
class Decider:
    """What came of the decisions on path that one agent's model made."""

    agent: str
    """Who had the call when they were to be made."""
    model: str
    """As it names itself; empty where the agent decided without one."""
    decisions: int
    correct: int


@dataclass(frozen=True, kw_only=True)
class SuiteSummary:
    """One model on one suite."""

    accuracy: Accuracy
    confusion: Mapping[str, Mapping[str, int]]
    per_agent: Mapping[str, Quality]


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """One model over all suites of the run."""

    trials: TrialCounts
    decisions: DecisionCounts
    accuracy: Accuracy
    suites: Mapping[str, SuiteSummary]
    confusion: Mapping[str, Mapping[str, int]]
    per_agent: Mapping[str, Quality]
    pass_hat: Mapping[int, float]
    """By k: the chance that a scenario passes in each of k trials; the mean over scenarios."""
    pass_at: Mapping[int, float]
    """By k: the chance that it passes in at least one of k trials."""
    tokens: Usage
    ttft_s: Seconds
    seam_s: Seconds
    """From the caller's last word to the new agent's first, where the call was handed over."""
    wall_s: float
    """Seconds of the trials, added up."""
    deciders: tuple[Decider, ...] = ()
    """One where all agents ask the same model; with `own`, each agent's."""
    cost: float | None = None
    """Of all trials, unscored ones too; None where no price is known."""

    def a_decision(self, total: float | None) -> float | None:
        """So much of a total as falls to one decision, on path or not."""
        decided = self.accuracy.decisions + self.decisions.cascaded
        return None if total is None or not decided else total / decided


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One check that failed, with what is needed to read about it."""

    model: str
    suite: str
    scenario: str
    number: int
    turn: int | None
    user: str
    name: str
    reason: str
    asked: str = ""
    """The model that decided, where the check is of a decision."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A whole run."""

    models: Mapping[str, ModelSummary]
    failures: tuple[Failure, ...] = ()
    met: tuple[str, ...] = ()
    """Every agent that was active after some turn."""
    schema: int = SCHEMA
