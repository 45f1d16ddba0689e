"""Two results on the same scenarios, and what can be said of the difference; pure."""

from handoff_evals.comparison.against_baseline import (
    AgainstBaseline,
    Movement,
    against_baseline,
    unlike,
)
from handoff_evals.comparison.flips import Flip, flips, leading
from handoff_evals.comparison.model_pairs import Comparison, compare_runs
from handoff_evals.comparison.verdict import (
    Difference,
    Part,
    Scope,
    SideRecord,
    Stopped,
    Terms,
    by_edge,
    collapse,
    counted,
    look,
    part,
    parts,
)

__all__ = [
    "AgainstBaseline",
    "Comparison",
    "Difference",
    "Flip",
    "Movement",
    "Part",
    "Scope",
    "SideRecord",
    "Stopped",
    "Terms",
    "against_baseline",
    "by_edge",
    "collapse",
    "compare_runs",
    "counted",
    "flips",
    "leading",
    "look",
    "part",
    "parts",
    "unlike",
]
