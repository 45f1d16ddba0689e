"""A diff, from what was asked for to what can be said."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from handoff_evals.changes import Survey
from handoff_evals.comparison import (
    Difference,
    Part,
    Scope,
    SideRecord,
    Stopped,
    Terms,
    by_edge,
    collapse,
    counted,
    flips,
    look,
    part,
    parts,
)
from handoff_evals.diff.sides import (
    BothSides,
    CheckedOut,
    DiffRequest,
    Kept,
    Progress,
    Ready,
    Source,
)
from handoff_evals.diff.worker_client import StartWorker, WorkerProcess
from handoff_evals.files import write_atomically
from handoff_evals.results import PairKey, TrialResult
from handoff_evals.stats import Pairs, Ruling

TrialPair = tuple[TrialResult, TrialResult]
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
    seen: dict[PairKey, list[TrialPair]] = field(default_factory=dict)
    """By scenario, those that were looked at."""
    dead: int = 0
    """Scenarios in a row of which no pair could be scored."""
    missing: list[PairKey] = field(default_factory=list)
    """What one side has no trial of."""
    pairs: Pairs = field(default_factory=Pairs)

    async def run(self, order: Sequence[PairKey]) -> Stopped:
        """Hold the scenarios until something can be said, or never will."""
        waiting = iter(order)
        flying: deque[asyncio.Task[tuple[PairKey, list[TrialPair]]]] = deque()
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

    async def _hold(self, place: PairKey) -> tuple[PairKey, list[TrialPair]]:
        found: list[TrialPair] = []
        for number in range(self.trials):
            here = PairKey(suite=place.suite, scenario=place.scenario, number=number)
            one = await self.a.trial(here)
            other = await self.b.trial(here) if one is not None else None
            if one is None or other is None:
                self.missing.append(here)
            else:
                found.append((one, other))
        return place, found

    def scored(self, places: Iterable[PairKey]) -> Iterator[list[TrialPair]]:
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


async def diff(
    request: DiffRequest,
    heard: Callable[[Progress], None],
    *,
    start: StartWorker = WorkerProcess.started,
) -> Difference:
    """Compare two sides; what is left of it are run folders and cassettes in `request.out`.

    Args:
        request: what was asked for.
        heard: told of the progress.
        start: starts the worker of a side; in a process of its own by default.

    Raises:
        UsageError: when something that was asked for can't be.
        HandoffEvalsError: when a side's process failed, or the local model can't be had.
    """
    began = time.monotonic()
    async with BothSides.opened(request, start) as sides:
        if not sides.checked_out:
            # Everything is there already: there is nothing to spare by stopping early.
            request = replace(request, terms=replace(request.terms, fixed=True))
        heard(Progress(what="looking at the agents"))
        found = await sides.survey()
        fixed = request.terms.fixed
        order = (*found.order, *found.rest) if fixed else found.order
        work = _Work(request=request, sides=sides, found=found, order=order)
        if order:
            heard(Progress(what="preparing the model"))
            work.ready = await sides.prepare()
            work.pairing = Pairing(
                a=work.ready.a,
                b=work.ready.b,
                trials=request.trials,
                terms=request.terms,
                at_once=work.ready.at_once,
                out_of_reach=0 if fixed else len(found.out_of_reach),
                heard=lambda pairs: heard(
                    Progress(what="conversations", total=len(order), pairs=pairs)
                ),
            )
            work.stopped = await work.pairing.run(order)
            for side in sides.checked_out:
                side.summarise()
    difference = work.difference(seconds=time.monotonic() - began)
    request.out.mkdir(parents=True, exist_ok=True)
    write_atomically(request.out / "diff.json", as_json(difference))
    return difference


def as_json(difference: Difference) -> bytes:
    """All of it, as JSON."""
    return _DIFFERENCE.dump_json(difference, indent=2) + b"\n"


@dataclass(kw_only=True)
class _Work:
    request: DiffRequest
    sides: BothSides
    found: Survey
    order: tuple[PairKey, ...]
    ready: Ready | None = None
    pairing: Pairing | None = None
    stopped: Stopped = "nothing changed"

    def difference(self, *, seconds: float) -> Difference:
        """Add it up."""
        terms, found = self.request.terms, self.found
        seen = self.pairing.seen if self.pairing else {}
        scored = dict(zip(seen, self.pairing.scored(seen), strict=True)) if self.pairing else {}
        return Difference(
            a=self._side(self.sides.a, "a", [a for pairs in seen.values() for a, _ in pairs]),
            b=self._side(self.sides.b, "b", [b for pairs in seen.values() for _, b in pairs]),
            model=self.ready.model if self.ready else "",
            terms=terms,
            overall=self._overall(self._pairs(scored)),
            suites=parts(self._by_suite(scored), terms=terms),
            edges=parts(by_edge(scored.values()), terms=terms),
            changes=found.changes,
            not_seen=found.not_seen,
            looked_at=found.looked_at,
            flips=tuple(
                flip for pairs in scored.values() for a, b in pairs for flip in flips(a, b)
            ),
            scope=self._scope(seen),
            stopped=self.stopped,
            seconds=seconds,
            notes=tuple(self._notes()),
        )

    def _overall(self, pairs: Pairs) -> Part:
        if self.stopped != "nothing changed":
            return part("all", pairs, terms=self.request.terms)
        # No test is needed for what is the same by itself.
        same = Pairs(same=len(self.found.rest))
        found = part("all", same, terms=self.request.terms)
        return replace(found, verdict="no larger difference", largest_regression=0.0)

    def _pairs(
        self,
        scored: Mapping[PairKey, list[tuple[TrialResult, TrialResult]]],
        suite: str | None = None,
    ) -> Pairs:
        """The scenarios as pairs, those out of reach as the same."""
        held = [
            collapse((a.passed, b.passed) for a, b in pairs)
            for place, pairs in scored.items()
            if suite in {None, place.suite}
        ]
        # While the verdict is open, what is out of reach stands behind what is still to be held.
        through = self.stopped != "clear"
        same = sum(
            suite in {None, place.suite} and place not in scored and through
            for place in self.found.out_of_reach
        )
        return counted(held, begin=Pairs(same=same))

    def _by_suite(
        self, scored: Mapping[PairKey, list[tuple[TrialResult, TrialResult]]]
    ) -> Mapping[str, Pairs]:
        names = dict.fromkeys(place.suite for place in (*self.order, *self.found.out_of_reach))
        return {name: self._pairs(scored, name) for name in sorted(names)}

    def _side(self, side: CheckedOut | Kept, letter: str, held: list[TrialResult]) -> SideRecord:
        folder = str(self.request.out / letter) if isinstance(side, CheckedOut) else str(side.path)
        return SideRecord(
            name=side.name,
            asked=sum(each.asked for each in held),
            replayed=sum(each.replayed for each in held),
            folder=folder if self.pairing else None,
        )

    def _scope(self, seen: Mapping[PairKey, list[tuple[TrialResult, TrialResult]]]) -> Scope:
        found = self.found
        per_trial = sum(count for place, count in found.requests.items() if place not in seen)
        return Scope(
            reached=len(found.reached),
            may_be_reached=len(found.may_be_reached),
            out_of_reach=len(found.out_of_reach),
            held=len(seen),
            pairs=sum(map(len, seen.values())),
            unscored=dict(self.pairing.unscored) if self.pairing else {},
            spared=per_trial * self.request.trials,
            untouched=tuple(found.untouched),
        )

    def _notes(self) -> Iterator[str]:
        if self.ready is not None:
            yield from self.ready.notes
        for side in (self.sides.a, self.sides.b):
            if isinstance(side, Kept) and side.stale:
                yield f"{side.name}: the scenarios of {', '.join(sorted(side.stale))} have changed"
        if self.pairing is not None and self.pairing.missing:
            yield f"{len(self.pairing.missing)} trials are on one side only, and left out"


_DIFFERENCE = TypeAdapter(Difference)
