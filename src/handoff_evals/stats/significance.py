"""Could a candidate that is no worse have come out this much worse by chance?

Three one-sided tests of the trials within these scenarios, and what adjusts p-values that
stand beside each other. None asks for more than that the trials of one scenario are
independent of each other, given the scenario; scenarios may be as different as they like.
Making a trial of the candidate worse makes no p-value larger. To test for a gain, swap
the sides.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import comb, lcm, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

# All sign flips are enumerated up to 13 scenarios that differ (8192 of them). Beyond, a
# p-value of 0.05 drawn this often is off by 0.004 at most times.
_FLIPS: Final = 9_999


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


def mcnemar(b: int, c: int) -> float:
    """The exact two-sided p-value of McNemar's test.

    One pair a scenario. With several trials of a scenario, give their mean difference
    to `paired_permutation` instead.

    Args:
        b: Pairs that only the first model got right.
        c: Pairs that only the second model got right.

    Returns:
        1.0 where no pair differs.

    Raises:
        ValueError: a negative count.

    Source: McNemar (1947), Psychometrika 12:153-157, with the binomial in place of
    its approximation.
    """
    if b < 0 or c < 0:
        raise ValueError(f"{(b, c)!r} are no counts; give pairs, 0 or more of each")
    from scipy.stats import binomtest  # noqa: PLC0415 - costs half a second, and few need it

    return float(binomtest(b, b + c).pvalue) if b + c else 1.0


def paired_permutation(differences: Sequence[float], *, seed: int = 0) -> float:
    """The two-sided p-value of the mean difference, by flipping signs.

    If the models don't differ, each scenario's difference could as well have had the
    other sign. Exact for up to 13 scenarios that differ; beyond, 9,999 seeded draws
    with the observed one counted among them, so that it is never 0. With differences
    of -1, 0 and 1 it is McNemar's test.

    Args:
        differences: One a scenario, second model's share minus the first's.
        seed: Of the draws: the same seed gives the same p-value.

    Returns:
        1.0 where no scenario differs, or only one.

    Source: Fisher (1935), The design of experiments, section 21; Phipson and Smyth
    (2010) for counting the observed one; `scipy.stats.permutation_test`.
    """
    # A flipped zero is a zero: dropping it changes no p-value and spares flips.
    differing = np.array([value for value in differences if value], dtype=np.float64)
    if len(differing) <= 1:
        return 1.0

    from scipy.stats import permutation_test  # noqa: PLC0415 - as above

    def total(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        # Fifths don't add up exactly: unrounded, flips that tie with the observed don't.
        return np.asarray(np.round(values.sum(axis=axis), 9))

    result = permutation_test(
        (differing,),
        total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_FLIPS,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


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
