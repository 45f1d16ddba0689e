"""Which trials, and how many at once."""

from handoff_evals.runner.driver import Driver
from handoff_evals.runner.plan import Planned, plan, trial_seed
from handoff_evals.runner.run import Runner

__all__ = ["Driver", "Planned", "Runner", "plan", "trial_seed"]
