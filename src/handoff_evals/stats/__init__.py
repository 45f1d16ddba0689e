"""Intervals, tests and verdicts for few, clustered, nearly perfect results.

Pure: every function takes values and returns values. The scenario is the unit that
was sampled; decisions and trials of one scenario resemble each other, so they are
never counted as if they were independent.

Importing this package loads parts of scipy, half a second of CPU: import it where it is
used, not at the top of a command line.
"""

from handoff_evals.stats.anytime import loss_evidence
from handoff_evals.stats.assessment import (
    ON_PARTS,
    RUN_ALL,
    VERDICTS,
    Assessment,
    Terms,
    Trials,
    Verdict,
    assess,
    difference_of,
)
from handoff_evals.stats.bounded_mean import lower_bound, mean_interval, upper_bound
from handoff_evals.stats.difference import paired_difference
from handoff_evals.stats.intervals import Interval, clustered
from handoff_evals.stats.planning import (
    Advice,
    Spread,
    advise,
    expected_spread,
    smallest_loss,
    spread,
)
from handoff_evals.stats.repeats import (
    PassHatK,
    Tries,
    identical_trials,
    pass_at_k,
    pass_hat_k,
    pass_hat_k_interval,
)
from handoff_evals.stats.sensitivity import smallest_difference
from handoff_evals.stats.sequential import (
    Look,
    Pairs,
    Ruling,
    decide,
    e_either,
    e_worse,
    largest_regression,
    rule,
)
from handoff_evals.stats.significance import (
    breakage_test,
    holm,
    mcnemar,
    paired_permutation,
    sign_test,
    stratified_test,
)
from handoff_evals.stats.trial_pairs import Outcome, TrialPairs

__all__ = [
    "ON_PARTS",
    "RUN_ALL",
    "VERDICTS",
    "Advice",
    "Assessment",
    "Interval",
    "Look",
    "Outcome",
    "Pairs",
    "PassHatK",
    "Ruling",
    "Spread",
    "Terms",
    "TrialPairs",
    "Trials",
    "Tries",
    "Verdict",
    "advise",
    "assess",
    "breakage_test",
    "clustered",
    "decide",
    "difference_of",
    "e_either",
    "e_worse",
    "expected_spread",
    "holm",
    "identical_trials",
    "largest_regression",
    "loss_evidence",
    "lower_bound",
    "mcnemar",
    "mean_interval",
    "paired_difference",
    "paired_permutation",
    "pass_at_k",
    "pass_hat_k",
    "pass_hat_k_interval",
    "rule",
    "sign_test",
    "smallest_difference",
    "smallest_loss",
    "spread",
    "stratified_test",
    "upper_bound",
]
