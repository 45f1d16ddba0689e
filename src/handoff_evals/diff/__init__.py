"""Two versions of the agents, each in a process of its own, compared on the same scenarios."""

from handoff_evals.diff.diff_run import as_json, diff
from handoff_evals.diff.named_sides import DiffRequest
from handoff_evals.diff.sides import Progress

__all__ = [
    "DiffRequest",
    "Progress",
    "as_json",
    "diff",
]
