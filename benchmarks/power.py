"""How often the gates see a regression, and how often they raise a false alarm.

`python benchmarks/power.py` takes about two minutes on one core, `--quick` a fifth of it.
The sequential test is computed exactly, by following the probability of every
(worse, better, same) until a ruling stops it; the figures of `smallest_difference` are
held against exact power where trials are single, and against simulation elsewhere.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from handoff_evals.stats import mcnemar, paired_permutation, smallest_difference
from handoff_evals.stats.sequential import _log_smaller, _log_worse

ALPHA: Final = 0.05
MARGIN: Final = 0.1
RNG = np.random.default_rng(20_240_601)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """How often a pair differs, and in which direction."""

    worse: float
    better: float

    def __str__(self) -> str:
        return f"worse {self.worse:.0%}, better {self.better:.0%}"


@dataclass(frozen=True, kw_only=True)
class Fate:
    """The chance of each ruling, and the pairs that it took on average."""

    regressed: float
    improved: float
    no_larger: float
    pairs: float


def follow(truth: Truth, pairs: int, *, one_sided: bool = False) -> Fate:
    """The exact fate of a suite of so many pairs, looked at after each of them.

    Args:
        truth: The chances of a pair.
        pairs: Pairs in all.
        one_sided: Spend all of alpha on regressions, and rule nothing else.
    """
    worse, better = np.meshgrid(np.arange(pairs + 1), np.arange(pairs + 1), indexing="ij")
    level = -np.log(ALPHA if one_sided else ALPHA / 2)
    regressed = _log_worse(worse, better) >= level
    improved = np.zeros_like(regressed) if one_sided else _log_worse(better, worse) >= level
    hopeful = _log_worse(better, worse) > 0
    alive = np.zeros(worse.shape)
    alive[0, 0] = 1
    ended = np.zeros(3)
    looked = 0.0
    for seen in range(1, pairs + 1):
        looked += alive.sum()
        moved = alive * (1 - truth.worse - truth.better)
        moved[1:] += alive[:-1] * truth.worse
        moved[:, 1:] += alive[:, :-1] * truth.better
        no_larger = np.zeros_like(regressed)
        # The others hold no probability: no use to integrate over the stakes for them.
        held = (moved > 0) & ~regressed & ~improved
        if not one_sided:
            counts = worse[held], better[held], seen - worse[held] - better[held]
            no_larger[held] = _log_smaller(*counts, MARGIN) >= -np.log(ALPHA)
            in_reach = _log_worse(better + pairs - seen, worse) >= level
            no_larger &= ~(hopeful & in_reach)
        ended += [moved[these].sum() for these in (regressed, improved, no_larger)]
        alive = np.where(regressed | improved | no_larger, 0, moved)
    return Fate(regressed=ended[0], improved=ended[1], no_larger=ended[2], pairs=looked)


def sequential(pairs: int) -> None:
    """The table of the sequential test."""
    print(f"\nSequential, {pairs} pairs, alpha {ALPHA}, margin {MARGIN}, looking after every pair")
    print(
        f"{'':24s} {'regressed':>9s} {'improved':>9s} {'no larger':>9s} {'undecided':>9s} "
        f"{'pairs':>6s}   {'one-sided':>9s}"
    )
    for worse, better in (
        (0.0, 0.0), (0.01, 0.01), (0.05, 0.05), (0.1, 0.1), (0.25, 0.25), (0.5, 0.5),
        (0.12, 0.02), (0.2, 0.05), (0.1, 0.0), (0.15, 0.05), (0.05, 0.01), (0.02, 0.12),
    ):  # fmt: skip
        truth = Truth(worse=worse, better=better)
        fate = follow(truth, pairs)
        undecided = max(0, 1 - fate.regressed - fate.improved - fate.no_larger)
        alone = follow(truth, pairs, one_sided=True).regressed
        print(
            f"{truth!s:24s} {fate.regressed:9.4f} {fate.improved:9.4f} {fate.no_larger:9.4f} "
            f"{undecided:9.4f} {fate.pairs:6.1f}   {alone:9.4f}"
        )


def fixed(truth: Truth, pairs: int) -> float:
    """The exact power of McNemar's test, once, at the end."""
    total = 0.0
    for discordant in range(pairs + 1):
        chance = binom.pmf(discordant, pairs, truth.worse + truth.better)
        if chance < 1e-12:
            continue
        split = truth.worse / (truth.worse + truth.better)
        found = [mcnemar(b, discordant - b) <= ALPHA for b in range(discordant + 1)]
        total += chance * float(
            np.dot(found, binom.pmf(np.arange(discordant + 1), discordant, split))
        )
    return total


def sensitivity(pairs: tuple[int, ...]) -> None:
    """Does a test find what `smallest_difference` says it would, 8 times in 10?"""
    print("\nsmallest_difference at 80% power, one trial a scenario, and McNemar's power there")
    print(f"{'':18s} {'noise seen':>10s} {'smallest':>9s} {'exact power':>11s}")
    for n in pairs:
        for share in (0.0, 0.02, 0.1, 0.3):
            each = round(n * share / 2)
            seen = [1.0] * each + [-1.0] * each + [0.0] * (n - 2 * each)
            smallest = smallest_difference(seen)
            if smallest is None:
                print(f"{n:4d} scenarios     {2 * each / n:10.0%} {'none':>9s}")
                continue
            # The noise stays and the difference is added; no fewer pairs differ than that.
            discordant = min(1, max((2 * each + 2) / (n + 2) + smallest**2, smallest))
            truth = Truth(worse=(discordant + smallest) / 2, better=(discordant - smallest) / 2)
            print(
                f"{n:4d} scenarios     {2 * each / n:10.0%} {smallest:9.3f} {fixed(truth, n):11.3f}"
            )


def repeated(times: int) -> None:
    """The same with 5 trials a scenario, against the permutation test."""
    print(
        "\nsmallest_difference at 80% power, 5 trials a scenario, and the permutation test's power"
    )
    print(f"{'':18s} {'share':>10s} {'smallest':>9s} {'power':>11s}   {'A/A alarms':>10s}")
    trials = 5
    for n in (20, 50, 100):
        for share in (0.7, 0.9):
            difficulty = RNG.beta(share * 2, (1 - share) * 2, size=(times, n))
            first = RNG.binomial(trials, difficulty) / trials
            again = RNG.binomial(trials, difficulty) / trials
            figures = [smallest_difference(row) for row in (again - first).tolist()]
            smallest = float(np.median([figure for figure in figures if figure is not None]))
            # Every scenario is failed as often more, in proportion to its own share.
            second = RNG.binomial(trials, difficulty * (1 - smallest / share)) / trials
            print(
                f"{n:4d} scenarios     {share:10.0%} {smallest:9.3f} "
                f"{alarms(second - first):11.3f}   {alarms(again - first):10.3f}"
            )


def alarms(differences: NDArray[np.float64]) -> float:
    """How often the permutation test finds a difference, of so many suites."""
    found = [paired_permutation(row) <= ALPHA for row in differences.tolist()]
    return float(np.mean(found))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pairs and draws")
    quick = parser.parse_args().quick
    started = time.perf_counter()
    for pairs in (60,) if quick else (60, 200):
        sequential(pairs)
    sensitivity((20, 50) if quick else (20, 50, 100, 200))
    repeated(50 if quick else 250)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
