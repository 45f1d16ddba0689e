"""What repeated trials of one scenario say about k trials of it, and about their model.

The estimates are unbiased, unlike the k-th power of the share: they average over all ways
to choose k of the n trials that were run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from statistics import fmean
from typing import Final, Literal

from handoff_evals.stats.bounded_mean import Interval, mean_interval

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


Outcome = bool | None
Way = Literal["worse", "better", "same", "unscored"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPairs:
    """The trials of one scenario; those at the same place are a pair.

    Attributes:
        a: The baseline's outcomes, at least one.
        b: The candidate's, as many.

    Raises:
        ValueError: no trial, or not as many on both sides.
    """

    a: tuple[Outcome, ...]
    b: tuple[Outcome, ...]

    def __post_init__(self) -> None:
        if not self.a or len(self.a) != len(self.b):
            raise ValueError(
                f"{len(self.a)!r} and {len(self.b)!r} trials make no pairs; give as many of each "
                "side, at least one"
            )

    @classmethod
    def by_number(cls, a: Mapping[int, Outcome], b: Mapping[int, Outcome]) -> "TrialPairs | None":
        """Pair trials by their numbers; a number that only one side has is left out.

        Where the numbers of trials differ, more trials of one side would make it look
        steadier than the other: ten against one raises false alarms of 10% to 31% in a
        test of signs.

        Returns:
            None where no number is on both sides.
        """
        both = sorted(a.keys() & b.keys())
        if not both:
            return None
        return cls(a=tuple(a[number] for number in both), b=tuple(b[number] for number in both))

    @property
    def trials(self) -> int:
        """Pairs of trials."""
        return len(self.a)

    @property
    def unscored(self) -> int:
        """Pairs of which one trial or both are unscored."""
        return sum(one is None or other is None for one, other in zip(self.a, self.b, strict=True))

    @property
    def difference(self) -> float | None:
        """The candidate's share of passes minus the baseline's, of the scored trials.

        None where a side has none.
        """
        a = [each for each in self.a if each is not None]
        b = [each for each in self.b if each is not None]
        return fmean(b) - fmean(a) if a and b else None

    @property
    def way(self) -> Way:
        """Which side passed more often."""
        difference = self.difference
        if difference is None:
            return "unscored"
        return "worse" if difference < 0 else "better" if difference > 0 else "same"

    @property
    def at_worst(self) -> float:
        """The difference if the missing trials had come out against the candidate."""
        return fmean(each is True for each in self.b) - fmean(each is not False for each in self.a)

    @property
    def at_best(self) -> float:
        """The difference if the missing trials had come out in the candidate's favour."""
        return fmean(each is not False for each in self.b) - fmean(each is True for each in self.a)

    @property
    def in_favour(self) -> tuple[int, int]:
        """Passes of a and b as a test for losses counts them, for the candidate.

        A pair without any score says nothing of a loss: both count as failed.
        """
        a = sum(each is True for each in self.a)
        pairs = zip(self.a, self.b, strict=True)
        b = sum(other is True or (other is None and one is not None) for one, other in pairs)
        return a, b

    @property
    def against(self) -> tuple[int, int]:
        """Passes of a and b as a test for gains counts them, against the candidate."""
        return sum(each is not False for each in self.a), sum(each is True for each in self.b)

    @property
    def one_in_favour(self) -> tuple[int, int]:
        """As `in_favour`, with identical trials counted once.

        A baseline that failed once did not pass, and a candidate that passed once did not
        fail; with trials that are identical it is the same for all of them.
        """
        a = [each for each in self.a if each is not None]
        b = [each for each in self.b if each is not None]
        if not a and not b:
            return 0, 0
        return int(bool(a) and all(a)), int(not b or any(b))

    @property
    def one_against(self) -> tuple[int, int]:
        """As `against`, with identical trials counted once."""
        a = [each for each in self.a if each is not None]
        b = [each for each in self.b if each is not None]
        return int(not a or any(a)), int(bool(b) and all(b))

    @property
    def broken(self) -> bool:
        """Whether every trial of the baseline passed and none of the candidate's did.

        For certain: an unscored trial of either side makes it False.
        """
        return all(each is True for each in self.a) and all(each is False for each in self.b)
