"""How often a verdict is false, and how often it finds what was lost, by simulation.

`python benchmarks/verdicts.py` takes some eight minutes on two cores, `--quick` one. Every
verdict is `handoff_evals.stats.assess`, as `diff` and the baseline call it. A false
`regressed` or `improved` may come up in 2.5% of the comparisons of two sides that do not
differ, a false `no difference larger than the margin` in 5% of those that lost the margin.
Cells beyond that by more than three Monte-Carlo errors are marked and named at the end.

Scenarios are drawn anew for each comparison, and from these kinds:

- stable: nearly all pass in 99% of their trials;
- mixed: half always pass, half in 30% to 90%;
- flaky: all in 30% to 90%;
- difficulty: beta-binomial item difficulty, as in Miller (2024), Adding error bars to evals,
  arXiv 2411.00640;
- tau: beta-binomial with the pass^1 of 0.61 and the pass^8 of about 0.25 that Yao et al.
  (2024), tau-bench, arXiv 2406.12045, report of gpt-4o in retail.
"""

import argparse
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from handoff_evals.stats import (
    Spread,
    Terms,
    TrialPairs,
    Verdict,
    assess,
    identical_trials,
    mean_interval,
    smallest_loss,
)
from handoff_evals.stats.assessment import RUN_ALL

Floats = NDArray[np.float64]
TERMS: Final = Terms()
FALSE: Final[dict[str, tuple[Verdict, float]]] = {
    "regressed": ("regressed", 0.025),
    "improved": ("improved", 0.025),
    "no larger": ("no difference larger than the margin", 0.05),
}
KINDS: Final = ("stable", "mixed", "flaky", "difficulty", "tau")
_EVERY: Final = 20
"""Scenarios between two looks, where one may look; `diff` looks after each."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One kind of comparison, drawn many times."""

    scenarios: int
    trials: int
    kind: str
    truth: str
    times: int
    unscored: str = "neither"
    """Of which side each failure is unscored with a chance of one half."""
    baseline_trials: int = 0
    """Where the baseline has another number of trials."""
    copies: bool = False
    """Temperature 0: each side's trials of a scenario repeat the first."""

    @property
    def name(self) -> str:
        """What tells it from others in a list."""
        parts = [f"N={self.scenarios}", f"T={self.trials}", self.kind, self.truth]
        parts += [f"{self.unscored} unscored"] if self.unscored != "neither" else []
        parts += [f"{self.baseline_trials} of the baseline"] if self.baseline_trials else []
        parts += ["temperature 0"] if self.copies else []
        return ", ".join(parts)


def pass_rates(kind: str, lots: np.random.Generator, scenarios: int) -> Floats:
    """How often each scenario passes."""
    match kind:
        case "always":
            return np.ones(scenarios)
        case "stable":
            return np.full(scenarios, 0.99)
        case "mixed":
            flaky = lots.uniform(0.3, 0.9, scenarios)
            return np.where(lots.random(scenarios) < 0.5, 1.0, flaky)
        case "flaky":
            return lots.uniform(0.3, 0.9, scenarios)
        case "difficulty":
            return lots.beta(2.0, 0.5, scenarios)
    return lots.beta(1.05, 0.66, scenarios)


def candidate(truth: str, rates: Floats, lots: np.random.Generator) -> tuple[Floats, Floats]:
    """How often each scenario passes on both sides, under such a truth."""
    scenarios = len(rates)
    match truth:
        case "nothing changed":
            return rates, rates
        case "a tenth lost":
            # The mean loss is a tenth, of all scenarios that could be drawn.
            broken = lots.random(scenarios) < 0.1
            return np.where(broken, 1.0, rates), np.where(broken, 0.0, rates)
        case "a tenth lost by all":
            return np.maximum(rates, 0.1), np.maximum(rates, 0.1) - 0.1
        case "20% of any broken":
            # Flaky ones too: that many scenarios fail in every trial from now on.
            return rates, np.where(np.arange(scenarios) < round(0.2 * scenarios), 0.0, rates)
        case "15% broken" | "20% broken":
            # That many scenarios passed in every trial and now fail in every one.
            exactly = truth == "20% broken"
            broken = (
                np.arange(scenarios) < round(0.2 * scenarios)
                if exactly
                else lots.random(scenarios) < 0.15
            )
            return np.where(broken, 1.0, rates), np.where(broken, 0.0, rates)
    lost, mended = np.split(lots.permutation(scenarios)[: 2 * (scenarios // 10)], 2)
    a, b = rates.copy(), rates.copy()
    a[lost], b[lost], a[mended], b[mended] = 1.0, 0.0, 0.0, 1.0
    return a, b


def draw(cell: Cell, lots: np.random.Generator) -> tuple[list[TrialPairs], bool]:
    """One comparison, and whether its trials are copies."""
    rates = pass_rates(cell.kind, lots, cell.scenarios)
    sides = []
    for side, share in zip("ab", candidate(cell.truth, rates, lots), strict=True):
        number = cell.baseline_trials or cell.trials if side == "a" else cell.trials
        passed = lots.random((cell.scenarios, number)) < share[:, None]
        if cell.copies:
            passed = np.repeat(passed[:, :1], number, axis=1)
        lost = lots.random(passed.shape) < (0.5 if cell.unscored in {side, "both"} else 0.0)
        sides.append(
            [
                {
                    n: None if gone and not ok else ok
                    for n, (ok, gone) in enumerate(zip(*each, strict=True))
                }
                for each in zip(passed.tolist(), lost.tolist(), strict=True)
            ]
        )
    pairs = [TrialPairs.by_number(a, b) for a, b in zip(*sides, strict=True)]
    # At temperature 0 transcripts are the same in every trial, otherwise in hardly any.
    digests = [
        [f"{index}" if cell.copies else f"{index} {number}" for number in each]
        for index, each in enumerate(sides[1])
    ]
    order = lots.permutation(cell.scenarios).tolist()
    shuffled = [pairs[index] for index in order]
    return [each for each in shuffled if each is not None], identical_trials(digests)


def verdict(pairs: list[TrialPairs], *, identical: bool) -> tuple[Verdict, int]:
    """The verdict of one comparison, and how many scenarios it took."""
    planned = len(pairs)
    looks = range(_EVERY, planned, _EVERY) if planned > RUN_ALL else ()
    for seen in (*looks, planned):
        found = assess(pairs[:seen], TERMS, planned=planned, identical=identical).verdict
        if found != "can't tell":
            return found, seen
    return found, planned


def simulate(cell: Cell) -> tuple[Cell, Counter[str], float]:
    """How often each verdict comes up, and the mean number of scenarios that were run."""
    lots = np.random.default_rng(zlib.crc32(cell.name.encode()))
    verdicts: Counter[str] = Counter()
    run = 0
    for _ in range(cell.times):
        pairs, identical = draw(cell, lots)
        found, seen = verdict(pairs, identical=identical)
        verdicts[found] += 1
        run += seen
    return cell, verdicts, run / cell.times


def cells(times: int) -> Iterator[tuple[str, str, list[Cell]]]:
    """The tables: a title, what is false (or `power`), and the cells."""

    def each(truth: str, share: float, kinds: tuple[str, ...] = KINDS) -> list[Cell]:
        return [
            Cell(
                scenarios=n,
                trials=trials,
                kind=kind,
                truth=truth,
                times=max(20, round(times * share * (0.2 if n > RUN_ALL else 1))),
            )
            for kind in kinds
            for n in (20, 40, 60, 200)
            for trials in (1, 3, 5)
        ]

    yield "Nothing changed", "regressed improved", each("nothing changed", 1)
    yield "A tenth of the scenarios broken", "improved, no larger", each("a tenth lost", 0.5)
    yield (
        "Every scenario passes a tenth less often",
        "improved, no larger",
        each("a tenth lost by all", 0.3, ("mixed", "difficulty")),
    )
    yield (
        "A tenth broken and a tenth mended",
        "improved",
        each("as many mended", 0.3, ("stable", "mixed")),
    )
    odd = [
        Cell(scenarios=n, trials=t, kind=kind, truth=truth, times=round(times * 0.5), **more)
        for truth in ("nothing changed", "a tenth lost")
        for kind in ("mixed", "difficulty")
        for n in (20, 60)
        for t, more in (
            (3, {"copies": True}),
            (1, {"unscored": "a"}),
            (3, {"unscored": "a"}),
            (1, {"unscored": "b"}),
            (3, {"unscored": "b"}),
            (3, {"unscored": "both"}),
            (1, {"baseline_trials": 10}),
            (3, {"baseline_trials": 5}),
        )
    ]
    yield "Temperature 0, half of the failures unscored, unequal trials", "all", odd
    yield (
        "20% of the scenarios broken (wanted with three trials: 0.67, 0.90, 0.97)",
        "power",
        each("20% broken", 0.15),
    )
    yield (
        "20% of the scenarios broken, flaky ones among them",
        "power",
        each("20% of any broken", 0.15, ("mixed", "difficulty", "tau")),
    )
    alone = [
        Cell(scenarios=n, trials=1, kind="always", truth="15% broken", times=times)
        for n in (20, 40, 60)
    ]
    yield "15% broken and nothing else differs (wanted: 0.17, 0.74, 0.96)", "power", alone


def show(title: str, false: str, found: list[tuple[Cell, Counter[str], float]]) -> list[str]:
    """Print one table; the cells that are beyond what is promised."""
    print(f"\n{title}")
    print(
        f"{'kind':12s} {'N':>4s} {'T':>2s} {'regressed':>9s} {'improved':>9s} {'no larger':>9s} "
        f"{'open':>6s} {'error':>6s} {'run':>6s}"
    )
    beyond = []
    for cell, verdicts, run in found:
        shares = {name: verdicts[word] / cell.times for name, (word, _) in FALSE.items()}
        wrong = [name for name in shares if is_false(name, cell, false)]
        marks = ""
        for name in wrong:
            limit = FALSE[name][1]
            if shares[name] > limit + 3 * sqrt(limit * (1 - limit) / cell.times):
                marks += f"  {name}!"
                beyond.append(f"{cell.name}: {name} in {shares[name]:.3f} of {cell.times}")
        extra = cell.name.split(", ")[4:]
        print(
            f"{cell.kind:12s} {cell.scenarios:4d} {cell.trials:2d} {shares['regressed']:9.3f} "
            f"{shares['improved']:9.3f} {shares['no larger']:9.3f} "
            f"{verdicts[CANT] / cell.times:6.3f} {sqrt(0.025 * 0.975 / cell.times):6.3f} "
            f"{run:6.1f}  {', '.join([cell.truth, *extra]) if false == 'all' else ''}{marks}"
        )
    return beyond


CANT: Final = "can't tell"


def is_false(name: str, cell: Cell, false: str) -> bool:
    """Whether this verdict is a false one under the truth of this cell."""
    if false == "power":
        return False
    if false == "all":
        lost = cell.truth != "nothing changed"
        return name in ({"improved", "no larger"} if lost else {"regressed", "improved"})
    return name in false


def coverage(times: int) -> list[str]:
    """The interval of a mean over scenarios, where it has it hardest."""
    lots = np.random.default_rng(11)
    print("\nCoverage of the mean over scenarios (0.95 promised)")
    beyond = []

    def long_and_hard(n: int) -> tuple[Floats, float]:
        """A tenth of the scenarios have ten decisions and are right in 30%, others one in 95%."""
        hard = lots.random(n) < 0.1
        right = np.where(hard, lots.binomial(10, 0.3, n) / 10, lots.random(n) < 0.95)
        return right, 0.1 * 0.3 + 0.9 * 0.95

    def by_chance(n: int) -> tuple[Floats, float]:
        """Any distribution over fifths, a few of them rare."""
        values = np.arange(6) / 5
        shares = lots.dirichlet(np.full(6, 0.3))
        return lots.choice(values, size=n, p=shares), float(values @ shares)

    draws: dict[str, Callable[[int], tuple[Floats, float]]] = {
        "a tenth long and hard": long_and_hard,
        "any shares of fifths": by_chance,
    }
    for title, drawn in draws.items():
        for n in (5, 20, 60, 200):
            covered = 0
            for _ in range(times):
                values, truth = drawn(n)
                found = mean_interval(values.astype(np.float64).tolist())
                covered += found.low - 1e-9 <= truth <= found.high + 1e-9
            share = covered / times
            error = sqrt(0.05 * 0.95 / times)
            mark = "  !" if share < 0.95 - 3 * error else ""
            print(f"{title:24s} N={n:<4d} {share:6.3f} (error {error:.3f}){mark}")
            if mark:
                beyond.append(f"{title}, N={n}: covered in {share:.3f}")
    return beyond


def sensitivity(times: int) -> None:
    """Does `regressed` find what `smallest_loss` says it would, 4 times in 5?"""
    lots = np.random.default_rng(12)
    print("\nsmallest_loss at 80% power, and how often the verdict finds that loss")
    for n in (20, 40, 60):
        for trials in (1, 3):
            for rate in (1.0, 0.95, 0.8):
                noise = Spread(model=2 * rate * (1 - rate), scenarios=0.0)
                loss = smallest_loss(n, trials, noise, level=0.02)
                if loss is None:
                    print(f"N={n:<3d} T={trials} pass rate {rate:4.2f}: none")
                    continue
                found = 0
                for _ in range(times):
                    broken = lots.random(n) < loss
                    a = lots.random((n, trials)) < np.where(broken, 1, rate)[:, None]
                    b = lots.random((n, trials)) < np.where(broken, 0, rate)[:, None]
                    pairs = [
                        TrialPairs(a=tuple(one), b=tuple(other))
                        for one, other in zip(a.tolist(), b.tolist(), strict=True)
                    ]
                    found += assess(pairs, TERMS).verdict == "regressed"
                print(
                    f"N={n:<3d} T={trials} pass rate {rate:4.2f}: {loss:.3f}, {found / times:.2f}"
                )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the draws")
    times = 150 if parser.parse_args().quick else 600
    started = time.perf_counter()
    beyond: list[str] = []
    with ProcessPoolExecutor(2) as pool:
        for title, false, found in cells(times):
            beyond += show(title, false, list(pool.map(simulate, found)))
    beyond += coverage(2 * times)
    sensitivity(times // 5)
    print(f"\nBeyond what is promised: {'; '.join(beyond) or 'nothing'}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
