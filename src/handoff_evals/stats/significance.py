"""Could a candidate that is no worse have come out this much worse by chance?

Three one-sided tests of the trials within these scenarios, and what adjusts p-values that
stand beside each other. None asks for more than that the trials of one scenario are
independent of each other, given the scenario; scenarios may be as different as they like.
Making a trial of the candidate worse makes no p-value larger. To test for a gain, swap
the sides.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from math import comb, exp, inf, lcm, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtrc


@lru_cache(maxsize=4096)
def sign_test(worse: int, better: int, scenarios: int) -> float:
    """The exact one-sided p-value of pairs of single trials: has the candidate lost?

    McNemar's test, not conditional on how many pairs differ: how often would as large a
    (worse - better) / sqrt(worse + better) come about if nothing had changed? At most as
    often as where some scenarios pass every second time and the others never differ: that
    is the worst case of all in which each scenario's two trials are independent. 5 worse
    of 20 and none better: 0.013, where the conditional test says 0.031.

    Args:
        worse: Scenarios that only the baseline passed.
        better: Scenarios that only the candidate passed.
        scenarios: All scenarios, at least `worse + better`.

    Returns:
        1.0 where no more are worse than better.

    Raises:
        ValueError: a count that can't be.

    Source: Suissa and Shuster (1991), The 2 x 2 matched-pairs trial: exact unconditional
    design and analysis, Biometrics 47:361-372; here every scenario has its own chance.
    """
    if min(worse, better) < 0 or worse + better > scenarios:
        raise ValueError(
            f"{worse!r} worse and {better!r} better of {scenarios!r} scenarios can't be; give 0 "
            "or more of each, and no more than there are"
        )
    if worse <= better:
        return 1.0
    differing = np.arange(scenarios + 1)
    least = (worse - better) / sqrt(worse + better)
    # As extreme with so many that differ: at least so many of them worse.
    needed = np.ceil((differing + least * np.sqrt(differing)) / 2 - 1e-9)
    possible = (differing > 0) & (needed <= differing)
    chance = np.where(possible, bdtrc(np.where(possible, needed - 1, 0), differing, 0.5), 0.0)
    largest = 0.0
    for _ in range(scenarios):
        # One more scenario that differs every second time.
        chance = (chance[:-1] + chance[1:]) / 2
        largest = max(largest, float(chance[0]))
    return largest


def stratified_test(passes: Sequence[tuple[int, int, int]]) -> float:
    """The exact one-sided p-value of several trials a scenario: has the candidate lost?

    If nothing changed, a scenario's passes fall to the two sides by lot: a hypergeometric
    distribution in each scenario, and the mean share of passes is compared with all that
    could have been. With one trial a scenario it is McNemar's conditional test.

    Args:
        passes: For each scenario, the baseline's passes, the candidate's, and the trials
            of each side.

    Returns:
        In (0, 1].

    Raises:
        ValueError: more passes than trials.

    Source: Birch (1964), The detection of partial association I, JRSS B 26:313-324: the
    exact test of Mantel and Haenszel, with every scenario weighing the same.
    """
    for a, b, trials in passes:
        if not (0 <= a <= trials and 0 <= b <= trials):
            raise ValueError(f"{(a, b, trials)!r}: give passes of each side from 0 to the trials")
    # In steps of which every scenario's share is a whole number.
    steps = lcm(*(trials for _, _, trials in passes)) if passes else 1
    chances = np.ones(1)
    seen = 0
    for a, b, trials in passes:
        step = steps // trials
        least, most = max(0, a + b - trials), min(a + b, trials)
        seen += (a - least) * step
        if least == most:
            continue
        ways = comb(2 * trials, a + b)
        moved = np.zeros(len(chances) + (most - least) * step)
        for share in range(least, most + 1):
            chance = comb(trials, share) * comb(trials, a + b - share) / ways
            begin = (share - least) * step
            moved[begin : begin + len(chances)] += chance * chances
        chances = moved
    return min(1.0, float(chances[seen:].sum()))


def breakage_test(broken: int, trials: Sequence[int]) -> float:
    """The one-sided p-value of scenarios that went from all passed to none.

    Of n trials a side that are independent, all pass on one and none on the other with a
    chance of at most 1/4 to the n, whatever the scenario. It finds a few broken scenarios
    among flaky ones, or among others that got better, where the mean tells nothing.

    Args:
        broken: Scenarios of which every trial of the baseline passed and none of the
            candidate's.
        trials: The trials a side of each scenario. Those tried once count nowhere.

    Raises:
        ValueError: more broken scenarios than there are.
    """
    repeated = Counter(number for number in trials if number > 1)
    if not 0 <= broken <= repeated.total():
        raise ValueError(
            f"{broken!r} broken of {repeated.total()!r} scenarios with several trials can't be"
        )
    chances = np.ones(1)
    for number, scenarios in repeated.items():
        each = np.arange(scenarios + 1)
        ways = np.array([comb(scenarios, int(count)) for count in each], dtype=np.float64)
        rare = 0.25**number
        chances = np.convolve(chances, ways * rare**each * (1 - rare) ** (scenarios - each))
    return min(1.0, float(chances[broken:].sum()))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's adjusted p-values, in the order given.

    Reject those below a level, and the chance of even one false alarm among them is at
    most that level, however they depend on each other.

    Args:
        p_values: Raw p-values, each in [0, 1].

    Raises:
        ValueError: something that is no p-value.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure,
    Scandinavian Journal of Statistics 6:65-70.
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"{p!r} is no p-value; give numbers from 0 to 1")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    smallest_first = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, index in enumerate(smallest_first):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


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
    return exp(min(_log_sum(total + _LOG_WEIGHTS), _LARGEST_LOG))


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
        return _log_sum(_LOG_WEIGHTS + (counts * gains).sum(-1)) + log(level)

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


def _log_sum(logarithms: NDArray[np.float64]) -> float:
    """The logarithm of a sum whose terms are given as logarithms."""
    largest = float(logarithms.max())
    return largest + log(float(np.exp(logarithms - largest).sum()))
