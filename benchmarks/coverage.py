"""How often the intervals cover the truth, and how often others would.

`python benchmarks/coverage.py` takes about two minutes on one core, `--quick` a fifth of
it. 95% intervals shall cover at least 93% for shares from 0.05 to 0.99, and at most 98%
for shares from 0.2 to 0.8. One decision a scenario is computed exactly; the rest is
simulated, and a cell outside these limits is drawn again ten times as often before it
is counted, since of a thousand cells the unluckiest always look bad.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binom

from handoff_evals.stats.difference import difference_bounds
from handoff_evals.stats.intervals import beta_bounds, effective_decisions, tail

Floats = NDArray[np.float64]
Bounds = tuple[Floats, Floats]
LEAST, MOST = 0.93, 0.98
OUTSIDE: Final = tail(0.95)
Z: Final = -float(ndtri(OUTSIDE))
RNG = np.random.default_rng(20_240_601)
SCENARIOS = (20, 50, 100, 200)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 0.9, 0.95, 0.99)
CORRELATIONS = (0.0, 0.1, 0.3, 0.5, 0.8)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One kind of suite: what is drawn many times."""

    scenarios: int
    trials: int
    correlation: float
    share: float
    sizes: str = "one"

    def draw(self, times: int) -> Bounds:
        """Right decisions and all decisions, each of shape (times, scenarios)."""
        shape = (times, self.scenarios)
        decisions = np.ones(shape) if self.sizes == "one" else RNG.integers(1, 5, size=shape)
        share = np.full(shape, self.share)
        if self.sizes == "long are hard":
            # Twice as long, twice as often wrong; E[d^2] / E[d] = 3 for 1 to 4 decisions.
            share = 1 - (1 - self.share) * decisions / 3
        total = (decisions * self.trials).astype(np.int64)
        right = RNG.binomial(total, correlated(share, self.correlation))
        return right.astype(np.float64), total.astype(np.float64)

    @property
    def possible(self) -> bool:
        """Whether the longest scenarios, 4 decisions, can be wrong that often."""
        return self.sizes != "long are hard" or (1 - self.share) * 4 / 3 < 1

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


def chosen(right: Floats, total: Floats) -> Bounds:
    """What `clustered` computes."""
    share = right.sum(-1) / total.sum(-1)
    return beta_bounds(share, effective_decisions(right, total), OUTSIDE)


def wilson_on(n: Callable[[Floats], Floats | int]) -> Callable[[Floats, Floats], Bounds]:
    """Wilson's interval, with the results counted in some way."""

    def bounds(right: Floats, total: Floats) -> Bounds:
        share, size = right.sum(-1) / total.sum(-1), n(total)
        middle = (share + Z**2 / 2 / size) / (1 + Z**2 / size)
        spread = share * (1 - share) / size + Z**2 / 4 / size**2
        half = Z / (1 + Z**2 / size) * np.sqrt(spread)
        return middle - half, middle + half

    return bounds


def bootstrap(right: Floats, total: Floats) -> Bounds:
    """The percentile bootstrap over scenarios, 500 resamples shared by all draws."""
    scenarios = right.shape[-1]
    weights = RNG.multinomial(scenarios, np.full(scenarios, 1 / scenarios), size=500)
    shares = (weights @ right.T) / (weights @ total.T)
    low, high = np.quantile(shares, (OUTSIDE, 1 - OUTSIDE), axis=0)
    return low, high


METHODS: Final = {
    "clustered (this one)": chosen,
    "Wilson on decisions": wilson_on(lambda total: total.sum(-1)),
    "Wilson on scenarios": wilson_on(lambda total: total.shape[-1]),
    "bootstrap over scenarios": bootstrap,
}


@dataclass(kw_only=True)
class Tally:
    """One line of a table: the coverage of each cell, and the width of its intervals."""

    covered: dict[str, float] = field(default_factory=dict)
    below: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def add(self, name: str, covered: float, *, middle: bool) -> None:
        """One cell; `middle` tells whether it shall also not cover too often."""
        self.covered[name] = covered
        if covered < LEAST:
            self.below.append(name)
        if middle and covered > MOST:
            self.above.append(name)

    def show(self, title: str, *, cells: bool = False) -> None:
        """Print the line, and the cells outside the limits below it."""
        values = list(self.covered.values())
        width = f"{np.mean(self.widths):.3f}" if self.widths else "-"
        print(
            f"{title:47s} {len(values):6d} {min(values):6.3f} {np.mean(values):6.3f} "
            f"{len(self.below):6d} {len(self.above):7d} {width:>6s}"
        )
        if cells:
            for name in sorted({*self.below, *self.above}, key=self.covered.__getitem__):
                print(f"    {self.covered[name]:.4f}  {name}")


HEADER: Final = (
    f"{'':47s} {'cells':>6s} {'least':>6s} {'mean':>6s} {'< 93%':>6s} {'> 98%*':>7s} {'width':>6s}"
)


def is_middle(share: float) -> bool:
    """Whether the share is one for which 98% shall not be passed."""
    return 0.2 <= round(share, 9) <= 0.8


def exact(step: float) -> None:
    """One decision a scenario: every count of right ones, weighed by its probability.

    Coverage jumps where a share passes a bound, so the shares beside each are looked at too.
    """
    tallies = {name: Tally() for name in ("clustered (this one)", "Wilson", "Clopper-Pearson")}
    wilson = METHODS["Wilson on scenarios"]
    for n in range(20, 201):
        right = np.arange(n + 1.0)
        low, high = beta_bounds(right / n, n, OUTSIDE)
        beside = np.concatenate([bound + side for bound in (low, high) for side in (-1e-9, 1e-9)])
        shares = np.unique(np.clip([*beside, *np.arange(0.05, 0.99, step)], 0.05, 0.99))[:, None]
        wilson_low, wilson_high = wilson(right[:, None] / n * np.ones(n), np.ones((n + 1, n)))
        as_many, as_few = binom.sf(right - 1, n, shares), binom.cdf(right, n, shares)
        for name, hit in (
            ("clustered (this one)", (low <= shares) & (shares <= high)),
            ("Wilson", (wilson_low <= shares) & (shares <= wilson_high)),
            ("Clopper-Pearson", (as_many >= OUTSIDE) & (as_few >= OUTSIDE)),
        ):
            covered = np.sum(hit * binom.pmf(right, n, shares), axis=-1)
            for share, value in zip(shares[:, 0].tolist(), covered.tolist(), strict=True):
                cell = f"{n} scenarios, share {share:.9f}"
                tallies[name].add(cell, value, middle=is_middle(share))
    for name, tally in tallies.items():
        tally.show(f"one result, exact: {name}", cells=name.startswith("clustered"))


def covers(cell: Cell, bounds: Bounds) -> float:
    """The share of intervals that cover the truth."""
    low, high = bounds
    return float(((low <= cell.share) & (cell.share <= high)).mean())


def proportions(times: int, scenarios: tuple[int, ...]) -> None:
    """Several results a scenario."""
    for sizes in ("one", "1 to 4", "long are hard"):
        tallies = {name: Tally() for name in METHODS}
        for n, trials, correlation, share in product(scenarios, (1, 2, 3, 5), CORRELATIONS, SHARES):
            cell = Cell(
                scenarios=n, trials=trials, correlation=correlation, share=share, sizes=sizes
            )
            if (sizes == "one" and trials == 1) or not cell.possible:
                continue
            draws = cell.draw(times)
            for name, method in METHODS.items():
                if method is bootstrap and (n > 50 or correlation != 0.3):
                    continue  # it takes ten times as long as all others together
                low, high = method(*draws)
                covered = covers(cell, (low, high))
                outside = covered < LEAST or (is_middle(share) and covered > MOST)
                if method is chosen and outside:
                    covered = covers(cell, chosen(*cell.draw(10 * times)))
                tallies[name].widths.append(float((high - low).mean()))
                tallies[name].add(str(cell), covered, middle=is_middle(share))
        for name, tally in tallies.items():
            tally.show(f"{sizes}: {name}", cells=name.startswith("clustered"))


def few(times: int) -> None:
    """Fewer scenarios than the limits speak of."""
    for n in (1, 2, 3, 5, 10):
        tally = Tally()
        for trials, correlation, share in product((2, 5), CORRELATIONS, SHARES):
            cell = Cell(scenarios=n, trials=trials, correlation=correlation, share=share)
            low, high = chosen(*cell.draw(times))
            tally.widths.append(float((high - low).mean()))
            tally.add(str(cell), covers(cell, (low, high)), middle=is_middle(share))
        tally.show(f"only {n} scenario(s): clustered")


def plain_t(differences: Floats, _outside: float) -> Bounds:
    """The t interval without the imagined scenarios (z, rather: it only errs the more)."""
    half = Z * differences.std(-1, ddof=1) / np.sqrt(differences.shape[-1])
    return differences.mean(-1) - half, differences.mean(-1) + half


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


def differences(times: int, scenarios: tuple[int, ...]) -> None:
    """The interval of a paired difference."""
    for title, method in (("paired_difference", difference_bounds), ("normal, no more", plain_t)):
        tally = Tally()
        for n, trials, correlation, share, lost, likeness in product(
            scenarios,
            (1, 2, 5),
            (0.0, 0.3, 0.8),
            (0.5, 0.8, 0.95, 0.99),
            (0.0, 0.05, 0.2),
            (0, 0.8, 1),
        ):
            cell = Cell(scenarios=n, trials=trials, correlation=correlation, share=share)
            for attempt in (times, 10 * times):
                low, high = method(draw_differences(cell, lost, likeness, attempt), OUTSIDE)
                covered = float(((low <= -lost + 1e-12) & (-lost - 1e-12 <= high)).mean())
                if covered >= LEAST or method is plain_t:
                    break
            tally.widths.append(float((high - low).mean()))
            tally.add(f"{cell}, lost {lost}, alike {likeness}", covered, middle=False)
        tally.show(title, cells=method is difference_bounds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer draws and scenarios")
    quick = parser.parse_args().quick
    times, scenarios = (500, (20, 50)) if quick else (2000, SCENARIOS)
    started = time.perf_counter()
    print(HEADER)
    exact(0.02 if quick else 0.005)
    proportions(times, scenarios)
    few(times)
    differences(times // 2, scenarios[:2] if quick else (20, 50, 200))
    print("* of the cells with a share from 0.2 to 0.8")
    print(f"{times} draws a cell, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
