"""Holds pair after pair, and stops as soon as it is clear."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from handoff_evals.diff.sources import Source
from handoff_evals.stats import Pairs, Ruling
from handoff_evals.versions import Held, Place, Stopped, Terms, collapse, counted, look

TrialPair = tuple[Held, Held]
_BREAKER = 5
"""Scenarios in a row without a scored pair, after which a model is asked no more."""


@dataclass(kw_only=True)
class Pairing:
    """The conversations of both sides, scenario by scenario.

    Of each pair side a goes first, so that side b meets its recorded answers. Some pairs
    are under way at once, but they are looked at in the order in which they were planned,
    which no result has a say in.
    """

    a: Source
    b: Source
    trials: int
    """Of each scenario."""
    terms: Terms
    at_once: int = 1
    """Scenarios that are held at once."""
    out_of_reach: int = 0
    """Scenarios that are the same for certain, and are not held."""
    heard: Callable[[Pairs], None] = lambda _pairs: None
    """Called after each scenario."""
    seen: dict[Place, list[TrialPair]] = field(default_factory=dict)
    """By scenario, those that were looked at."""
    dead: int = 0
    """Scenarios in a row of which no pair could be scored."""
    missing: list[Place] = field(default_factory=list)
    """What one side has no trial of."""
    pairs: Pairs = field(default_factory=Pairs)

    async def run(self, order: Sequence[Place]) -> Stopped:
        """Hold the scenarios until something can be said, or never will."""
        waiting = iter(order)
        flying: deque[asyncio.Task[tuple[Place, list[TrialPair]]]] = deque()
        try:
            while True:
                for place in waiting:
                    flying.append(asyncio.create_task(self._hold(place)))
                    if len(flying) >= self.at_once:
                        break
                if not flying:
                    return "all held"
                place, found = await flying.popleft()
                self.seen[place] = found
                self.dead = 0 if any(self.scored([place])) or not found else self.dead + 1
                self.pairs = counted([collapse(_passes(found))], begin=self.pairs)
                self.heard(self.pairs)
                stopped = self._look(len(order) - len(self.seen))
                if stopped is not None:
                    return stopped
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    def _look(self, remaining: int) -> Stopped | None:
        if not remaining:
            return "all held"
        if self.dead >= _BREAKER:
            return "no answers"
        now = look(
            self.pairs, remaining=remaining, out_of_reach=self.out_of_reach, terms=self.terms
        )
        if now is Ruling.CONTINUE:
            return None
        return "futile" if now is Ruling.FUTILE else "clear"

    async def _hold(self, place: Place) -> tuple[Place, list[TrialPair]]:
        found: list[TrialPair] = []
        for number in range(self.trials):
            here = Place(suite=place.suite, scenario=place.scenario, number=number)
            one = await self.a.hold(here)
            other = await self.b.hold(here) if one is not None else None
            if one is None or other is None:
                self.missing.append(here)
            else:
                found.append((one, other))
        return place, found

    def scored(self, places: Iterable[Place]) -> Iterator[list[TrialPair]]:
        """The scored pairs of trials of each of these scenarios."""
        for place in places:
            yield [(a, b) for a, b in self.seen[place] if a.scored and b.scored]

    @property
    def unscored(self) -> Counter[str]:
        """Pairs that nobody can be judged by, by the first cause."""
        return Counter(
            next(each.cause or "unscored" for each in pair if not each.scored)
            for found in self.seen.values()
            for pair in found
            if not (pair[0].scored and pair[1].scored)
        )


def _passes(found: Sequence[TrialPair]) -> list[tuple[bool, bool]]:
    return [(a.passed, b.passed) for a, b in found if a.scored and b.scored]
