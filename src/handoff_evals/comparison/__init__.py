"""Two results on the same scenarios, and what can be said of the difference; pure."""

from handoff_evals.comparison.against_baseline import (
    AgainstBaseline,
    against_baseline,
    unlike,
)
from handoff_evals.comparison.difference import (
    UNCHANGED,
    Difference,
    Judged,
    Scope,
    SideRecord,
    Stopped,
    judge,
    judge_unchanged,
)
from handoff_evals.comparison.driver_differences import DriverPair, Parting, driver_pairs
from handoff_evals.comparison.model_pairs import Comparison, Record, compare_all, compare_runs
from handoff_evals.comparison.plan import Past, Plan, plan
from handoff_evals.comparison.scenario_pairs import (
    Flip,
    ScenarioPair,
    flips,
    leading,
    pair_up,
    repeats_itself,
)
from handoff_evals.comparison.verdict import Part, verdict_words

__all__ = [
    "UNCHANGED",
    "AgainstBaseline",
    "Comparison",
    "Difference",
    "DriverPair",
    "Flip",
    "Judged",
    "Part",
    "Parting",
    "Past",
    "Plan",
    "Record",
    "ScenarioPair",
    "Scope",
    "SideRecord",
    "Stopped",
    "against_baseline",
    "compare_all",
    "compare_runs",
    "driver_pairs",
    "flips",
    "judge",
    "judge_unchanged",
    "leading",
    "pair_up",
    "plan",
    "repeats_itself",
    "unlike",
    "verdict_words",
]
