"""All that a diff says; every report is drawn from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from handoff_evals.versions.change import Change
from handoff_evals.versions.flip import Flip
from handoff_evals.versions.ruling import Part, Terms

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
class NotSeen:
    """An agent that no scenario meets, so that nobody looked at it."""

    suite: str
    agent: str
    changed: bool
    """Whether its code is not the same on both sides."""


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
