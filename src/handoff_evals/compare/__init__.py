"""Two results on the same scenarios, and what can be said of the difference; pure."""

from handoff_evals.compare.comparison import Comparison, Disagreement, Verdict, compare_all
from handoff_evals.compare.record import Record, record

__all__ = ["Comparison", "Disagreement", "Record", "Verdict", "compare_all", "record"]
