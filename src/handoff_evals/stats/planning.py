"""What a suite can show, and what would let it show more: trials or scenarios.

The mean difference over scenarios moves from run to run for two reasons. Repeating a trial
gives another answer (the model): more trials average that out. And another draw of
scenarios has another mean (the scenarios): only more scenarios average that out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, comb, log, sqrt
from statistics import fmean, variance
from typing import Final, Literal

from scipy.optimize import brentq
from scipy.special import ndtri

from handoff_evals.stats.repeats import TrialPairs

Basis = Literal["these scenarios", "scenarios like these"]
_MOST_SCENARIOS: Final = 10_000
_MOST_TRIALS: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """The variance of one scenario's difference, in its two parts.

    Attributes:
        model: Of a single pair of trials about its scenario's mean, in [0, 2]; the
            difference of n pairs has this over n.
        scenarios: Of the scenarios' own mean differences, in [0, 1].
    """

    model: float
    scenarios: float

    def of(self, trials: int) -> float:
        """The variance of a scenario's difference, seen in so many pairs of trials."""
        return self.scenarios + self.model / trials


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """How to be able to see a loss of a given size.

    Attributes:
        more: What to add: the one that takes fewer calls; `nothing` where it can be seen
            already, `neither` where no number that anybody would run is enough.
        scenarios: How many in all at the same trials; None where none is enough.
        trials: How many of each scenario at the same scenarios; None where none is enough.
    """

    more: Literal["nothing", "trials", "scenarios", "neither"]
    scenarios: int | None
    trials: int | None


def spread(pairs: Sequence[TrialPairs]) -> Spread | None:
    """Split what was seen into the model's part and the scenarios'.

    Args:
        pairs: One a scenario. Only pairs of which both trials are scored count, and only
            scenarios with two of these or more.

    Returns:
        None with fewer than two such scenarios: with single trials, nobody can tell the two
        apart.
    """
    found = [
        [
            float(other) - float(one)
            for one, other in zip(each.a, each.b, strict=True)
            if one is not None and other is not None
        ]
        for each in pairs
    ]
    repeated = [each for each in found if len(each) > 1]
    if len(repeated) < 2:  # noqa: PLR2004 - the variance of one scenario's mean is unknown
        return None
    within = [variance(each) for each in repeated]
    noise = fmean(value / len(each) for value, each in zip(within, repeated, strict=True))
    between = variance(fmean(each) for each in repeated) - noise
    return Spread(model=fmean(within), scenarios=max(0.0, between))


def expected_spread(pass_rate: float) -> Spread:
    """The spread of two sides that do not differ, before anything was run.

    Args:
        pass_rate: The share of trials that one expects to pass, in [0, 1].

    Raises:
        ValueError: a rate outside [0, 1].
    """
    if not 0 <= pass_rate <= 1:
        raise ValueError(f"pass_rate is {pass_rate!r}; give a share from 0 to 1, as 0.9")
    return Spread(model=2 * pass_rate * (1 - pass_rate), scenarios=0.0)


def smallest_loss(
    scenarios: int,
    trials: int,
    noise: Spread,
    *,
    level: float = 0.025,
    power: float = 0.8,
    basis: Basis = "these scenarios",
) -> float | None:
    """The smallest loss that would be found with this power.

    A loss of a tenth is a tenth of the scenarios that passed before and now fail in every
    trial; it is found where it stands out from what the others do by chance.

    Args:
        scenarios: How many there are.
        trials: Of each scenario and side.
        noise: What the differences do by chance.
        level: The chance of a false alarm in one direction. With several comparisons that
            stand beside each other, divide it by their number.
        power: The chance with which the loss shall be found, in [0.5, 1).
        basis: Whether the trials of these scenarios decide, or the interval for scenarios
            like these.

    Returns:
        A share of scenarios in (0, 1], or None: not even the largest loss would be found.

    Raises:
        ValueError: no scenario or trial, or a power outside [0.5, 1).

    Source: Connor (1987), Sample size for testing differences in proportions for the
    paired-sample design, Biometrics 43:207-211, for several trials. Held against the power
    of the verdicts in `benchmarks/verdicts.py`.
    """
    if scenarios < 1 or trials < 1:
        raise ValueError(f"{scenarios!r} scenarios, {trials!r} trials: give 1 or more of each")
    if not 0.5 <= power < 1:  # noqa: PLR2004 - below a half, chance finds more than the test
        raise ValueError(f"power is {power!r}; give a chance from 0.5 up to 1, as 0.8")
    alarm, found = -float(ndtri(level)), float(ndtri(power))
    these = basis == "these scenarios"
    # What a scenario that broke adds to the noise that the test sees: all of it where only
    # scenarios are compared, and else what its trials would do if nothing had changed.
    broken = 1 / (2 * trials - 1) if these else 1.0
    seen = noise.model / trials + (0.0 if these else noise.scenarios)
    # So many more worse than better scenarios, as far as a normal distribution goes ...
    needed = (
        alarm**2 * broken + sqrt((alarm**2 * broken) ** 2 + 4 * alarm**2 * scenarios * seen)
    ) / 2
    # ... and where nothing else differs, so many as their trials make improbable.
    one = log(comb(2 * trials, trials)) if these else log(2)
    fewest = ceil(alarm**2) if these and trials == 1 else ceil(-log(level) / one)
    needed = max(needed, fewest - 0.5)

    def surplus(loss: float) -> float:
        chance = found * sqrt(scenarios * (1 - loss) * (noise.of(trials) + loss))
        return scenarios * loss - needed - chance

    return float(brentq(surplus, 1e-9, 1)) if surplus(1.0) >= 0 else None


def advise(
    scenarios: int,
    trials: int,
    noise: Spread,
    *,
    loss: float,
    level: float = 0.025,
    basis: Basis = "these scenarios",
) -> Advice:
    """What to add so that a loss of this size would be found 4 times in 5.

    Args:
        scenarios: How many there are.
        trials: Of each scenario and side.
        noise: What the differences do by chance.
        loss: The share of scenarios whose loss shall be found, in (0, 1).
        level: As in `smallest_loss`.
        basis: As in `smallest_loss`.
    """

    def enough(number: int, each: int) -> bool:
        found = smallest_loss(number, each, noise, level=level, basis=basis)
        return found is not None and found <= loss

    if enough(scenarios, trials):
        return Advice(more="nothing", scenarios=scenarios, trials=trials)
    more_scenarios = _least(lambda number: enough(number, trials), scenarios, _MOST_SCENARIOS)
    more_trials = _least(lambda number: enough(scenarios, number), trials, _MOST_TRIALS)
    if more_scenarios is None and more_trials is None:
        return Advice(more="neither", scenarios=None, trials=None)
    by_trials = more_scenarios is None or (
        more_trials is not None and scenarios * more_trials <= more_scenarios * trials
    )
    return Advice(
        more="trials" if by_trials else "scenarios", scenarios=more_scenarios, trials=more_trials
    )


def _least(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest number above `low` that is enough, if any up to `high` is."""
    if high <= low or not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
