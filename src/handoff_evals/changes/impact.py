"""What two rehearsals show before a model is asked: what changed, and what it can reach."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from handoff_evals.changes.agent_change import (
    Change,
    Rehearsal,
    Rehearsed,
    changes,
    same,
)
from handoff_evals.results import PairKey
from handoff_evals.scenarios import Scenario, Suite


@dataclass(frozen=True, kw_only=True)
class NotSeen:
    """An agent that no scenario meets, so that nobody looked at it."""

    suite: str
    agent: str
    changed: bool
    """Whether its code is not the same on both sides."""


class Reach(StrEnum):
    """Whether a change reaches a scenario."""

    YES = "reached"
    """Held as expected, it meets something that changed."""
    MAYBE = "may be reached"
    """Held as expected it does not, but nobody says which agent is expected all the way."""
    NO = "out of reach"
    """It passes on one side if and only if it passes on the other.

    Up to the first change that it meets, every request is the same on both sides, and so is
    what comes of it. Held as expected it meets none; to meet one, it must have left the
    expected path before, which fails it on both sides.
    """


def reach(scenario: Scenario, a: Rehearsal, b: Rehearsal) -> Reach:
    """Hold the rehearsals of one scenario side by side."""
    if not same(a, b):
        return Reach.YES
    one = a.transcript
    named = [turn.expect.agent is not None for turn in scenario.turns]
    expected = a.passed and bool(named) and all(named)
    # An opening expects no agent: one that asks a model may go anywhere unnoticed.
    free = any(call.tools for call in one.turns[0].model_calls) if one.turns else True
    return Reach.NO if expected and not free else Reach.MAYBE


def shuffled(places: Sequence[PairKey], *, seed: int) -> tuple[PairKey, ...]:
    """An order by lot, the same for the same seed, so that the first few speak for all."""
    return tuple(
        sorted(places, key=lambda each: _lot("\x1f".join((str(seed), *each.scenario_key))))
    )


def _lot(words: str) -> bytes:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Which scenarios have to be held, in which order."""

    reached: tuple[PairKey, ...]
    may_be_reached: tuple[PairKey, ...]
    out_of_reach: tuple[PairKey, ...]
    untouched: Mapping[str, tuple[PairKey, ...]] = field(default_factory=dict)
    """The scenarios of suites that no change reaches, by suite."""
    changes: tuple[Change, ...] = ()
    not_seen: tuple[NotSeen, ...] = ()
    looked_at: bool = True
    """Whether both sides are code."""
    requests: Mapping[PairKey, int] = field(default_factory=dict)
    """How many requests each took in rehearsal, both sides together."""

    @property
    def order(self) -> tuple[PairKey, ...]:
        """What has to be held: those that the change is known to reach come first."""
        return (*self.reached, *self.may_be_reached)

    @property
    def rest(self) -> tuple[PairKey, ...]:
        """What comes out the same anyway."""
        untouched = (place for places in self.untouched.values() for place in places)
        return (*self.out_of_reach, *untouched)


def unseen(suites: Sequence[Suite], *, seed: int) -> Survey:
    """The survey where one side is no code, so that everything may be different."""
    places = [place for suite in suites for place in _places(suite)]
    order = shuffled(places, seed=seed)
    return Survey(reached=(), may_be_reached=order, out_of_reach=(), looked_at=False)


def survey(
    suites: Sequence[Suite],
    a: Mapping[str, Rehearsed],
    b: Mapping[str, Rehearsed],
    *,
    seed: int,
) -> Survey:
    """Hold the rehearsals of both sides side by side.

    Args:
        suites: the scenarios.
        a: one side, by suite.
        b: the other one.
        seed: of the order among those that are alike.
    """
    found: dict[Reach, list[PairKey]] = {each: [] for each in Reach}
    untouched: dict[str, tuple[PairKey, ...]] = {}
    changed: dict[Change, None] = {}
    not_seen: list[NotSeen] = []
    counts: dict[PairKey, int] = {}
    for suite in suites:
        one, other = a[suite.name], b[suite.name]
        changed.update(dict.fromkeys(changes(one, other)))
        not_seen.extend(_not_seen(one, other))
        reaches: dict[PairKey, Reach] = {}
        for scenario, place in zip(suite.scenarios, _places(suite), strict=True):
            pair = one.rehearsals[scenario.label], other.rehearsals[scenario.label]
            reaches[place] = reach(scenario, *pair)
            counts[place] = sum(len(each.transcript.model_calls) for each in pair)
        if set(reaches.values()) <= {Reach.NO}:
            untouched[suite.name] = tuple(reaches)
            continue
        for place, how in reaches.items():
            found[how].append(place)
    return Survey(
        reached=shuffled(found[Reach.YES], seed=seed),
        may_be_reached=shuffled(found[Reach.MAYBE], seed=seed),
        out_of_reach=tuple(found[Reach.NO]),
        untouched=untouched,
        changes=tuple(changed),
        not_seen=tuple(not_seen),
        requests=counts,
    )


def _places(suite: Suite) -> list[PairKey]:
    return [PairKey(suite=suite.name, scenario=each.label, id=each.id) for each in suite.scenarios]


def _not_seen(a: Rehearsed, b: Rehearsed) -> list[NotSeen]:
    return [
        NotSeen(suite=a.suite, agent=name, changed=a.not_met.get(name) != b.not_met.get(name))
        for name in sorted({*a.not_met, *b.not_met})
    ]
