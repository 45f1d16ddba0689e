"""Stop as soon as enough pairs were seen, however often one looks.

A pair is one scenario held with the baseline and with the candidate. Of the pairs that
differ, an unchanged agent makes as many worse as better: a fair coin. An e-value is the
stake of a gambler who bets against that coin; if the coin is fair he multiplies it by
20 with a chance of at most 1/20 *ever*, so looking after each pair costs nothing
(Ville 1939; Ramdas et al. 2023, Game-theoretic statistics and safe anytime-valid
inference).

Give one pair a scenario, in an order that doesn't depend on the results.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp, inf, log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import betainc, betaln, logsumexp

# exp() of more overflows, and no threshold is near it.
_LARGEST_LOG: Final = 700.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
# The stakes that are played at once, as shares of the one that a single worse pair would
# lose whole, and how the money is spread over them. Any spread that sums to 1 is valid;
# this one comes near a uniform one.
_STAKES: Final = (_NODES + 1) / 2
_LOG_SHARES: Final = np.log(_WEIGHTS / 2)


class Ruling(StrEnum):
    """What the pairs so far allow to say."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    NO_LARGER = "no larger than the margin"
    FUTILE = "futile"
    CONTINUE = "continue"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """The pairs seen so far; a new one makes a new object.

    Attributes:
        worse: Pairs that only the baseline passed.
        better: Pairs that only the candidate passed.
        same: Pairs that both passed, or both failed.
    """

    worse: int = 0
    better: int = 0
    same: int = 0

    def __post_init__(self) -> None:
        if min(self.worse, self.better, self.same) < 0:
            raise ValueError(f"{self!r} holds a negative count; give 0 or more of each")

    def after(self, *, baseline: bool, candidate: bool) -> "Pairs":
        """These pairs and one more.

        Args:
            baseline: Whether the baseline passed.
            candidate: Whether the candidate passed.
        """
        if baseline == candidate:
            return replace(self, same=self.same + 1)
        if baseline:
            return replace(self, worse=self.worse + 1)
        return replace(self, better=self.better + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look at the pairs.

    Attributes:
        ruling: What can be said.
        worse: The e-value against "no worse than the baseline".
        better: The e-value against "no better than the baseline".
        largest_regression: An upper bound of how much the share of passes fell, as a
            share, valid at every look at once; negative where it surely rose.
    """

    ruling: Ruling
    worse: float
    better: float
    largest_regression: float


def e_worse(worse: int, better: int) -> float:
    """The one-sided e-value against "the candidate is no worse".

    The gambler spreads his money evenly over every coin that falls on "worse" more often
    than on "better". Swap the arguments for the e-value against "no better".

    Args:
        worse: Pairs that only the baseline passed.
        better: Pairs that only the candidate passed.

    Returns:
        0 or more; its mean is at most 1 if the candidate is no worse.
    """
    return exp(min(float(_log_worse(worse, better)), _LARGEST_LOG))


def e_either(worse: int, better: int) -> float:
    """The two-sided e-value against "no difference": a Beta(1, 1) mixture.

    It is the mean of the two one-sided ones.

    Args:
        worse: Pairs that only the baseline passed.
        better: Pairs that only the candidate passed.
    """
    pairs = worse + better
    return exp(min(pairs * log(2) + float(betaln(worse + 1, better + 1)), _LARGEST_LOG))


def largest_regression(pairs: Pairs, alpha: float = 0.05) -> float:
    """The regression that can still not be ruled out, valid at every look at once.

    Args:
        pairs: The pairs seen so far.
        alpha: The chance that the true one is ever above the bound.

    Returns:
        The share of passes lost, from -1 to 1; 1 where nothing is ruled out.
    """

    def surplus(margin: float) -> float:
        return float(_log_smaller(pairs.worse, pairs.better, pairs.same, margin)) + log(alpha)

    nearly = 1 - 1e-9
    return float(brentq(surplus, -nearly, nearly)) if surplus(nearly) > 0 else 1.0


def decide(pairs: Pairs, remaining: int, *, alpha: float = 0.05, margin: float = 0.1) -> Look:
    """What the pairs so far allow to say, and what it rests on; see `rule`."""
    return Look(
        ruling=rule(pairs, remaining, alpha=alpha, margin=margin),
        worse=e_worse(pairs.worse, pairs.better),
        better=e_worse(pairs.better, pairs.worse),
        largest_regression=largest_regression(pairs, alpha),
    )


def rule(pairs: Pairs, remaining: int, *, alpha: float = 0.05, margin: float = 0.1) -> Ruling:
    """What the pairs so far allow to say, and whether to go on.

    If nothing changed, the chance that it ever rules REGRESSED or IMPROVED is at most
    `alpha`, half of it each. If the share of passes fell by `margin` or more, the chance
    that it ever rules NO_LARGER is at most `alpha`. REGRESSED comes first: a regression
    can be both certain and within the margin. NO_LARGER waits while the candidate looks
    better and IMPROVED is in reach.

    Args:
        pairs: The pairs seen so far.
        remaining: Pairs that can still be run.
        alpha: See above, in (0, 1).
        margin: The regression that one would still accept, as a share in (0, 1).

    Returns:
        FUTILE where no outcome of the remaining pairs could lead to any ruling, and so
        always something else than CONTINUE once none remain.

    Raises:
        ValueError: a negative `remaining`, or a share outside (0, 1).
    """
    if remaining < 0:
        raise ValueError(f"{remaining!r} pairs can't remain; give 0 or more")
    for name, share in (("alpha", alpha), ("margin", margin)):
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share!r}; give a share between 0 and 1")
    ruling = _ruling(pairs, alpha, margin)
    if not remaining:
        return Ruling.FUTILE if ruling is Ruling.CONTINUE else ruling
    # Every e-value is largest when all that remain fall on one side.
    at_worst = _ruling(replace(pairs, worse=pairs.worse + remaining), alpha, margin)
    at_best = _ruling(replace(pairs, better=pairs.better + remaining), alpha, margin)
    hopeful = e_worse(pairs.better, pairs.worse) > 1 and at_best is Ruling.IMPROVED
    if ruling is Ruling.NO_LARGER and hopeful:
        return Ruling.CONTINUE
    if ruling is at_worst is at_best is Ruling.CONTINUE:
        return Ruling.FUTILE
    return ruling


def _ruling(pairs: Pairs, alpha: float, margin: float) -> Ruling:
    either = log(2 / alpha)
    if _log_worse(pairs.worse, pairs.better) >= either:
        return Ruling.REGRESSED
    if _log_worse(pairs.better, pairs.worse) >= either:
        return Ruling.IMPROVED
    if _log_smaller(pairs.worse, pairs.better, pairs.same, margin) >= -log(alpha):
        return Ruling.NO_LARGER
    return Ruling.CONTINUE


def _log_worse(worse: ArrayLike, better: ArrayLike) -> NDArray[np.float64]:
    """The logarithm of `e_worse`, for counts of any shape."""
    worse, better = np.asarray(worse), np.asarray(better)
    # The share of Beta(worse + 1, better + 1) that lies above a half.
    above = betainc(better + 1, worse + 1, 0.5)
    log_above = np.log(above, where=above > 0, out=np.full(above.shape, -inf))
    return np.asarray((worse + better + 1) * log(2) + betaln(worse + 1, better + 1) + log_above)


def _log_smaller(
    worse: ArrayLike, better: ArrayLike, same: ArrayLike, margin: float
) -> NDArray[np.float64]:
    """The logarithm of the e-value against "the regression is `margin` or more".

    A stake u wins on every pair that is not worse; if the mean loss is `margin` or
    more, its mean gain is zero or less. For counts of any shape.

    Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables
    by betting, JRSS B 86:1-27, with a fixed mixture of stakes.
    """
    if_same = np.log1p(_STAKES * margin / (1 - margin))
    if_better = np.log1p(_STAKES * (1 + margin) / (1 - margin))
    if_worse = np.log1p(-_STAKES)
    worse, better, same = (np.asarray(count)[..., None] for count in (worse, better, same))
    return np.asarray(
        logsumexp(_LOG_SHARES + worse * if_worse + better * if_better + same * if_same, axis=-1)
    )
