"""Better, worse, no different, or can't tell: from pairs of trials; and all that a diff says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from handoff_evals.changes import Change, NotSeen
from handoff_evals.comparison.flips import Flip, paired_decisions
from handoff_evals.results import TrialResult
from handoff_evals.stats import (
    Pairs,
    Ruling,
    e_either,
    e_worse,
    holm,
    largest_regression,
    mcnemar,
    rule,
)

Verdict = Literal["regressed", "improved", "no larger difference", "can't tell"]
_WORDS: Mapping[Ruling, Verdict] = {
    Ruling.REGRESSED: "regressed",
    Ruling.IMPROVED: "improved",
    Ruling.NO_LARGER: "no larger difference",
}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a verdict has to hold to."""

    alpha: float = 0.05
    """The chance of a false one."""
    margin: float = 0.1
    """The share of scenarios that one would accept to lose."""
    fixed: bool = False
    """Everything is held and looked at once, at the end."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The verdict on all, on a suite, or on an edge. Its pairs are scenarios."""

    name: str
    verdict: Verdict
    worse: int
    """Scenarios that passed more often on side a."""
    better: int
    same: int
    e_worse: float
    """How many times as much as its stake a bet on "worse" has won: 20 is 1 in 20."""
    e_better: float
    largest_regression: float
    """The share of scenarios lost that can't be ruled out, whenever one looks."""
    p: float | None = None
    """Two-sided, adjusted for how many parts stand beside each other; None where the
    e-values decide."""


def collapse(trials: Iterable[tuple[bool, bool]]) -> tuple[bool, bool] | None:
    """Make one pair of a scenario's trials: which side passed more often.

    Args:
        trials: whether a and b passed, a pair of scored trials each.

    Returns:
        None where there are none.
    """
    found = list(trials)
    if not found:
        return None
    passed_a, passed_b = sum(a for a, _ in found), sum(b for _, b in found)
    if passed_a == passed_b:
        # Both: which of the two it is says nothing about a difference.
        return True, True
    return passed_a > passed_b, passed_b > passed_a


def counted(pairs: Iterable[tuple[bool, bool] | None], *, begin: Pairs | None = None) -> Pairs:
    """Add scenarios that were collapsed to those of before; what is None is no pair."""
    total = begin or Pairs()
    for pair in pairs:
        if pair is not None:
            total = total.after(baseline=pair[0], candidate=pair[1])
    return total


def look(pairs: Pairs, *, remaining: int, out_of_reach: int, terms: Terms) -> Ruling:
    """Look once more.

    Args:
        pairs: the scenarios that were held.
        remaining: how many are still to be held.
        out_of_reach: how many are the same for certain. They stand behind those that are
            held, and count when these are through, or could no more change the verdict.
        terms: what the verdict has to hold to.

    Returns:
        Anything but CONTINUE is the end.
    """

    def at(seen: Pairs, left: int = 0) -> Ruling:
        return rule(seen, left, alpha=terms.alpha, margin=terms.margin)

    ended = replace(pairs, same=pairs.same + out_of_reach)
    if terms.fixed or not remaining:
        return Ruling.CONTINUE if remaining else at(ended)
    now = at(pairs, remaining)
    if now not in {Ruling.CONTINUE, Ruling.FUTILE}:
        return now
    at_worst = at(replace(ended, worse=ended.worse + remaining))
    at_best = at(replace(ended, better=ended.better + remaining))
    return at(ended) if at_worst is at_best is Ruling.FUTILE else Ruling.CONTINUE


def part(name: str, pairs: Pairs, *, terms: Terms) -> Part:
    """The verdict on all pairs, by the test that `terms` allow.

    McNemar's finds more, but only once, at the end; the sequential one may be looked at
    whenever one likes.
    """
    if terms.fixed:
        p = mcnemar(pairs.worse, pairs.better)
        return _part(name, pairs, _verdict(pairs, p, terms), p, terms)
    ruling = rule(pairs, 0, alpha=terms.alpha, margin=terms.margin)
    return _part(name, pairs, _WORDS.get(ruling, "can't tell"), None, terms)


def parts(by_name: Mapping[str, Pairs], *, terms: Terms) -> tuple[Part, ...]:
    """Verdicts that stand beside each other, their p-values adjusted by Holm.

    McNemar's where everything was held. Where the pairs decided when to stop, that would
    raise false alarms; there it is one over the two-sided e-value, which does not.
    """
    raw = [
        mcnemar(pairs.worse, pairs.better)
        if terms.fixed
        else min(1.0, 1 / e_either(pairs.worse, pairs.better))
        for pairs in by_name.values()
    ]
    adjusted = holm(raw)
    return tuple(
        _part(name, pairs, _verdict(pairs, p, terms), p, terms)
        for (name, pairs), p in zip(by_name.items(), adjusted, strict=True)
    )


def by_edge(scenarios: Iterable[Sequence[tuple[TrialResult, TrialResult]]]) -> Mapping[str, Pairs]:
    """Count scenarios for each edge: on which side its decisions were correct more often.

    Args:
        scenarios: the pairs of scored trials of each scenario.
    """
    total: dict[str, Pairs] = {}
    for trials in scenarios:
        found: dict[str, list[tuple[bool, bool]]] = {}
        for a, b in trials:
            for edge, one, two in paired_decisions(a, b):
                both = one.outcome == "correct", two.outcome == "correct"
                found.setdefault(edge, []).append(both)
        for edge, outcomes in found.items():
            total[edge] = counted([collapse(outcomes)], begin=total.get(edge, Pairs()))
    return dict(sorted(total.items()))


def _verdict(pairs: Pairs, p: float, terms: Terms) -> Verdict:
    if p <= terms.alpha:
        return "regressed" if pairs.worse > pairs.better else "improved"
    bounded = largest_regression(pairs, terms.alpha) < terms.margin
    return "no larger difference" if bounded else "can't tell"


def _part(name: str, pairs: Pairs, verdict: Verdict, p: float | None, terms: Terms) -> Part:
    return Part(
        name=name,
        verdict=verdict,
        worse=pairs.worse,
        better=pairs.better,
        same=pairs.same,
        e_worse=e_worse(pairs.worse, pairs.better),
        e_better=e_worse(pairs.better, pairs.worse),
        largest_regression=largest_regression(pairs, terms.alpha),
        p=p,
    )


SCHEMA = 1
Stopped = Literal["all held", "clear", "futile", "no answers", "nothing changed"]


@dataclass(frozen=True, kw_only=True)
class SideRecord:
    """One side: where its agents came from, and what it cost."""

    name: str
    """A commit, `the working tree`, a run's folder or a baseline file."""
    asked: int = 0
    """Requests that a model answered."""
    replayed: int = 0
    """Requests that a cassette answered."""
    folder: str | None = None
    """The run folder that holds its trials."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which scenarios there were, and which of them were held."""

    reached: int
    """Those that meet a change when they are held as expected."""
    may_be_reached: int
    out_of_reach: int
    """They come out the same on both sides, and are not held but for `--fixed`."""
    held: int
    """Of the first two, and of all with `--fixed`."""
    pairs: int
    """Pairs of trials that were held."""
    unscored: Mapping[str, int]
    """Pairs of which one trial or both are unscored, by cause; they count nowhere."""
    spared: int
    """Requests of what was not held, going by the rehearsals."""
    untouched: tuple[str, ...] = ()
    """Suites that nothing changed for: they count nowhere."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Side b, measured against side a."""

    a: SideRecord
    b: SideRecord
    model: str
    terms: Terms
    overall: Part
    suites: tuple[Part, ...]
    edges: tuple[Part, ...]
    changes: tuple[Change, ...]
    not_seen: tuple[NotSeen, ...]
    flips: tuple[Flip, ...]
    scope: Scope
    stopped: Stopped
    seconds: float
    looked_at: bool = True
    """Whether both sides are code, so that `changes` and `not_seen` could be found."""
    notes: tuple[str, ...] = ()
    schema: int = SCHEMA

    @property
    def regressed(self) -> tuple[Part, ...]:
        """Everything that regressed for sure."""
        every = (self.overall, *self.suites, *self.edges)
        return tuple(part for part in every if part.verdict == "regressed")

    @property
    def unscored(self) -> float:
        """The share of pairs that nobody can be judged by."""
        scope = self.scope
        return sum(scope.unscored.values()) / scope.pairs if scope.pairs else 0.0
