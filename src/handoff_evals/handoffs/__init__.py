"""What a handoff decision can be; pure."""

from handoff_evals.handoffs.decision import Decision, decisions
from handoff_evals.handoffs.matrix import Quality, confusion, per_agent
from handoff_evals.handoffs.outcome import OUTCOMES, Outcome, classify, follows
from handoff_evals.handoffs.phantom import announces_transfer

__all__ = [
    "OUTCOMES",
    "Decision",
    "Outcome",
    "Quality",
    "announces_transfer",
    "classify",
    "confusion",
    "decisions",
    "follows",
    "per_agent",
]
