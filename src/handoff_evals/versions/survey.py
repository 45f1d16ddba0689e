"""What two rehearsals show before a model is asked: what changed, and whom it reaches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handoff_evals.scenario import Suite
from handoff_evals.versions.change import Change, changes
from handoff_evals.versions.difference import NotSeen
from handoff_evals.versions.held import Place
from handoff_evals.versions.look import Rehearsed
from handoff_evals.versions.reach import Reach, reach, shuffled


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Which scenarios have to be held, in which order."""

    reached: tuple[Place, ...]
    may_be_reached: tuple[Place, ...]
    out_of_reach: tuple[Place, ...]
    untouched: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    """The scenarios of suites that no change reaches, by suite."""
    changes: tuple[Change, ...] = ()
    not_seen: tuple[NotSeen, ...] = ()
    looked_at: bool = True
    """Whether both sides are code."""
    requests: Mapping[Place, int] = field(default_factory=dict)
    """How many requests each took in rehearsal, both sides together."""

    @property
    def order(self) -> tuple[Place, ...]:
        """What has to be held: those that the change is known to reach come first."""
        return (*self.reached, *self.may_be_reached)

    @property
    def rest(self) -> tuple[Place, ...]:
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
    found: dict[Reach, list[Place]] = {each: [] for each in Reach}
    untouched: dict[str, tuple[Place, ...]] = {}
    changed: dict[Change, None] = {}
    not_seen: list[NotSeen] = []
    counts: dict[Place, int] = {}
    for suite in suites:
        one, other = a[suite.name], b[suite.name]
        changed.update(dict.fromkeys(changes(one, other)))
        not_seen.extend(_not_seen(one, other))
        reaches: dict[Place, Reach] = {}
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


def _places(suite: Suite) -> list[Place]:
    return [Place(suite=suite.name, scenario=each.label) for each in suite.scenarios]


def _not_seen(a: Rehearsed, b: Rehearsed) -> list[NotSeen]:
    return [
        NotSeen(suite=a.suite, agent=name, changed=a.not_met.get(name) != b.not_met.get(name))
        for name in sorted({*a.not_met, *b.not_met})
    ]
