"""One run of one scenario on one model, and its shorter form without the transcript."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff_evals.checks import Decision, Score, Status, overall
from handoff_evals.transcript import Transcript

ScenarioKey = tuple[str, str]
"""A suite's name, and a scenario's id, or its label where it has none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairKey:
    """Which conversation it is, on whatever model or side; trials are paired by it.

    With an id the scenario's label is for the reader alone: two keys are equal without it.
    """

    suite: str
    scenario: str
    """Its label."""
    number: int = 0
    """Counts from 0 over the trials of a scenario, on one model."""
    id: str = ""
    """LiveKit's id of the scenario; empty where its file gives none."""

    @property
    def scenario_key(self) -> ScenarioKey:
        """Which scenario it is of."""
        return self.suite, self.id or self.scenario

    @property
    def _compared(self) -> tuple[str | int, ...]:
        return (*self.scenario_key, self.number)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same conversation, on the same model where both name one."""
        if not isinstance(other, PairKey) or type(other) is not type(self):
            return NotImplemented
        return self._compared == other._compared

    def __hash__(self) -> int:
        """As `==` has it."""
        return hash(self._compared)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialKey(PairKey):
    """Which trial it is; unique within a run."""

    model: str

    @property
    def _compared(self) -> tuple[str | int, ...]:
        return (*self.scenario_key, self.number, self.model)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A conversation, and what the checks say of it."""

    key: TrialKey
    seed: int
    transcript: Transcript
    scores: tuple[Score, ...]
    decisions: tuple[Decision, ...]
    started_at: str
    """UTC, ISO 8601."""
    duration_s: float
    """Without the time that its requests waited for a rate limit."""

    @property
    def status(self) -> Status:
        """Passed when every decision is correct and every other expectation is met."""
        return overall(self.scores)

    @property
    def cause(self) -> str | None:
        """What left it unscored, as a word to count by; None where nothing did."""
        if self.status != "unscored":
            return None
        fault = self.transcript.unscored_because
        if fault is not None:
            return fault.cause
        named = (
            each.cause or each.name
            for each in self.scores
            if each.status == "unscored" and each.gates
        )
        return next(named, "no_scores")

    @property
    def digest(self) -> str:
        """The same for trials in which the same was said and done, whenever and by whatever id."""
        happened = repr(self.transcript.happenings).encode("utf-8", "surrogatepass")
        return hashlib.sha256(happened).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class FailedCheck:
    """A check other than a handoff decision that failed; `turn` is None for the whole call."""

    check: str
    turn: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What a trial came to, without its transcript: all that a comparison needs of it."""

    key: TrialKey
    status: Status
    decisions: tuple[Decision, ...]
    failed: tuple[FailedCheck, ...] = ()
    """The checks that failed, other than handoff decisions."""
    scenario_sha256: str = ""
    """Of what is said and expected; see `scenario_sha256`. Empty where nobody asked for it."""
    digest: str = ""
    """The same for trials that are copies of each other, as at temperature 0. Empty where it is
    unscored, or was kept without."""
    starts: Mapping[int, str] = field(default_factory=dict, compare=False)
    """The agent that had the call before each turn; a baseline does not keep it."""
    cause: str | None = field(default=None, compare=False)
    """What left it unscored; a baseline does not keep it."""
    asked: int = field(default=0, compare=False)
    """Requests that a model answered; a baseline does not keep it."""
    replayed: int = field(default=0, compare=False)
    """Requests that a cassette answered; a baseline does not keep it."""

    @classmethod
    def of(cls, trial: Trial, *, scenario_sha256: str = "") -> "TrialResult":
        """Leave the transcript out. Of an unscored trial no decision counts."""
        turns, calls = trial.transcript.turns, trial.transcript.model_calls
        replayed = sum(call.replayed for call in calls)
        return cls(
            key=trial.key,
            status=trial.status,
            decisions=() if trial.status == "unscored" else trial.decisions,
            failed=tuple(
                FailedCheck(check=score.name, turn=score.turn)
                for score in trial.scores
                if score.status == "failed" and score.gates and score.name != "handoff"
            ),
            scenario_sha256=scenario_sha256,
            digest="" if trial.status == "unscored" else trial.digest,
            starts={number: turn.active.label for number, turn in enumerate(turns[:-1], 1)},
            cause=trial.cause,
            asked=len(calls) - replayed,
            replayed=replayed,
        )

    @classmethod
    def not_run(cls, key: TrialKey) -> "TrialResult":
        """A trial that was planned, and never finished."""
        return cls(key=key, status="unscored", decisions=(), cause="not_run")

    @property
    def pair(self) -> PairKey:
        """What the trials of two sides are paired by."""
        key = self.key
        return PairKey(suite=key.suite, scenario=key.scenario, number=key.number, id=key.id)

    @property
    def passed(self) -> bool:
        """Whether every decision is correct and every other expectation is met."""
        return self.status == "passed"

    @property
    def scored(self) -> bool:
        """Whether anybody can be judged by it."""
        return self.status != "unscored"
