"""What may be looked at after every scenario: evidence that stays valid however one stops.

An e-value is what a gambler's stake has grown to who bets that the candidate changed. If it
did not, he multiplies it by 20 with a chance of at most 1/20 *ever*, so looking after each
scenario costs nothing (Ville 1939; Ramdas et al. 2023, Game-theoretic statistics and safe
anytime-valid inference). Give the scenarios in an order that is random: one in which the
hard ones come last would look better than it is for as long as they don't come.

Making a trial of the candidate worse makes no bound better and no evidence of a loss
weaker.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from math import comb, exp, inf, log
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

# exp() of more overflows, and no threshold is near it.
_LARGEST_LOG: Final = 700.0
_PLACES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
# A mixture of bets, spread evenly: any spread that sums to 1 is valid.
_SHARES: Final = (_PLACES + 1) / 2
_LOG_WEIGHTS: Final = np.log(_WEIGHTS / 2)


def loss_evidence(passes: Sequence[tuple[int, int, int]]) -> float:
    """The e-value against "no scenario got worse", from the trials within them.

    The bet in a scenario is that a pass fell to the baseline with odds above 1; the passes
    of both sides together are given (Fisher's noncentral hypergeometric distribution). It
    is spread over all odds: with one trial a scenario, over all coins that fall on "worse"
    more often than on "better".

    Args:
        passes: For each scenario, the baseline's passes, the candidate's, and the trials
            of each side. Swap the sides for the e-value against "none got better".

    Returns:
        0 or more; its mean is at most 1 if no scenario got worse.
    """
    total = np.zeros_like(_SHARES)
    for counts, times in Counter(passes).items():
        total = total + times * _log_bets(*counts)
    return exp(min(float(logsumexp(total + _LOG_WEIGHTS)), _LARGEST_LOG))


def anytime_lower_bound(values: Sequence[float], *, least: float, level: float) -> float:
    """What the true mean is above at every look at once, but for a chance of `level`.

    Args:
        values: One a scenario, each at least `least`.
        least: The lower end of the range.
        level: The chance that the bound is ever too high, in (0, 1).

    Returns:
        `least` where nothing is ruled out; in the values' unit.

    Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by
    betting, JRSS B 86:1-27, with a fixed mixture of stakes.
    """
    distinct, counts = np.unique(np.round(values, 12), return_counts=True)

    def surplus(at: float) -> float:
        # A stake u is lost whole at the lower end, and wins on every value above `at`.
        gains = np.log1p(_SHARES[:, None] * (distinct - at) / (at - least))
        return float(logsumexp(_LOG_WEIGHTS + (counts * gains).sum(-1))) + log(level)

    top = max(values, default=least)
    nearly = least + 1e-9
    if top <= nearly or surplus(nearly) <= 0:
        return least
    return float(brentq(surplus, nearly, top, xtol=1e-10))


def anytime_upper_bound(values: Sequence[float], *, most: float, level: float) -> float:
    """What the true mean is below at every look at once; see `anytime_lower_bound`."""
    return -anytime_lower_bound([-value for value in values], least=-most, level=level)


@cache
def _log_bets(a: int, b: int, trials: int) -> NDArray[np.float64]:
    """What each of the bets multiplies the stake by in such a scenario, as a logarithm."""
    least, most = max(0, a + b - trials), min(a + b, trials)
    if least == most:
        return np.zeros_like(_SHARES)
    # From even odds to certainty.
    odds = (1 + _SHARES) / (1 - _SHARES)
    ways = comb(2 * trials, a + b)
    expected = np.full_like(_SHARES, -inf)
    for share in range(least, most + 1):
        chance = comb(trials, share) * comb(trials, a + b - share) / ways
        expected = np.logaddexp(expected, log(chance) + share * np.log(odds))
    return np.asarray(a * np.log(odds) - expected)
