"""What each check says of a transcript: handoff decisions first, then everything else; pure."""

from handoff_evals.checks.decisions import (
    OUTCOMES,
    Decision,
    Outcome,
    Quality,
    announces_transfer,
    confusion,
    decisions,
    per_agent,
)
from handoff_evals.checks.expectations import first_request, score
from handoff_evals.checks.score import Score, Status, overall

__all__ = [
    "OUTCOMES",
    "Decision",
    "Outcome",
    "Quality",
    "Score",
    "Status",
    "announces_transfer",
    "confusion",
    "decisions",
    "first_request",
    "overall",
    "per_agent",
    "score",
]
