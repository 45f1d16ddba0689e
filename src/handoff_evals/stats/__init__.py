"""Intervals, tests and verdicts for few, clustered, nearly perfect results.

Pure: every function takes values and returns values. The scenario is the unit that
was sampled; decisions and trials of one scenario resemble each other, so they are
never counted as if they were independent.

Importing this package loads parts of scipy, half a second of CPU: import it where it is
used, not at the top of a command line.
"""

from handoff_evals.stats.agreement import Confusion, corrected_rate, kappa, kappa_interval
from handoff_evals.stats.assessment import (
    ON_PARTS,
    ON_TRIALS,
    VERDICTS,
    Assessment,
    Terms,
    Trials,
    Verdict,
    assess,
)
from handoff_evals.stats.bounded_mean import Interval, lower_bound, mean_interval, upper_bound
from handoff_evals.stats.planning import (
    Advice,
    Basis,
    Spread,
    advise,
    expected_spread,
    smallest_loss,
    spread,
)
from handoff_evals.stats.repeats import (
    Outcome,
    TrialPairs,
    Tries,
    Way,
    identical_trials,
    pass_at_k,
    pass_hat_k_interval,
)
from handoff_evals.stats.significance import (
    holm,
    loss_evidence,
)

__all__ = [
    "ON_PARTS",
    "ON_TRIALS",
    "VERDICTS",
    "Advice",
    "Assessment",
    "Basis",
    "Confusion",
    "Interval",
    "Outcome",
    "Spread",
    "Terms",
    "TrialPairs",
    "Trials",
    "Tries",
    "Verdict",
    "Way",
    "advise",
    "assess",
    "corrected_rate",
    "expected_spread",
    "holm",
    "identical_trials",
    "kappa",
    "kappa_interval",
    "loss_evidence",
    "lower_bound",
    "mean_interval",
    "pass_at_k",
    "pass_hat_k_interval",
    "smallest_loss",
    "spread",
    "upper_bound",
]
