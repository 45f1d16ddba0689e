"""From pairs of trials to one of four verdicts.

Two things are asked. Of *these* scenarios: did a candidate that is no worse in any of them
do this badly by chance? The trials within each scenario answer that. Of *scenarios like
these*: how large is the mean difference of their pass rates? An interval over scenarios
answers that. The verdict is

- `regressed` where the trials say that these scenarios got worse, or where the whole
  interval lies below zero;
- else `improved` where the whole interval lies above zero;
- else `no difference larger than the margin` where a loss of the margin is ruled out. It
  says nothing of gains: otherwise a candidate could pass by getting worse;
- else `can't tell`.

If nothing changed, at most 2.5% of comparisons say `regressed` and at most 2.5% say
`improved`; if the margin was lost, at most 5% rule that out (for alpha 0.05). Making any
trial of the candidate worse, or losing one that passed, never makes a verdict better.

Up to 60 scenarios, all are run before anything is said. Above, one may look after each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

from handoff_evals.stats.bounded_mean import Interval, lower_bound, mean_interval
from handoff_evals.stats.repeats import TrialPairs
from handoff_evals.stats.significance import (
    anytime_lower_bound,
    anytime_upper_bound,
    breakage_test,
    loss_evidence,
    sign_test,
    stratified_test,
)

Verdict = Literal["regressed", "can't tell", "no difference larger than the margin", "improved"]
VERDICTS: Final[tuple[Verdict, ...]] = (
    "regressed",
    "can't tell",
    "no difference larger than the margin",
    "improved",
)
"""From the worst to the best."""

RUN_ALL: Final = 60
"""Up to so many scenarios, all are run."""

# How the chance of a false "regressed" is spent: on the trials of all scenarios, on
# scenarios that broke for certain, and on the parts (suites, edges, checks) together.
ON_TRIALS: Final = 0.8
_ON_BROKEN: Final = 0.1
ON_PARTS: Final = 0.1
# Where one may stop early, the first is spent on the trials at the end, on the trials at any
# look, and on the interval at any look.
_AT_THE_END: Final = 0.4
_AT_A_LOOK: Final = 0.2
_BY_INTERVAL: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a verdict has to hold to.

    Attributes:
        alpha: The chance of a false one, half of it in each direction.
        margin: The share of scenarios that one would accept to lose.
        fixed: Everything is run and looked at once, at the end.

    Raises:
        ValueError: a share outside (0, 1).
    """

    alpha: float = 0.05
    margin: float = 0.1
    fixed: bool = False

    def __post_init__(self) -> None:
        for name, share in (("alpha", self.alpha), ("margin", self.margin)):
            if not 0 < share < 1:
                raise ValueError(f"{name} is {share!r}; give a share between 0 and 1")

    def looks(self, planned: int) -> bool:
        """Whether one may stop before all of so many scenarios are run."""
        return not self.fixed and planned > RUN_ALL


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """A verdict, and all that it rests on.

    Attributes:
        verdict: What can be said.
        scenarios: Scenarios that count, those that are the same for certain among them.
        worse: Those that the candidate passes less often.
        better: Those that it passes more often.
        same: Those that it passes as often.
        broken: Those that passed in every trial and now fail in every one, of several.
        unscored: Pairs of trials that nobody can be judged by.
        pairs: Pairs of trials, these among them.
        identical: Whether trials were copies of each other, and were counted once.
        difference: The mean difference of pass rates over scenarios, candidate minus
            baseline, with its interval; None where no scenario was scored on both sides.
        loss: The largest loss that is not ruled out, as a share of scenarios, at
            1 - alpha; negative where it surely rose.
        p_loss: The p-value of "no scenario got worse", from the trials.
        p_broken: The same, from the scenarios that broke; 1.0 with single trials.
        evidence: The e-value of the same, valid whenever one looks.
    """

    verdict: Verdict
    scenarios: int
    worse: int
    better: int
    same: int
    broken: int
    unscored: int
    pairs: int
    identical: bool
    difference: Interval | None
    loss: float
    p_loss: float
    p_broken: float
    evidence: float


def assess(
    pairs: Sequence[TrialPairs],
    terms: Terms,
    *,
    planned: int = 0,
    unchanged: int = 0,
    identical: bool = False,
) -> Assessment:
    """What can be said of the candidate from these scenarios.

    Args:
        pairs: The scenarios that were run so far, in an order that no result has a say in.
        terms: What the verdict has to hold to.
        planned: How many will be run in all, where one may stop before; leave it out at
            the end of a run that was not looked at before.
        unchanged: Further scenarios that come out the same on both sides for certain.
        identical: Whether trials are copies of each other (see `identical_trials`).
    """
    looking = terms.looks(planned)
    ended = len(pairs) >= planned
    side = terms.alpha / 2
    trials = Trials.of(pairs, identical=identical)
    difference, loss = _bounds(pairs, unchanged, terms, looking=looking)
    evidence = loss_evidence(trials.in_favour)
    lost = ended and (
        trials.p_loss <= side * (_AT_THE_END if looking else ON_TRIALS)
        or trials.p_broken <= side * _ON_BROKEN
    )
    lost |= looking and evidence * side * _AT_A_LOOK >= 1
    verdict: Verdict = "can't tell"
    if lost:
        verdict = "regressed"
    elif difference is not None and (ended or looking):
        if difference.high < 0:
            verdict = "regressed"
        elif difference.low > 0:
            verdict = "improved"
        elif loss < terms.margin:
            verdict = "no difference larger than the margin"
    ways = [each.way for each in pairs]
    return Assessment(
        verdict=verdict,
        scenarios=len(pairs) + unchanged,
        worse=ways.count("worse"),
        better=ways.count("better"),
        same=ways.count("same") + unchanged,
        broken=trials.broken,
        unscored=sum(each.unscored for each in pairs),
        pairs=sum(each.trials for each in pairs),
        identical=identical,
        difference=difference,
        loss=loss,
        p_loss=trials.p_loss,
        p_broken=trials.p_broken,
        evidence=evidence,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Trials:
    """Scenarios as the tests of trials take them: passes of a, of b, and trials a side.

    Attributes:
        in_favour: With what is missing counted in the candidate's favour.
        against: With what is missing counted against it.
        broken: Scenarios that went from all passed to none, in several trials.
        p_broken: What these say, see `breakage_test`.
    """

    in_favour: tuple[tuple[int, int, int], ...]
    against: tuple[tuple[int, int, int], ...]
    broken: int
    p_broken: float

    @classmethod
    def of(cls, pairs: Sequence[TrialPairs], *, identical: bool) -> "Trials":
        """Count the trials, or one of each scenario where they are copies."""
        if identical:
            return cls(
                in_favour=tuple((*each.one_in_favour, 1) for each in pairs),
                against=tuple((*each.one_against, 1) for each in pairs),
                broken=0,
                p_broken=1.0,
            )
        broken = sum(each.broken and each.trials > 1 for each in pairs)
        return cls(
            in_favour=tuple((*each.in_favour, each.trials) for each in pairs),
            against=tuple((*each.against, each.trials) for each in pairs),
            broken=broken,
            p_broken=breakage_test(broken, [each.trials for each in pairs]),
        )

    @property
    def p_loss(self) -> float:
        """The p-value of "no scenario got worse"."""
        return _p(self.in_favour)

    @property
    def p_gain(self) -> float:
        """The p-value of "no scenario got better"."""
        return _p([(b, a, trials) for a, b, trials in self.against])


def difference_of(
    pairs: Sequence[TrialPairs], *, unchanged: int = 0, confidence: float = 0.95
) -> Interval | None:
    """The mean difference of pass rates over scenarios like these, candidate minus baseline.

    Args:
        pairs: One a scenario; what is unscored widens the interval as far as it could.
        unchanged: Further scenarios that come out the same on both sides for certain.
        confidence: The share of such intervals that shall cover the truth.

    Returns:
        None where no scenario was scored on both sides.
    """
    scored, worst, best = _differences(pairs, unchanged)
    if not scored:
        return None
    return mean_interval(scored, least=-1.0, most=1.0, confidence=confidence, missing=(worst, best))


def _bounds(
    pairs: Sequence[TrialPairs], unchanged: int, terms: Terms, *, looking: bool
) -> tuple[Interval | None, float]:
    """The interval of the difference, and the largest loss that is not ruled out."""
    scored, worst, best = _differences(pairs, unchanged)
    if not looking:
        found = difference_of(pairs, unchanged=unchanged, confidence=1 - terms.alpha)
        return found, -lower_bound(worst, least=-1.0, level=terms.alpha)
    loss = -anytime_lower_bound(worst, least=-1.0, level=terms.alpha)
    if not scored:
        return None, loss
    value, outside = fmean(scored), terms.alpha / 2 * _BY_INTERVAL
    low = anytime_lower_bound(worst, least=-1.0, level=outside)
    high = anytime_upper_bound(best, most=1.0, level=outside)
    found = Interval(
        value=value,
        low=min(value, low),
        high=max(value, high),
        confidence=1 - 2 * outside,
        method="bounds by betting, valid at every look",
    )
    return found, loss


def _differences(
    pairs: Sequence[TrialPairs], unchanged: int
) -> tuple[list[float], list[float], list[float]]:
    """What was seen of each scenario that was scored, and all of them at worst and at best."""
    same = [0.0] * unchanged
    return (
        [found for each in pairs if (found := each.difference) is not None] + same,
        [each.at_worst for each in pairs] + same,
        [each.at_best for each in pairs] + same,
    )


def _p(passes: Sequence[tuple[int, int, int]]) -> float:
    if any(trials > 1 for _, _, trials in passes):
        return stratified_test(passes)
    worse = sum(a > b for a, b, _ in passes)
    better = sum(a < b for a, b, _ in passes)
    return sign_test(worse, better, len(passes))
