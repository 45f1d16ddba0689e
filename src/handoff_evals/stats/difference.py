"""The difference of two models on the same scenarios."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from handoff_evals.stats.intervals import Interval, tail

# One up and one down: they widen the interval and leave its middle in place.
IMAGINED: Final = 2


def paired_difference(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of `b - a` over scenarios, as if further scenarios were drawn like these.

    A t interval to which two imagined scenarios are added, one that the second model
    does better and one that it does worse. It can't have zero width: where no scenario
    differs, it tells how large a difference these many scenarios could have missed.
    With one trial a scenario, it is Bonett and Price's interval with t in place of z.

    Args:
        a: The first model's share of right results, one a scenario, in [0, 1].
        b: The second model's, in the same order.
        confidence: The share of such intervals that shall cover the truth.

    Raises:
        ValueError: no scenarios, unequally many, or a share outside [0, 1].

    Source: Bonett and Price (2012), Adjusted Wald confidence interval for a difference
    of binomial proportions based on paired data, Journal of Educational and Behavioral
    Statistics 37:479-488. Coverage: `benchmarks/coverage.py`.
    """
    outside = tail(confidence)
    if not a or len(a) != len(b):
        raise ValueError(
            f"{len(a)!r} and {len(b)!r} scenarios can't be paired; give one share a scenario "
            "for each model, in the same order"
        )
    for share in (*a, *b):
        if not 0 <= share <= 1:
            raise ValueError(f"{share!r} is no share; give numbers from 0 to 1")
    differences = np.subtract(b, a, dtype=np.float64)
    value = float(differences.mean())
    low, high = difference_bounds(differences, outside)
    return Interval(
        value=value,
        low=max(-1.0, min(value, float(low))),
        high=min(1.0, max(value, float(high))),
        confidence=confidence,
        method="t over scenarios, two imagined ones added",
    )


def imagined_square(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square of the difference that an imagined scenario shows.

    The mean square of the differences that aren't zero, and of one of size 1: with no
    difference seen, the largest possible; with many seen, one like them.

    Args:
        differences: Shape (..., scenarios), each in [-1, 1].

    Returns:
        In (0, 1], shape (...).
    """
    return np.asarray(((differences**2).sum(-1) + 1) / ((differences != 0).sum(-1) + 1))


def difference_bounds(
    differences: NDArray[np.float64], outside: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of the mean difference, not yet cut at -1 and 1.

    Args:
        differences: Shape (..., scenarios), each in [-1, 1].
        outside: The probability left out at each end.

    Returns:
        The lower and the upper bounds, each of shape (...).
    """
    scenarios = differences.shape[-1]
    n = scenarios + IMAGINED
    middle = differences.sum(-1) / n
    square = ((differences**2).sum(-1) + IMAGINED * imagined_square(differences)) / n
    # One scenario leaves no degree of freedom: nothing is known but the range.
    t = stdtrit(scenarios - 1, 1 - outside) if scenarios > 1 else np.inf
    half = t * np.sqrt((square - middle**2) / n)
    return middle - half, middle + half
