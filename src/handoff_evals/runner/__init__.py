"""Which trials, how many at once, and what to do with a model that fails."""

from handoff_evals.runner.budget import Budget
from handoff_evals.runner.driver import Driver
from handoff_evals.runner.lane import Attempt, Lane, Patience
from handoff_evals.runner.plan import Planned, plan, trial_seed
from handoff_evals.runner.run import Pace, Route, Runner

__all__ = [
    "Attempt",
    "Budget",
    "Driver",
    "Lane",
    "Pace",
    "Patience",
    "Planned",
    "Route",
    "Runner",
    "plan",
    "trial_seed",
]
