"""The two sides of a diff: what each of them is, and where its trials come from."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self

from handoff_evals.changes import Survey, survey, unseen
from handoff_evals.checks import expect_keys, load_checks
from handoff_evals.config import read_config
from handoff_evals.diff.worker_client import (
    Prepared,
    StartWorker,
    WorkerClient,
    WorkerSettings,
)
from handoff_evals.diff.worktree import Repository
from handoff_evals.errors import UsageError
from handoff_evals.local_model import Endpoint
from handoff_evals.models import start_server
from handoff_evals.results import (
    Baseline,
    PairKey,
    RunFolder,
    TrialKey,
    TrialResult,
    scenario_sha256,
    summarise,
)
from handoff_evals.scenarios import Suite, discover, load_suite
from handoff_evals.stats import Terms, Way


@dataclass(frozen=True, kw_only=True)
class DiffRequest:
    """Side b against side a. A side is a git ref, `.`, a run's folder or a baseline file."""

    out: Path
    """Where both sides' run folders go, and the cassettes that they share."""
    a: str | None = None
    """None for where the current branch left the main one."""
    b: str = "."
    suites: Sequence[str] = ()
    model: str | None = None
    """None for the one that a finished run was made on, or else the local one."""
    trials: int | None = None
    """Of each scenario; None for as many as a side has that is kept, or else one."""
    seed: int = 0
    terms: Terms = field(default_factory=Terms)
    folder: Path = field(default_factory=Path.cwd)
    turn_s: float = 120.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is; at most `total` scenarios are run."""

    what: str
    total: int = 0
    ways: Mapping[Way, int] = field(default_factory=dict)
    """How many scenarios were worse, better, the same and unscored."""


WORKING_TREE = "."


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
                model=self.prepared.model,
                number=place.number,
            )
            self.finished[place] = await self.worker.trial(key)
        return self.finished[place]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A finished run, or a baseline."""

    name: str
    path: Path
    models: tuple[str, ...]
    """Their labels."""
    asked: tuple[str, ...]
    """The models as they were named; a baseline doesn't know."""
    trials: Mapping[tuple[str, PairKey], TrialResult]
    """By the model's label and the place."""
    stale: frozenset[str]
    """Suites whose scenarios are not what they are now."""

    @property
    def most_trials(self) -> int:
        """How often the scenario was tried that was tried most often."""
        return max((place.number + 1 for _, place in self.trials), default=1)

    def of(self, model: str | None) -> "KeptModel":
        """The trials of one model; the only one where none is named.

        Raises:
            UsageError: when it has none of that model, or it is not clear which.
        """
        if model is None and len(self.models) == 1:
            [model] = self.models
        if model not in self.models:
            models = ", ".join(self.models)
            asked = "name one with -m" if model is None else f"not of {model!r}"
            raise UsageError(f"{self.name!r} has trials of {models}; {asked}")
        return KeptModel(
            name=self.name,
            model=model,
            trials={
                pair: result for (label, pair), result in self.trials.items() if label == model
            },
        )


@dataclass(frozen=True, kw_only=True)
class KeptModel:
    """The trials of one model of a finished run, or of a baseline."""

    name: str
    model: str
    trials: Mapping[PairKey, TrialResult]

    async def trial(self, place: PairKey) -> TrialResult | None:
        """Find it."""
        return self.trials.get(place)


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Agents of a commit, or of the working tree where `commit` is None."""

    name: str
    commit: str | None


def source(spec: str, *, folder: Path, suites: tuple[Suite, ...]) -> Checkout | Kept:
    """What a side is that was named on the command line.

    Args:
        spec: `.` for the working tree, a run's folder, a baseline file, or a git ref.
        folder: the project's.
        suites: what is to be compared.

    Raises:
        UsageError: when it is none of these.
    """
    if spec == WORKING_TREE:
        return Checkout(name="the working tree", commit=None)
    path = folder / spec
    if (path / "manifest.json").is_file():
        return _run(spec, path, suites)
    if path.is_file() and path.suffix == ".json":
        return _baseline(spec, path, suites)
    repository = Repository.around(folder)
    commit = repository.commit(spec)
    return Checkout(name=repository.described(commit), commit=commit)


def _run(spec: str, path: Path, suites: tuple[Suite, ...]) -> Kept:
    run = RunFolder.open(path)
    manifest = run.manifest
    now = {suite.name: suite.sha256 for suite in suites}
    stale = frozenset(
        suite.name for suite in manifest.suites if now.get(suite.name) != suite.sha256
    )
    return Kept(
        name=spec,
        path=path,
        models=manifest.models,
        asked=manifest.asked.models,
        trials={
            (result.key.model, result.pair): result
            for result in map(TrialResult.of, run.trials())
            if result.key.suite not in stale
        },
        stale=stale,
    )


def _baseline(spec: str, path: Path, suites: tuple[Suite, ...]) -> Kept:
    baseline = Baseline.read(path)
    now = {
        (suite.name, scenario.label): scenario_sha256(scenario)
        for suite in suites
        for scenario in suite.scenarios
    }
    return Kept(
        name=spec,
        path=path,
        models=baseline.models,
        asked=(),
        trials={
            (result.key.model, result.pair): result
            for result in baseline.trials
            if now.get((result.key.suite, result.key.scenario)) == result.scenario_sha256
        },
        stale=frozenset(),
    )


_KEPT_AT_ONCE = 8


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
    async def opened(cls, request: DiffRequest, start: StartWorker) -> AsyncIterator[Self]:
        """Find the sides, check out what has to be, and start a process for each.

        Yields:
            The sides; no agent is imported yet.

        Raises:
            UsageError: when there is no such side, or no suite.
        """
        paths = discover(request.suites, folder=request.folder)
        load_checks(request.folder)
        read = [load_suite(path, keys=expect_keys()) for path in paths]
        suites = tuple(suite for suite in read if suite.scenarios)
        if not suites:
            raise UsageError(f"no scenario in {', '.join(map(str, paths))} has `turns`")
        specs = (request.a or Repository.around(request.folder).fork_point(), request.b)
        found = [source(spec, folder=request.folder, suites=suites) for spec in specs]
        if request.trials is None:
            kept = [each.most_trials for each in found if isinstance(each, Kept)]
            request = replace(request, trials=min(kept, default=1))
        async with AsyncExitStack() as stack:
            opening = _Opening(request=request, kept=found, stack=stack, start=start)
            a, b = [
                await opening.checked_out(letter, each) if isinstance(each, Checkout) else each
                for letter, each in zip("ab", found, strict=True)
            ]
            yield cls(request=request, suites=suites, a=a, b=b)

    @property
    def checked_out(self) -> tuple[CheckedOut, ...]:
        """The sides whose agents can be run."""
        return tuple(side for side in (self.a, self.b) if isinstance(side, CheckedOut))

    async def survey(self) -> Survey:
        """Import the agents of both sides, and see what changed; no model is asked."""
        if not (isinstance(self.a, CheckedOut) and isinstance(self.b, CheckedOut)):
            return unseen(self.suites, seed=self.request.seed)
        found = await asyncio.gather(self.a.worker.rehearse(), self.b.worker.rehearse())
        one, other = ({each.suite: each for each in side} for side in found)
        return survey(self.suites, one, other, seed=self.request.seed)

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
