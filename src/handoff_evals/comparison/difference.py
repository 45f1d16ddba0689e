"""All that a diff says of two versions of the agents; every report is drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from handoff_evals.changes import Change, NotSeen
from handoff_evals.comparison.scenario_pairs import Flip, ScenarioPair, repeats_itself
from handoff_evals.comparison.verdict import (
    NO_LARGER,
    Part,
    by_part,
    next_step,
    parts,
    scenarios_like_these,
    these_scenarios,
    with_parts,
)
from handoff_evals.stats import Assessment, Terms, TrialPairs, Verdict, assess

SCHEMA = 2
UNCHANGED = "nothing that a model receives, and no code behind it, has changed"
Stopped = Literal["all run", "clear", "no answers", "nothing changed"]


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
    """Which scenarios there were, and which of them were run."""

    reached: int
    """Those that meet a change when they are run as expected."""
    may_be_reached: int
    out_of_reach: int
    """They come out the same on both sides, and are not run but for `--fixed`."""
    held: int
    """How many were run: of the first two, and of all with `--fixed`."""
    pairs: int
    """Pairs of trials that were run."""
    unscored: Mapping[str, int]
    """Pairs of which one trial or both are unscored, by cause."""
    spared: int
    """Requests of what was not run, going by the rehearsals."""
    untouched: tuple[str, ...] = ()
    """Suites that nothing changed for: they count nowhere."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the trials of both sides come to."""

    verdict: Verdict
    overall: Assessment
    parts: tuple[Part, ...]
    """Suites, edges and checks."""
    sentences: tuple[str, str]
    """What is certain of these scenarios, and what can be said of scenarios like these."""
    next_step: str
    """What could have been seen, and what would show more."""

    @property
    def regressed(self) -> tuple[Part, ...]:
        """The parts that regressed for sure."""
        return tuple(part for part in self.parts if part.verdict == "regressed")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Side b, measured against side a."""

    a: SideRecord
    b: SideRecord
    model: str
    terms: Terms
    judged: Judged
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
    def unscored(self) -> float:
        """The share of pairs that nobody can be judged by."""
        scope = self.scope
        return sum(scope.unscored.values()) / scope.pairs if scope.pairs else 0.0


def judge(
    pairs: Sequence[ScenarioPair],
    terms: Terms,
    *,
    planned: int,
    out_of_reach: Mapping[str, int],
    not_run: int = 0,
) -> Judged:
    """What the scenarios that were run say of side b.

    Args:
        pairs: Those, in the order in which they were looked at.
        terms: What a verdict has to hold to.
        planned: How many would be run without stopping early.
        out_of_reach: How many of each suite are the same for certain.
        not_run: Scenarios that were given up because nothing could be scored.
    """
    identical = repeats_itself(pairs)
    missing = [TrialPairs(a=(None,), b=(None,))] * not_run
    passed = [pair.passed for pair in pairs] + missing
    early = terms.looks(planned) and len(passed) < planned
    unchanged = 0 if early else sum(out_of_reach.values())
    overall = assess(passed, terms, planned=planned, unchanged=unchanged, identical=identical)
    found = parts(
        by_part(pairs, {} if early else out_of_reach),
        terms,
        identical=identical,
        stopped_early=terms.looks(planned),
    )
    return Judged(
        verdict=with_parts(overall.verdict, found),
        overall=overall,
        parts=found,
        sentences=(
            these_scenarios(overall, of=planned + sum(out_of_reach.values())),
            scenarios_like_these(
                overall, suites=sorted({pair.suite for pair in pairs}), terms=terms
            ),
        ),
        next_step=next_step(passed, terms, identical=identical),
    )


def judge_unchanged(terms: Terms, scenarios: Mapping[str, int]) -> Judged:
    """What can be said where nothing changed: no test is needed for what is the same by itself."""
    number = sum(scenarios.values())
    same = replace(assess([], terms, unchanged=number), verdict=NO_LARGER, loss=0.0)
    return Judged(
        verdict=NO_LARGER,
        overall=same,
        parts=(),
        sentences=(
            f"These {number} scenarios come out the same: {UNCHANGED}.",
            "Scenarios like these meet no change either.",
        ),
        next_step="",
    )
