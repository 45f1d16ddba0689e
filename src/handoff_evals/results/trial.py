"""One run of one scenario on one model, and its shorter form without the transcript."""

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
    """A conversation, and what the checks say of it."""

    key: TrialKey
    seed: int
    transcript: Transcript
    scores: tuple[Score, ...]
    decisions: tuple[Decision, ...]
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
        """What left it unscored, as a word to count by; None where nothing did."""
        if self.status != "unscored":
            return None
        named = (each.cause or each.name for each in self.scores if each.status == "unscored")
        return next(named, "no_scores")


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
            cause=trial.cause,
            asked=len(calls) - replayed,
            replayed=replayed,
        )

    @classmethod
    def kept(cls, trial: KeptTrial) -> "TrialResult":
        """Take what matters of a trial of a baseline."""
        return cls(
            place=_place(trial),
            status=trial.status,
            decisions=trial.decisions,
            failed=frozenset((each.check, each.turn) for each in trial.failed),
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
