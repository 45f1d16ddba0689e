"""How far a judge agrees with labels, and what its errors do to the rates that it reports.

Intervals are of the posterior with Jeffreys' prior, by simulation with a fixed seed: unlike a
standard error they are not zero where a few labels all agree. The tests simulate how often they
cover the truth.

A rate is corrected by Rogan and Gladen's estimator (1978), which needs the judge's two error
rates and nothing else. Prediction-powered inference is more exact where the labelled
conversations are drawn from those that are judged. Labels that are planted are not: half of them
fail on purpose, and that share would move the estimate.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handoff_evals.stats.bounded_mean import Interval

_DRAWS = 20_000
_METHOD = "posterior with Jeffreys' prior"


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """How two raters of the same conversations came out; the second has the labels.

    Raises:
        ValueError: a count below zero.
    """

    both_pass: int = 0
    passed_wrongly: int = 0
    """Passed by the judge, failed by the label."""
    failed_wrongly: int = 0
    """Failed by the judge, passed by the label."""
    both_fail: int = 0

    def __post_init__(self) -> None:
        if min(self.counts) < 0:
            raise ValueError(f"{self!r}: no count can be below 0")

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """The four counts, in the order of the fields."""
        return self.both_pass, self.passed_wrongly, self.failed_wrongly, self.both_fail

    @property
    def total(self) -> int:
        """How many conversations both have rated."""
        return sum(self.counts)

    @property
    def agreement(self) -> float | None:
        """The share of conversations of which both say the same; None where there are none."""
        return (self.both_pass + self.both_fail) / self.total if self.total else None


def kappa(found: Confusion) -> float | None:
    """Cohen's kappa: agreement beyond chance, from -1 to 1.

    None where it has no meaning: where nothing is rated, or both give one and the same verdict
    throughout.
    """
    value = float(_kappa(np.array([found.counts], dtype=np.float64))[0])
    return None if np.isnan(value) else value


def kappa_interval(found: Confusion, *, confidence: float = 0.95) -> Interval | None:
    """Cohen's kappa with its interval; None where it has no meaning."""
    value = kappa(found)
    if value is None:
        return None
    low, high = _quantiles(_kappas(found.counts), confidence)
    return Interval(
        value=value,
        low=min(value, low),
        high=max(value, high),
        confidence=confidence,
        method=_METHOD,
    )


def corrected_rate(
    passed: float, judged: int, errors: Confusion, *, confidence: float = 0.95
) -> Interval | None:
    """The rate of what truly passes, from the rate that a judge reports and its known errors.

    Args:
        passed: how many the judge passes; where each is a mean over trials, the sum of the means.
        judged: of how many. Those that resemble each other count as one.
        errors: the judge against labels of other conversations.
        confidence: the share of such intervals that shall cover the truth.

    Returns:
        None where the judge is no better than chance as far as is known, where no label passes or
        none fails, or where nothing was judged. Else the rate, within 0 and 1.

    Raises:
        ValueError: more passed than were judged, or fewer than none.
    """
    if not 0 <= passed <= judged:
        raise ValueError(f"passed={passed!r} of judged={judged!r}: give a number from 0 to judged")
    right, wrong, missed, caught = errors.counts
    if not judged or not right + missed or not wrong + caught:
        return None
    said = right / (right + missed)
    falsely = wrong / (wrong + caught)
    if said <= falsely:
        return None
    value = min(1.0, max(0.0, (passed / judged - falsely) / (said - falsely)))
    draw = np.random.default_rng(0)
    rate = draw.beta(passed + 0.5, judged - passed + 0.5, _DRAWS)
    sensitivity = draw.beta(right + 0.5, missed + 0.5, _DRAWS)
    false_passes = draw.beta(wrong + 0.5, caught + 0.5, _DRAWS)
    better = sensitivity - false_passes
    useful = better > 0
    drawn = np.where(useful, (rate - false_passes) / np.where(useful, better, 1.0), 0.5)
    low, high = _quantiles(np.clip(drawn, 0.0, 1.0), confidence)
    if not useful.all():
        # A judge that may be no better than chance says nothing in that share of the draws.
        share = float((~useful).mean())
        low, high = (0.0, 1.0) if share > (1 - confidence) / 2 else (low, high)
    return Interval(
        value=value,
        low=min(value, low),
        high=max(value, high),
        confidence=confidence,
        method=f"Rogan and Gladen, {_METHOD}",
    )


@lru_cache(maxsize=64)
def _kappas(counts: tuple[int, int, int, int]) -> NDArray[np.float64]:
    shares = np.random.default_rng(0).dirichlet([each + 0.5 for each in counts], size=_DRAWS)
    return _kappa(shares)


def _kappa(table: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b, c, d = (table / table.sum(axis=1, keepdims=True)).T
        by_chance = (a + b) * (a + c) + (c + d) * (b + d)
        found: NDArray[np.float64] = (a + d - by_chance) / (1 - by_chance)
    return found


def _quantiles(values: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    side = (1 - confidence) / 2
    low, high = np.quantile(values, [side, 1 - side])
    return float(low), float(high)
