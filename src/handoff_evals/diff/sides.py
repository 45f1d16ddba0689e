"""The two sides of a diff: what each of them is, and where its trials come from."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from handoff_evals.changes import (
    Rehearsed,
    Survey,
    differing,
    one_of_each,
    survey,
    unseen,
    without_noise,
)
from handoff_evals.config import read_config
from handoff_evals.diff.named_sides import Checkout, DiffRequest, Kept, KeptModel, NamedSides
from handoff_evals.diff.worker_client import (
    Prepared,
    StartWorker,
    WorkerClient,
    WorkerSettings,
)
from handoff_evals.diff.worktree import Repository
from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.local_model import Endpoint
from handoff_evals.models import start_server
from handoff_evals.results import PairKey, RunFolder, TrialKey, TrialResult, summarise
from handoff_evals.scenarios import Suite, discover
from handoff_evals.stats import Way


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is; at most `total` scenarios are run."""

    what: str
    total: int = 0
    ways: Mapping[Way, int] = field(default_factory=dict)
    """How many scenarios were worse, better, the same and unscored."""


class Source(Protocol):
    """Gives the trials of one side."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    async def trial(self, place: PairKey) -> TrialResult | None:
        """Run a trial, or find it among those that were run; None where it is not."""
        ...


@dataclass(kw_only=True)
class CheckedOut:
    """Agents that can be run: those of a commit, or of the working tree."""

    name: str
    worker: WorkerClient
    model: str
    """As it was named."""
    out: Path
    """Its run folder."""
    prepared: Prepared | None = None
    finished: dict[PairKey, TrialResult] = field(default_factory=dict)
    """Scored by an earlier diff into the same folder, or run by this one."""

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        """Make it ready to run trials."""
        self.prepared = prepared = await self.worker.prepare(endpoint)
        for trial in RunFolder.open(self.out).trials():
            result = TrialResult.of(trial)
            if result.scored:  # of the others the worker plans another try
                self.finished[result.pair] = result
        return prepared

    def summarise(self) -> None:
        """Write the summary of its run folder, as of any run."""
        folder = RunFolder.open(self.out)
        folder.write_summary(summarise(folder.trials(), folder.manifest))

    async def trial(self, place: PairKey) -> TrialResult | None:
        """Run it, if that was not done before."""
        if place not in self.finished:
            assert self.prepared is not None  # noqa: S101 - nothing is run before
            key = TrialKey(
                suite=place.suite,
                scenario=place.scenario,
                id=place.id,
                model=self.prepared.model,
                number=place.number,
            )
            self.finished[place] = await self.worker.trial(key)
        return self.finished[place]


_KEPT_AT_ONCE = 8
_REPEATS = 2
"""How often each side is rehearsed again where one differs from itself."""
_BySuite = Mapping[str, Rehearsed]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Where the trials of both sides come from."""

    a: Source
    b: Source
    model: str
    """Its label."""
    at_once: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BothSides:
    """Two sides of the same suites; `opened` opens them."""

    request: DiffRequest
    suites: tuple[Suite, ...]
    a: CheckedOut | Kept
    b: CheckedOut | Kept

    @classmethod
    @asynccontextmanager
    async def opened(cls, named: NamedSides, start: StartWorker) -> AsyncIterator[Self]:
        """Check out what has to be, and start a process for each side whose agents can be run.

        Yields:
            The sides; no agent is imported yet.
        """
        async with AsyncExitStack() as stack:
            opening = _Opening(request=named.request, kept=named.sides, stack=stack, start=start)
            a, b = [
                await opening.checked_out(letter, each) if isinstance(each, Checkout) else each
                for letter, each in zip("ab", named.sides, strict=True)
            ]
            yield cls(request=named.request, suites=named.suites, a=a, b=b)

    @property
    def checked_out(self) -> tuple[CheckedOut, ...]:
        """The sides whose agents can be run."""
        return tuple(side for side in (self.a, self.b) if isinstance(side, CheckedOut))

    async def survey(self) -> Survey:
        """Import the agents of both sides, and see what changed; no model is asked."""
        if not (isinstance(self.a, CheckedOut) and isinstance(self.b, CheckedOut)):
            return unseen(self.suites, seed=self.request.seed)
        a, b = await self._rehearsed(lambda worker: worker.rehearse())
        with suppress(HandoffEvalsError):  # of agents that can't be imported twice, all counts
            b = await self._without_noise(a, b)
        return survey(self.suites, a, b, seed=self.request.seed)

    async def _without_noise(self, a: _BySuite, b: _BySuite) -> _BySuite:
        """Side b, without what differs between two rehearsals of the same code: that is no change.

        Raises:
            HandoffEvalsError: when a side can't be rehearsed again.
        """
        labels = {name: found for name in b if (found := differing(a[name], b[name]))}
        if not labels:
            return b
        some = {name: one_of_each(b[name], found) for name, found in labels.items()}
        more_a, more_b = await self._rehearsed(lambda worker: worker.rehearse_again(some))
        if not any(
            differing(a[name], more_a[name]) or differing(b[name], more_b[name]) for name in some
        ):
            return b
        again = [
            await self._rehearsed(lambda worker: worker.rehearse_again(labels))
            for _ in range(_REPEATS)
        ]
        times = [(a, b), *again]
        settled = {
            name: without_noise([one[name] for one, _ in times], [two[name] for _, two in times])
            for name in labels
        }
        return {**b, **settled}

    async def _rehearsed(
        self, rehearse: Callable[[WorkerClient], Awaitable[list[Rehearsed]]]
    ) -> tuple[_BySuite, _BySuite]:
        a, b = await asyncio.gather(*(rehearse(side.worker) for side in self.checked_out))
        return {each.suite: each for each in a}, {each.suite: each for each in b}

    async def prepare(self) -> Ready:
        """Make the model, and the run folders.

        Raises:
            UsageError: when the sides are not of the same model.
            EngineError: when the local model can't be had.
        """
        sides = self.checked_out
        endpoint = await self._endpoint(sides)
        prepared = [await side.prepare(endpoint) for side in sides]
        label = prepared[0].model if prepared else self.request.model
        a, b = (
            side if isinstance(side, CheckedOut) else side.of(label) for side in (self.a, self.b)
        )
        if isinstance(a, KeptModel) and isinstance(b, KeptModel) and a.model != b.model:
            raise UsageError(
                f"{a.name!r} was run on {a.model!r} and {b.name!r} on {b.model!r}: to compare "
                "models, use `handoff-evals compare`"
            )
        return Ready(
            a=a,
            b=b,
            model=label or (a.model if isinstance(a, KeptModel) else ""),
            at_once=min((each.concurrency for each in prepared), default=_KEPT_AT_ONCE),
            notes=tuple(dict.fromkeys(note for each in prepared for note in each.notes)),
        )

    async def _endpoint(self, sides: Sequence[CheckedOut]) -> Endpoint | None:
        """Start the model's server, if it has one: once, for both sides."""
        if not sides:
            return None
        return await asyncio.to_thread(start_server, sides[0].model, folder=self.request.folder)


@dataclass(frozen=True, kw_only=True)
class _Opening:
    request: DiffRequest
    kept: Sequence[Checkout | Kept]
    stack: AsyncExitStack
    start: StartWorker

    async def checked_out(self, letter: str, checkout: Checkout) -> CheckedOut:
        """Start a side's process, in a worktree of its own if it is a commit's."""
        request = self.request
        home = request.folder.resolve()
        root = here = home
        if checkout.commit is not None:
            repository = Repository.around(home)
            root = repository.root
            here = self.stack.enter_context(repository.checked_out(checkout.commit))
        folder = here / home.relative_to(root)
        if not folder.is_dir():
            raise UsageError(f"{checkout.name}: there is no folder {str(home.relative_to(root))!r}")
        out = (request.out / letter).resolve()
        model = self._model()
        settings = WorkerSettings(
            folder=str(folder),
            home=str(home),
            root=str(here),
            home_root=str(root),
            suites=tuple(str(path.resolve()) for path in discover(request.suites, folder=home)),
            model=model,
            caller=request.caller,
            trials=request.trials or 1,
            seed=request.seed,
            turn_s=request.turn_s,
            out=str(out),
            cassette_folders=(
                str((request.out / "cassettes").resolve()),
                str(home / read_config(home).cassettes),
            ),
        )
        worker = await self.stack.enter_async_context(
            self.start(f"side {letter} ({checkout.name})", settings)
        )
        return CheckedOut(name=checkout.name, worker=worker, out=out, model=model)

    def _model(self) -> str:
        if self.request.model is not None:
            return self.request.model
        asked = [name for each in self.kept if isinstance(each, Kept) for name in each.asked]
        return asked[0] if len(set(asked)) == 1 else "local"
