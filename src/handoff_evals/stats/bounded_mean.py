"""The mean of values that can't leave a range, with bounds that hold for few of them.

Gaffke's bounds: give the values, and one more at the worst end of the range, random
weights that sum to 1 (all such weights equally likely); the lower bound is the mean that
only a small share of the weights falls below. What makes them the ones to use here:

- where only two values occur, they are Clopper and Pearson's exact bounds: of 29
  scenarios that are all the same, a loss of 1 - 0.05 ** (1 / 29) = 0.098 is ruled out;
- where single trials are compared, the interval of the difference leaves out zero exactly
  where McNemar's exact test rejects;
- making any value smaller makes neither bound larger, which no t interval can say;
- the interval never has zero width.

Source: Gaffke (2005), Three test statistics for a nonparametric one-sided hypothesis on
the mean of a nonnegative variable, Mathematical Methods of Statistics 14:451-467;
Learned-Miller and Thomas (2020), A new confidence interval for the mean of a bounded
random variable, arXiv 1905.06208. That they hold for every distribution is proven for two
values and conjectured for more; `benchmarks/verdicts.py` looks for exceptions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

_ROUNDING = 12
_FEW = 60


def tail(confidence: float) -> float:
    """The probability that a two-sided interval leaves out at each end.

    Args:
        confidence: The share of intervals that shall cover the truth, in (0, 1).

    Raises:
        ValueError: `confidence` lies outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}; give a share between 0 and 1, as 0.95")
    return (1 - confidence) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A two-sided confidence interval: `low <= value <= high`.

    Attributes:
        value: What was observed; a share in [0, 1], or a difference of two in [-1, 1].
        low: The lower bound, in the unit of `value`.
        high: The upper bound, in the unit of `value`.
        confidence: The share of such intervals that shall cover the truth.
        method: How the bounds were computed, in words for a report.

    Raises:
        ValueError: the bounds don't enclose the value.
    """

    value: float
    low: float
    high: float
    confidence: float
    method: str

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"{self.low!r} <= {self.value!r} <= {self.high!r} doesn't hold; "
                "an interval encloses its value"
            )

    @property
    def width(self) -> float:
        """`high - low`, in the unit of `value`."""
        return self.high - self.low


def mean_interval(
    values: Sequence[float],
    *,
    least: float = 0.0,
    most: float = 1.0,
    confidence: float = 0.95,
    missing: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Interval:
    """The mean over scenarios, as if further scenarios were drawn like these.

    Args:
        values: One a scenario, in the range; those of which nothing is known are left out.
        least: The lower end of the range.
        most: The upper end of the range.
        confidence: The share of such intervals that shall cover the truth.
        missing: The values of *all* scenarios if everything that is unscored had come out
            as badly as it can, and as well as it can: the bounds are taken from these.

    Raises:
        ValueError: no value, or one outside the range.
    """
    outside = tail(confidence)
    for value in values:
        if not least <= value <= most:
            raise ValueError(f"{value!r} is outside the range from {least!r} to {most!r}")
    if not values:
        raise ValueError("no values; give one a scenario")
    at_worst, at_best = missing or (values, values)
    value = float(np.mean(values))
    low = lower_bound(at_worst, least=least, level=outside)
    high = upper_bound(at_best, most=most, level=outside)
    return Interval(
        value=value,
        low=min(value, low),
        high=max(value, high),
        confidence=confidence,
        method="Gaffke's bounds of a mean over scenarios",
    )


def lower_bound(values: Sequence[float], *, least: float, level: float) -> float:
    """What the true mean is above, but for a chance of `level`.

    Args:
        values: One a scenario, each at least `least`.
        least: The lower end of the range.
        level: The chance of a bound that is too high, in (0, 1).

    Returns:
        From `least` up to the smallest value that is possible; in the values' unit.
    """

    def surplus(at: float) -> float:
        return chance_below(values, at=at, least=least) - level

    top = max(values, default=least)
    # With all values at the lower end of the range, nothing is above it.
    if round(top - least, _ROUNDING) <= 0 or surplus(top) <= 0:
        return least
    return float(brentq(surplus, least, top, xtol=1e-10))


def upper_bound(values: Sequence[float], *, most: float, level: float) -> float:
    """What the true mean is below, but for a chance of `level`; see `lower_bound`."""
    return -lower_bound([-value for value in values], least=-most, level=level)


def chance_below(values: Sequence[float], *, at: float, least: float) -> float:
    """The p-value of "the mean is `at` or less".

    Args:
        values: One a scenario, each at least `least`.
        at: The mean that is tested.
        least: The lower end of the range.

    Returns:
        The share of weightings whose mean is at most `at`. Making a value smaller never
        makes it smaller.
    """
    distinct, counts = np.unique(np.round([*values, least], _ROUNDING), return_counts=True)
    return float(weighted_below(distinct - at, counts.astype(np.float64)))


def weighted_below(values: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The chance that the randomly weighted mean of values is zero or less.

    Weights that sum to 1, all equally likely, are exponential lots over their sum; so this
    is the chance that a sum of gamma variables is at most zero, found by inverting its
    characteristic function (Gil-Pelaez 1951). Held against the beta distribution, it errs
    by less than 1e-8 up to 2,000 values.

    Args:
        values: The distinct values, shape (..., values).
        counts: How often each occurs, 0 or more, same shape.

    Returns:
        Probabilities, shape (...).
    """
    values, counts = np.broadcast_arrays(values, counts)
    below = ((counts > 0) & (values < 0)).any(-1)
    above = ((counts > 0) & (values > 0)).any(-1)
    scale = np.sqrt((counts * values**2).sum(-1, keepdims=True))
    steps = values / np.where(scale > 0, scale, 1)
    number = int(counts.sum(-1).max())
    nodes, weights = _nodes(240 if number <= _FEW else 400 * (1 + number // 200))
    angle = np.zeros((*steps.shape[:-1], len(nodes)))
    decay = np.zeros_like(angle)
    for index in range(steps.shape[-1]):
        reach = steps[..., index, None] * nodes
        angle += counts[..., index, None] * np.arctan(reach)
        decay += counts[..., index, None] * np.log1p(reach**2)
    inside = 0.5 - (np.sin(angle) * np.exp(-decay / 2) * weights).sum(-1) / pi
    return np.where(above, np.where(below, np.clip(inside, 0, 1), 0.0), 1.0)


@lru_cache(maxsize=8)
def _nodes(number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a function on (0, inf) is looked at, and the weight of each look over its place.

    Source: Takahasi and Mori (1974), Double exponential formulas for numerical integration.
    """
    steps, step = np.linspace(-3.4, 3.4, number, retstep=True)
    return np.exp(pi / 2 * np.sinh(steps)), step * pi / 2 * np.cosh(steps)
