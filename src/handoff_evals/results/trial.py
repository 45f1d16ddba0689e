"""One run of one scenario on one model, and its shorter form without the transcript."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff_evals.checks import Decision, Score, Status, overall
from handoff_evals.transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class TrialKey:
    """Which trial it is; unique within a run."""

    suite: str
    scenario: str
    model: str
    number: int
    """Counts from 0 over the trials of one scenario on one model."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A conversation that was held, and what the checks say of it."""

    key: TrialKey
    seed: int
    transcript: Transcript
    scores: tuple[Score, ...]
    decisions: tuple[Decision, ...]
    unreached: int
    """Turns with an expected agent that the conversation never came to."""
    started_at: str
    """UTC, ISO 8601."""
    duration_s: float
    """Without the time in which a rate limit held its requests back."""

    @property
    def status(self) -> Status:
        """Passed when every decision is correct and every other expectation holds."""
        return overall(self.scores)

    @property
    def cause(self) -> str | None:
        """What left it unscored, as a word to count by."""
        fault = self.transcript.unscored_because
        return None if fault is None else fault.cause

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
class KeptTrial:
    """One trial, as far as a comparison needs it."""

    key: TrialKey
    scenario_sha256: str
    """Of what is said and expected; see `scenario_sha256`."""
    status: Status
    decisions: tuple[Decision, ...]
    """`premature` and `recovered_after` are not kept."""
    failed: tuple[FailedCheck, ...] = ()
    digest: str = ""
    """The same for trials that are copies of each other, as at temperature 0; empty in
    baselines that were kept without."""
    replayed: bool = field(default=False, compare=False)
    """Whether no model was asked. Not in the file."""


@dataclass(frozen=True, kw_only=True)
class PairKey:
    """Which conversation it is, on whatever side."""

    suite: str
    scenario: str
    number: int = 0
    """Counts from 0 over the trials of a scenario."""


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """How one conversation ended on one side."""

    place: PairKey
    status: Status
    decisions: tuple[Decision, ...]
    failed: frozenset[tuple[str, int | None]]
    """The checks other than handoffs that failed, and the turns that they are about."""
    starts: Mapping[int, str] = field(default_factory=dict)
    """The agent that had the call before each turn; nobody knows it of a baseline."""
    cause: str | None = None
    """What left it unscored."""
    asked: int = 0
    """Requests that a model answered."""
    replayed: int = 0
    """Requests that a cassette answered."""
    digest: str | None = None
    """The same for trials that are copies of each other; None where nobody knows."""

    @classmethod
    def not_run(cls, key: TrialKey) -> "TrialResult":
        """A trial that was planned, and never finished."""
        return cls(
            place=PairKey(suite=key.suite, scenario=key.scenario, number=key.number),
            status="unscored",
            decisions=(),
            failed=frozenset(),
            cause="not_run",
        )

    @classmethod
    def of(cls, trial: Trial) -> "TrialResult":
        """Take what matters of a trial."""
        turns, calls = trial.transcript.turns, trial.transcript.model_calls
        replayed = sum(call.replayed for call in calls)
        return cls(
            place=_place(trial),
            status=trial.status,
            decisions=trial.decisions,
            failed=frozenset(
                (score.name, score.turn)
                for score in trial.scores
                if score.status == "failed" and score.name != "handoff"
            ),
            starts={number: turn.active.label for number, turn in enumerate(turns[:-1], 1)},
            cause=trial.cause or (None if trial.scores else "no_scores"),
            asked=len(calls) - replayed,
            replayed=replayed,
            digest=trial.digest,
        )

    @classmethod
    def kept(cls, trial: KeptTrial) -> "TrialResult":
        """Take what matters of a trial of a baseline."""
        return cls(
            place=_place(trial),
            status=trial.status,
            decisions=trial.decisions,
            failed=frozenset((each.check, each.turn) for each in trial.failed),
            digest=trial.digest or None,
        )

    @property
    def passed(self) -> bool:
        """Whether everything that was expected came of it."""
        return self.status == "passed"

    @property
    def scored(self) -> bool:
        """Whether anybody can be judged by it."""
        return self.status != "unscored"


def _place(trial: Trial | KeptTrial) -> PairKey:
    key = trial.key
    return PairKey(suite=key.suite, scenario=key.scenario, number=key.number)
