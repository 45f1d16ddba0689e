"""A run in numbers: the one source of every report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from handoff_evals.checks import Quality
from handoff_evals.results.manifest import SCHEMA, ModelTraits
from handoff_evals.transcript import AgentRef, Usage


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
    outcomes: Mapping[str, int]
    """On path; all seven outcomes, zeros included."""
    premature: int

    @property
    def expected(self) -> int:
        """All of them: every turn with an expected agent of a scored trial."""
        return self.on_path + self.cascaded


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Times in seconds; None where there are none."""

    median: float | None
    p95: float | None


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of each scenario, averaged over the scenarios; None where there are none.

    Every scenario weighs the same, however long it is and however many trials it has. The
    interval is for further scenarios like these.
    """

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    of: int
    """How many trials, or decisions, there were."""
    scenarios: int


@dataclass(frozen=True, kw_only=True)
class PassHat:
    """The chance that all of k trials pass, averaged over the scenarios with k scored trials.

    The bounds count what is unscored against and for the model.
    """

    value: float
    low: float
    high: float
    scenarios: int
    left_out: int
    """Scenarios with k trials of which some are unscored, so that fewer than k are left."""
    unscored: int
    """Unscored trials."""


@dataclass(frozen=True, kw_only=True)
class CheckCounts:
    """In how many scored trials a check passed, and in how many it failed."""

    passed: int
    failed: int
    unscored: int = 0


@dataclass(frozen=True, kw_only=True)
class JudgeRate:
    """What one judge says of one model's trials."""

    gates: bool
    """Whether its scores count."""
    why: str
    """How far it can be trusted, in words."""
    passed: int
    failed: int
    unscored: Mapping[str, int]
    """Trials without a verdict that counts, by cause."""
    raw: Share
    """The share that passes, as the judge says it."""
    corrected: Share
    """The same, corrected for the errors that the judge is known to make; without a value where
    they are not known."""

    @property
    def broken(self) -> bool:
        """Whether it was asked and gave no verdict at all, though there was something to judge."""
        asked = {cause for cause in self.unscored if cause not in _NOTHING_ASKED}
        return bool(asked) and not self.passed + self.failed


_NOTHING_ASKED = frozenset({"judge_nothing_to_judge", "judge_not_asked", "judge_no_rule"})


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
    """One model on one suite; see `ModelSummary`."""

    passed: Share
    accuracy: Share
    on_path: Share
    confusion: Mapping[str, Mapping[str, int]]
    per_agent: Mapping[str, Quality]


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """One model over all suites of the run."""

    trials: TrialCounts
    passed: Share
    """Passed trials, of those that are scored."""
    decisions: DecisionCounts
    accuracy: Share
    """Correct decisions, of all that were expected: what was not reached, or starts on a wrong
    agent because of an earlier miss, is not correct."""
    on_path: Share
    """Correct decisions, of those on path. It may rise where a model does worse."""
    checks: Mapping[str, CheckCounts]
    """By check, but for the handoff decisions."""
    suites: Mapping[str, SuiteSummary]
    confusion: Mapping[str, Mapping[str, int]]
    per_agent: Mapping[str, Quality]
    pass_hat: Mapping[int, PassHat]
    """By k: the chance that a scenario passes in each of k trials."""
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
    judges: Mapping[str, JudgeRate] = field(default_factory=dict)
    """By the judge's name."""
    traits: ModelTraits = field(default_factory=ModelTraits)
    cost: float | None = None
    """Of all trials, unscored ones too; None where no price is known."""

    def a_decision(self, total: float | None) -> float | None:
        """So much of a total as falls to one decision that was made, on path or not."""
        decided = self.decisions.expected - self.decisions.outcomes["unreached"]
        return None if total is None or not decided else total / decided


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One check that failed or is unscored, with what is needed to read about it."""

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
    outcome: str = ""
    """What the decision came to, where the check is of one."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A whole run."""

    models: Mapping[str, ModelSummary]
    failures: tuple[Failure, ...] = ()
    met: tuple[AgentRef, ...] = ()
    """Every agent that was active after some turn."""
    notes: tuple[str, ...] = ()
    """What the drivers have to say of the conversations, as what they could not run."""
    schema: int = SCHEMA

    @classmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """The JSON Schema of `summary.json`."""
        return TypeAdapter(cls).json_schema()
