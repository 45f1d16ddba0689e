"""Intervals and tests for few, clustered, nearly perfect results.

Pure: every function takes values and returns values. The scenario is the unit that
was sampled; decisions and trials of one scenario resemble each other, so they are
never counted as if they were independent.

Importing this package loads parts of scipy, half a second of CPU: import it where it is
used, not at the top of a command line.
"""

from handoff_evals.stats.cluster import clustered
from handoff_evals.stats.difference import paired_difference
from handoff_evals.stats.interval import Interval
from handoff_evals.stats.multiplicity import holm
from handoff_evals.stats.proportion import wilson
from handoff_evals.stats.repeats import pass_at_k, pass_hat_k
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
from handoff_evals.stats.significance import mcnemar, paired_permutation

__all__ = [
    "Interval",
    "Look",
    "Pairs",
    "Ruling",
    "clustered",
    "decide",
    "e_either",
    "e_worse",
    "holm",
    "largest_regression",
    "mcnemar",
    "paired_difference",
    "paired_permutation",
    "pass_at_k",
    "pass_hat_k",
    "rule",
    "smallest_difference",
    "wilson",
]
