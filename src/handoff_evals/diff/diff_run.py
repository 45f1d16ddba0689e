"""A diff, from what was asked for to what can be said."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from handoff_evals.changes import Survey, shuffled
from handoff_evals.checks import NOTHING_EXPECTED
from handoff_evals.comparison import (
    Difference,
    Judged,
    ScenarioPair,
    Scope,
    SideRecord,
    Stopped,
    flips,
    judge,
    judge_unchanged,
    repeats_itself,
)
from handoff_evals.diff.named_sides import DiffRequest, Kept, NamedSides
from handoff_evals.diff.sides import (
    BothSides,
    CheckedOut,
    Progress,
    Ready,
    Source,
)
from handoff_evals.diff.worker_client import StartWorker, WorkerProcess
from handoff_evals.files import write_atomically
from handoff_evals.results import PairKey, TrialResult
from handoff_evals.stats import Terms, TrialPairs, Way, assess

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
    """Scenarios that are run at once."""
    heard: Callable[[Counter[Way]], None] = lambda _ways: None
    """Called after each scenario, with how many were worse, better, the same and unscored."""
    seen: dict[PairKey, list[TrialPair]] = field(default_factory=dict)
    """By scenario, those that were looked at."""
    dead: int = 0
    """Scenarios in a row of which no pair could be scored."""
    missing: list[PairKey] = field(default_factory=list)
    """What one side has no trial of."""
    passed: list[TrialPairs] = field(default_factory=list)
    ways: Counter[Way] = field(default_factory=Counter)

    async def run(self, order: Sequence[PairKey]) -> Stopped:
        """Run the scenarios until something can be said.

        Never because nothing will be: what is left may still be broken.
        """
        waiting = iter(order)
        flying: deque[asyncio.Task[tuple[PairKey, list[TrialPair]]]] = deque()
        try:
            while True:
                for place in waiting:
                    flying.append(asyncio.create_task(self._hold(place)))
                    if len(flying) >= self.at_once:
                        break
                if not flying:
                    return "all run"
                place, found = await flying.popleft()
                self._add(place, found)
                self.heard(self.ways)
                if len(self.seen) < len(order):
                    stopped = self._look(len(order))
                    if stopped is not None:
                        return stopped
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    @property
    def pairs(self) -> tuple[ScenarioPair, ...]:
        """The scenarios that were looked at, but for those that only one side has."""
        return tuple(
            ScenarioPair(suite=place.suite, scenario=place.scenario, trials=tuple(found))
            for place, found in self.seen.items()
            if found
        )

    def _add(self, place: PairKey, found: list[TrialPair]) -> None:
        self.seen[place] = found
        if not found:
            return
        pair = ScenarioPair(suite=place.suite, scenario=place.scenario, trials=tuple(found))
        scored = any(a.scored and b.scored for a, b in found)
        self.dead = 0 if scored else self.dead + 1
        self.passed.append(pair.passed)
        self.ways[pair.passed.way] += 1

    def _look(self, planned: int) -> Stopped | None:
        if self.dead >= _BREAKER:
            return "no answers"
        if not self.terms.looks(planned):
            return None
        found = assess(
            self.passed, self.terms, planned=planned, identical=repeats_itself(self.pairs)
        )
        return None if found.verdict == "can't tell" else "clear"

    async def _hold(self, place: PairKey) -> tuple[PairKey, list[TrialPair]]:
        found: list[TrialPair] = []
        for number in range(self.trials):
            here = replace(place, number=number)
            one = await self.a.trial(here)
            other = await self.b.trial(here) if one is not None else None
            if one is None or other is None:
                self.missing.append(here)
            elif not one.cause == other.cause == NOTHING_EXPECTED:
                found.append((one, other))
        return place, found

    @property
    def unscored(self) -> Counter[str]:
        """Pairs that nobody can be judged by, by the first cause."""
        return Counter(
            next(each.cause or "unscored" for each in pair if not each.scored)
            for found in self.seen.values()
            for pair in found
            if not (pair[0].scored and pair[1].scored)
        )


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
    named = NamedSides.of(request)
    if named.same_files:
        return _written(request, _unchanged(named, seconds=time.monotonic() - began))
    async with BothSides.opened(named, start) as sides:
        request = sides.request
        if not sides.checked_out:
            # Everything is there already: there is nothing to spare by stopping early.
            request = replace(request, terms=replace(request.terms, fixed=True))
        heard(Progress(what="looking at the agents"))
        found = await sides.survey()
        fixed = request.terms.fixed
        order = (*found.order, *found.rest) if fixed else found.order
        if request.terms.looks(len(order)):
            # Those that the change reaches first would make the others look like them.
            order = shuffled(order, seed=request.seed)
        work = _Work(request=request, sides=sides, found=found, order=order)
        if order:
            heard(Progress(what="preparing the model"))
            work.ready = await sides.prepare()
            work.pairing = Pairing(
                a=work.ready.a,
                b=work.ready.b,
                trials=request.trials or 1,
                terms=request.terms,
                at_once=work.ready.at_once,
                heard=lambda ways: heard(
                    Progress(what="conversations", total=len(order), ways=dict(ways))
                ),
            )
            work.stopped = await work.pairing.run(order)
            for side in sides.checked_out:
                side.summarise()
    return _written(request, work.difference(seconds=time.monotonic() - began))


def _written(request: DiffRequest, difference: Difference) -> Difference:
    request.out.mkdir(parents=True, exist_ok=True)
    write_atomically(request.out / "diff.json", as_json(difference))
    return difference


def _unchanged(named: NamedSides, *, seconds: float) -> Difference:
    """What is to be said where no file differs: nothing has to be run."""
    a, b = (SideRecord(name=side.name, asked=0, replayed=0, folder=None) for side in named.sides)
    scenarios = {suite.name: len(suite.scenarios) for suite in named.suites}
    terms = named.request.terms
    return Difference(
        a=a,
        b=b,
        model="",
        terms=terms,
        judged=judge_unchanged(terms, scenarios),
        changes=(),
        not_seen=(),
        flips=(),
        scope=Scope(
            reached=0,
            may_be_reached=0,
            out_of_reach=0,
            held=0,
            pairs=0,
            unscored={},
            spared=0,
            untouched=tuple(scenarios),
        ),
        stopped="nothing changed",
        seconds=seconds,
        notes=("no file of the agents differs: nothing was run",),
    )


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
        return Difference(
            a=self._side(self.sides.a, "a", [a for pairs in seen.values() for a, _ in pairs]),
            b=self._side(self.sides.b, "b", [b for pairs in seen.values() for _, b in pairs]),
            model=self.ready.model if self.ready else "",
            terms=terms,
            judged=self._judged(),
            changes=found.changes,
            not_seen=found.not_seen,
            looked_at=found.looked_at,
            flips=tuple(
                flip
                for pairs in seen.values()
                for a, b in pairs
                if a.scored and b.scored
                for flip in flips(a, b)
            ),
            scope=self._scope(seen),
            stopped=self.stopped,
            seconds=seconds,
            notes=tuple(self._notes()),
        )

    def _judged(self) -> Judged:
        terms, found = self.request.terms, self.found
        if self.pairing is None:
            return judge_unchanged(terms, Counter(place.suite for place in found.rest))
        run = set(self.pairing.seen)
        return judge(
            self.pairing.pairs,
            terms,
            planned=len(self.order) - sum(not found for found in self.pairing.seen.values()),
            out_of_reach=Counter(place.suite for place in found.out_of_reach if place not in run),
            not_run=len(self.order) - len(run) if self.stopped == "no answers" else 0,
        )

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
            spared=per_trial * (self.request.trials or 1),
            untouched=tuple(found.untouched),
        )

    def _notes(self) -> Iterator[str]:
        if self.ready is not None:
            yield from self.ready.notes
        for side in (self.sides.a, self.sides.b):
            if isinstance(side, Kept) and side.stale:
                yield f"{side.name}: the scenarios of {', '.join(sorted(side.stale))} have changed"
        if self.stopped == "clear":
            yield "stopped early: what the other scenarios come to is not known; --fixed runs all"
        if self.pairing is not None and self.pairing.missing:
            yield f"{len(self.pairing.missing)} trials are on one side only, and left out"


_DIFFERENCE = TypeAdapter(Difference)
