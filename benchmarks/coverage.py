"""How often the interval of a mean over scenarios covers the truth, and how often others would.

`python benchmarks/coverage.py` takes about two minutes on one core, `--quick` a fifth of it.
95% intervals shall cover at least 95%. What is estimated is the mean over scenarios of each
one's own share: of correct decisions, of passed trials, or their difference between two
sides. Scenarios have their own difficulty (beta-binomial), several trials, and one to four
decisions; long ones may be the hard ones.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from handoff_evals.stats.bounded_mean import tail, weighted_below

Floats = NDArray[np.float64]
OUTSIDE: Final = tail(0.95)
Z: Final = -float(ndtri(OUTSIDE))
RNG = np.random.default_rng(20_240_601)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One kind of suite: what is drawn many times."""

    scenarios: int
    trials: int
    correlation: float
    share: float
    sizes: str = "one"

    def draw(self, times: int) -> tuple[Floats, float]:
        """The share of each scenario, shape (times, scenarios), and the true mean."""
        shape = (times, self.scenarios)
        decisions = np.ones(shape) if self.sizes == "one" else RNG.integers(1, 5, size=shape)
        share = np.full(shape, self.share)
        if self.sizes == "long are hard":
            # Ten times as long in a tenth of them, and mostly wrong.
            hard = RNG.random(shape) < 0.1
            decisions, share = np.where(hard, 10, 1), np.where(hard, 0.3, self.share)
        truth = 0.03 + 0.9 * self.share if self.sizes == "long are hard" else self.share
        total = (decisions * self.trials).astype(np.int64)
        return RNG.binomial(total, correlated(share, self.correlation)) / total, truth

    def __str__(self) -> str:
        return (
            f"{self.scenarios} scenarios x {self.trials} trials, "
            f"correlation {self.correlation}, share {self.share}"
        )


def correlated(share: Floats, correlation: float) -> Floats:
    """Each scenario's own share: beta-binomial with this intra-scenario correlation."""
    if not correlation:
        return share
    sharpness = (1 - correlation) / correlation
    return RNG.beta(share * sharpness, (1 - share) * sharpness)


def gaffke(values: Floats, truth: float, least: float) -> Floats:
    """Whether `mean_interval` covers the truth: neither side of it is rejected."""
    ends = np.ones((len(values), 1))
    above = weighted_below(np.hstack([values, least * ends]) - truth, np.ones(1))
    below = weighted_below(truth - np.hstack([values, ends]), np.ones(1))
    return np.asarray((above >= OUTSIDE) & (below >= OUTSIDE))


def normal(values: Floats, truth: float, _least: float) -> Floats:
    """The same of the normal interval, without anything for what was not seen."""
    half = Z * values.std(-1, ddof=1) / sqrt(values.shape[-1]) + 1e-12
    return np.asarray(np.abs(values.mean(-1) - truth) <= half)


METHODS: Final[dict[str, Callable[[Floats, float, float], Floats]]] = {
    "mean_interval": gaffke,
    "normal": normal,
}


@dataclass(kw_only=True)
class Tally:
    """One line of a table."""

    covered: dict[str, float] = field(default_factory=dict)

    def show(self, title: str, least: float) -> None:
        """Print the line, and the cells below the limit under it."""
        values = list(self.covered.values())
        below = sorted(name for name, share in self.covered.items() if share < least)
        print(
            f"{title:40s} {len(values):6d} {min(values):6.3f} {np.mean(values):6.3f} "
            f"{len(below):6d}"
        )
        if title.endswith("mean_interval"):
            for name in below:
                print(f"    {self.covered[name]:.4f}  {name}")


def shares(times: int, scenarios: tuple[int, ...], least: float) -> None:
    """The mean of shares."""
    for sizes in ("one", "1 to 4", "long are hard"):
        tallies = {name: Tally() for name in METHODS}
        for n, trials, correlation, share in product(
            scenarios, (1, 3), (0.0, 0.3, 0.8), (0.5, 0.8, 0.95, 0.99)
        ):
            cell = Cell(
                scenarios=n, trials=trials, correlation=correlation, share=share, sizes=sizes
            )
            values, truth = cell.draw(times)
            for name, method in METHODS.items():
                covers = float(method(values, truth, 0.0).mean())
                tallies[name].covered[str(cell)] = covers
        for name, tally in tallies.items():
            tally.show(f"{sizes}: {name}", least)


def draw_differences(cell: Cell, lost: float, likeness: float, times: int) -> Floats:
    """Differences of two models: `likeness` of the scenarios are equally hard for both.

    The second loses a `lost` share of passes, by failing some scenarios throughout.
    """
    shape = (times, cell.scenarios)
    first = correlated(np.full(shape, cell.share), cell.correlation)
    other = correlated(np.full(shape, cell.share), cell.correlation)
    second = np.where(RNG.random(shape) < likeness, first, other)
    second = second * (RNG.random(shape) >= lost / cell.share)
    return (RNG.binomial(cell.trials, second) - RNG.binomial(cell.trials, first)) / cell.trials


def differences(times: int, scenarios: tuple[int, ...], least: float) -> None:
    """The mean of paired differences."""
    tallies = {name: Tally() for name in METHODS}
    for n, trials, correlation, share, lost, likeness in product(
        scenarios, (1, 3), (0.0, 0.8), (0.5, 0.95), (0.0, 0.05, 0.2), (0, 1)
    ):
        cell = Cell(scenarios=n, trials=trials, correlation=correlation, share=share)
        drawn = draw_differences(cell, lost, likeness, times)
        for name, method in METHODS.items():
            covers = float(method(drawn, -lost, -1.0).mean())
            tallies[name].covered[f"{cell}, lost {lost}, alike {likeness}"] = covers
    for name, tally in tallies.items():
        tally.show(f"difference: {name}", least)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer draws and scenarios")
    quick = parser.parse_args().quick
    times, scenarios = (250, (20,)) if quick else (600, (10, 20, 60))
    error = sqrt(0.05 * 0.95 / times)
    started = time.perf_counter()
    print(f"{'':40s} {'cells':>6s} {'least':>6s} {'mean':>6s} {'below':>6s}")
    shares(times, scenarios, 0.95 - 3 * error)
    differences(times, scenarios, 0.95 - 3 * error)
    print(f"Below: less than 95% by more than three Monte-Carlo errors of {error:.3f}")
    print(f"{times} draws a cell, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
