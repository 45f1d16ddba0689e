"""What repeated trials of one scenario say about k trials of it, and about their model.

The estimates are unbiased, unlike the k-th power of the share: they average over all ways
to choose k of the n trials that were run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Final

from handoff_evals.stats.bounded_mean import mean_interval
from handoff_evals.stats.intervals import Interval

# Servers that batch requests make a trial differ now and then at temperature 0 too.
_IDENTICAL: Final = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Tries:
    """How often one scenario was tried.

    Attributes:
        passed: Trials that passed.
        failed: Trials that failed.
        unscored: Trials that nobody can be judged by.

    Raises:
        ValueError: a negative count.
    """

    passed: int
    failed: int
    unscored: int = 0

    def __post_init__(self) -> None:
        if min(self.passed, self.failed, self.unscored) < 0:
            raise ValueError(f"{self!r} holds a negative count; give 0 or more of each")

    @property
    def scored(self) -> int:
        """Trials that count."""
        return self.passed + self.failed


@dataclass(frozen=True, kw_only=True, slots=True)
class PassHatK:
    """The chance that all of k trials pass, over scenarios.

    Attributes:
        k: How many trials shall all pass.
        interval: The mean over scenarios; its bounds count what is unscored against and
            for the model.
        scenarios: Scenarios with at least k scored trials; the value is their mean.
        short: Scenarios that were tried k times or more, but have fewer scored trials.
        unscored: Unscored trials, of all scenarios that count.
    """

    k: int
    interval: Interval
    scenarios: int
    short: int
    unscored: int


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of k trials passes.

    Args:
        n: Trials that were scored.
        c: Trials that passed.
        k: Trials to choose, 1 to n.

    Raises:
        ValueError: more passes or choices than trials.

    Source: Chen et al. (2021), Evaluating large language models trained on code,
    equation 1.
    """
    _check(n, c, k)
    return 1 - comb(n - c, k) / comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float:
    """The chance that all of k trials pass: what a caller who calls k times feels.

    Args:
        n: Trials that were scored.
        c: Trials that passed.
        k: Trials to choose, 1 to n.

    Raises:
        ValueError: more passes or choices than trials.

    Source: Yao et al. (2024), tau-bench, section 3, where it is written pass^k.
    """
    _check(n, c, k)
    return comb(c, k) / comb(n, k)


def pass_hat_k_interval(
    tries: Sequence[Tries], k: int, confidence: float = 0.95
) -> PassHatK | None:
    """pass^k with an interval over scenarios, and what it leaves out by name.

    Args:
        tries: One a scenario. Those with fewer than k trials in all tell nothing of k.
        k: How many trials shall all pass, at least 1.
        confidence: The share of such intervals that shall cover the truth.

    Returns:
        None where no scenario has k scored trials.

    Raises:
        ValueError: k below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k!r}; give a number of trials, 1 or more")
    tried = [each for each in tries if each.scored + each.unscored >= k]
    full = [each for each in tried if each.scored >= k]
    if not full:
        return None
    counts = [(each.scored + each.unscored, each.passed, each.unscored) for each in tried]
    return PassHatK(
        k=k,
        interval=mean_interval(
            [pass_hat_k(each.scored, each.passed, k) for each in full],
            confidence=confidence,
            missing=(
                [pass_hat_k(n, passed, k) for n, passed, _ in counts],
                [pass_hat_k(n, passed + unscored, k) for n, passed, unscored in counts],
            ),
        ),
        scenarios=len(full),
        short=len(tried) - len(full),
        unscored=sum(each.unscored for each in tried),
    )


def identical_trials(digests: Iterable[Sequence[str]]) -> bool:
    """Whether repeating a trial repeats its answers, as at temperature 0.

    Trials that are copies are no evidence beyond the first: counted each, an edit that
    changes nothing looks significant in 15% to 30% of comparisons.

    Args:
        digests: For each scenario, one string a scored trial that is the same only where
            the trials are (of the transcript; of the outcomes where there is no other).

    Returns:
        True where nine in ten scenarios or more with two trials are the same in all of
        them; False where no scenario has two.
    """
    repeated = [len(set(found)) == 1 for found in digests if len(found) > 1]
    return bool(repeated) and sum(repeated) >= _IDENTICAL * len(repeated)


def _check(n: int, c: int, k: int) -> None:
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(
            f"n={n!r}, c={c!r}, k={k!r}: give 0 <= c <= n and 1 <= k <= n "
            "(a scenario with fewer than k scored trials has no such estimate)"
        )
