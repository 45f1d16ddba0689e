"""A trial, as far as two sides are compared by it; its transcript is let go."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff_evals.handoffs import Decision
from handoff_evals.score import Status
from handoff_evals.store import KeptTrial
from handoff_evals.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which conversation it is, on whatever side."""

    suite: str
    scenario: str
    number: int = 0
    """Counts from 0 over the trials of a scenario."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """How one conversation ended on one side."""

    place: Place
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
    def of(cls, trial: Trial) -> "Held":
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
        )

    @classmethod
    def kept(cls, trial: KeptTrial) -> "Held":
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


def _place(trial: Trial | KeptTrial) -> Place:
    key = trial.key
    return Place(suite=key.suite, scenario=key.scenario, number=key.number)
