"""What stands on one side of a diff, and where its trials come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from handoff_evals.diff.live_side import LiveSide, Prepared
from handoff_evals.diff.worktree import Repository
from handoff_evals.engines.endpoint import Endpoint
from handoff_evals.errors import UsageError
from handoff_evals.scenario import Suite
from handoff_evals.store import Baseline, RunFolder, scenario_sha256, summarise
from handoff_evals.trial import TrialKey
from handoff_evals.versions import Held, Place

WORKING_TREE = "."


class Source(Protocol):
    """Gives the trials of one side."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    async def hold(self, place: Place) -> Held | None:
        """Hold a conversation, or find it among those that were held; None where it is not."""
        ...


@dataclass(kw_only=True)
class Live:
    """Agents that are there to be talked to."""

    name: str
    side: LiveSide
    model: str
    """As it was named."""
    out: Path
    """Its run folder."""
    prepared: Prepared | None = None
    finished: dict[Place, Held] = field(default_factory=dict)
    """Held by an earlier diff into the same folder, or by this one."""

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        """Make it ready to hold conversations."""
        self.prepared = prepared = await self.side.prepare(endpoint)
        for trial in RunFolder.open(self.out).trials():
            held = Held.of(trial)
            self.finished[held.place] = held
        return prepared

    def summarise(self) -> None:
        """Write the summary of its run folder, as of any run."""
        folder = RunFolder.open(self.out)
        folder.write_summary(summarise(folder.trials(), folder.manifest))

    async def hold(self, place: Place) -> Held | None:
        """Hold it, if that was not done before."""
        if place not in self.finished:
            assert self.prepared is not None  # noqa: S101 - nothing is held before
            key = TrialKey(
                suite=place.suite,
                scenario=place.scenario,
                model=self.prepared.model,
                number=place.number,
            )
            self.finished[place] = Held.of(await self.side.hold(key))
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
    trials: Mapping[tuple[str, Place], Held]
    """By the model's label and the place."""
    stale: frozenset[str]
    """Suites whose scenarios are not what they are now."""

    def of(self, model: str | None) -> "KeptModel":
        """The trials of one model; the only one where none is named.

        Raises:
            UsageError: when it holds none of that model, or it is not clear which.
        """
        if model is None and len(self.models) == 1:
            [model] = self.models
        if model not in self.models:
            held = ", ".join(self.models)
            asked = "name one with -m" if model is None else f"not of {model!r}"
            raise UsageError(f"{self.name!r} holds trials of {held}; {asked}")
        return KeptModel(
            name=self.name,
            model=model,
            trials={place: held for (label, place), held in self.trials.items() if label == model},
        )


@dataclass(frozen=True, kw_only=True)
class KeptModel:
    """The trials of one model of a finished run, or of a baseline."""

    name: str
    model: str
    trials: Mapping[Place, Held]

    async def hold(self, place: Place) -> Held | None:
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
    trials = ((trial.key.model, Held.of(trial)) for trial in run.trials())
    return Kept(
        name=spec,
        path=path,
        models=manifest.models,
        asked=manifest.asked.models,
        trials={
            (model, held.place): held for model, held in trials if held.place.suite not in stale
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
            (trial.key.model, held.place): held
            for trial in baseline.trials
            if now.get((trial.key.suite, trial.key.scenario)) == trial.scenario_sha256
            for held in [Held.kept(trial)]
        },
        stale=frozenset(),
    )
