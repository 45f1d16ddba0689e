"""Two results on the same scenarios, and what can be said of the difference; pure."""

from handoff_evals.comparison.against_baseline import (
    AgainstBaseline,
    BaselineFlip,
    Movement,
    against_baseline,
    leading,
    unlike,
)
from handoff_evals.comparison.flips import Flip, flips
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
    "BaselineFlip",
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
