"""Two results on the same scenarios, and what can be said of the difference; pure."""

from handoff_evals.compare.against_baseline import (
    AgainstBaseline,
    Flip,
    Movement,
    against_baseline,
    flips,
    leading,
    unlike,
)
from handoff_evals.compare.comparison import Comparison, Disagreement, Verdict, compare_all
from handoff_evals.compare.record import Record, record

__all__ = [
    "AgainstBaseline",
    "Comparison",
    "Disagreement",
    "Flip",
    "Movement",
    "Record",
    "Verdict",
    "against_baseline",
    "compare_all",
    "flips",
    "leading",
    "record",
    "unlike",
]
