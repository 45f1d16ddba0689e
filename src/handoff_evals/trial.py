"""One run of one scenario on one model."""

from dataclasses import dataclass

from handoff_evals.handoffs import Decision
from handoff_evals.score import Score, Status, overall
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
