"""The interval of a share of independent results."""

from handoff_evals.stats.interval import Interval, tail


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval, for results that are independent of each other.

    Decisions of one scenario are not: use `clustered` for them. On average it covers
    as often as promised, but near 0 and 1 it can fall to 90% where 95% is promised.

    Args:
        successes: How many of the `n` results were right.
        n: How many results there are, at least one.
        confidence: The share of such intervals that shall cover the truth.

    Raises:
        ValueError: no results, or more (or fewer) successes than possible.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical
    inference, JASA 22:209-212; computed by `scipy.stats.binomtest`.
    """
    tail(confidence)
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(
            f"{successes!r} of {n!r} is no share; give n >= 1 and 0 <= successes <= n "
            "(no results at all is an error of the run, not a share)"
        )
    from scipy.stats import binomtest  # noqa: PLC0415 - costs half a second, and few need it

    bounds = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    value = successes / n
    # Rounding can put a bound 1e-17 on the wrong side of a value of exactly 0 or 1.
    return Interval(
        value=value,
        low=max(0.0, min(value, float(bounds.low))),
        high=min(1.0, max(value, float(bounds.high))),
        confidence=confidence,
        method="Wilson",
    )
