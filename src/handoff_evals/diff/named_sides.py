"""What was asked to be compared: refs, the working tree, finished runs and baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from handoff_evals.checks import expect_keys, load_checks
from handoff_evals.config import read_config
from handoff_evals.diff.worktree import Repository
from handoff_evals.errors import UsageError
from handoff_evals.results import (
    Baseline,
    PairKey,
    RunFolder,
    TrialResult,
    scenario_sha256,
)
from handoff_evals.scenarios import Suite, discover, load_suite
from handoff_evals.stats import Terms

WORKING_TREE = "."


@dataclass(frozen=True, kw_only=True)
class DiffRequest:
    """Side b against side a. A side is a git ref, `.`, a run's folder or a baseline file."""

    out: Path
    """Where both sides' run folders go, and the cassettes that they share."""
    a: str | None = None
    """None for where the current branch left the main one."""
    b: str = "."
    suites: Sequence[str] = ()
    caller: str = ""
    """The model that plays the callers of scenarios without turns, the same on both sides."""
    model: str | None = None
    """None for the one that a finished run was made on, or else the local one."""
    trials: int | None = None
    """Of each scenario; None for as many as a side has that is kept, or else one."""
    seed: int = 0
    terms: Terms = field(default_factory=Terms)
    folder: Path = field(default_factory=Path.cwd)
    turn_s: float = 120.0


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
    caller: str = ""
    """The model that played the callers, as it was named; a baseline keeps it in its hashes."""

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
        caller=manifest.asked.caller,
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
        (suite.name, scenario.identity): scenario_sha256(scenario)
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
            if now.get(result.key.scenario_key) == result.scenario_sha256
        },
        stale=frozenset(),
    )


@dataclass(frozen=True, kw_only=True)
class NamedSides:
    """Both sides as they were found, and the suites; nothing is checked out yet."""

    request: DiffRequest
    suites: tuple[Suite, ...]
    sides: tuple[Checkout | Kept, Checkout | Kept]

    @classmethod
    def of(cls, request: DiffRequest) -> Self:
        """Find what a request names.

        Raises:
            UsageError: when there is no such side, or no suite.
        """
        paths = discover(request.suites, folder=request.folder)
        load_checks(request.folder)
        read = [load_suite(path, keys=expect_keys()) for path in paths]
        called = [suite.called_by_model() if request.caller else suite for suite in read]
        suites = tuple(suite for suite in called if suite.scenarios)
        if not suites:
            raise UsageError(
                f"no scenario in {', '.join(map(str, paths))} has `turns`, or `lines` under "
                "`caller`: write some, or name a model that plays the callers, by --caller"
            )
        specs = (request.a or Repository.around(request.folder).fork_point(), request.b)
        a, b = [source(spec, folder=request.folder, suites=suites) for spec in specs]
        for each in (a, b):
            if isinstance(each, Kept) and each.asked and each.caller != request.caller:
                was = f"played by {each.caller!r}" if each.caller else "played by no model"
                hint = f"give --caller {each.caller}" if each.caller else "leave --caller out"
                raise UsageError(
                    f"{each.name!r} had its callers {was}, and this diff asks for "
                    f"{request.caller or 'no model'!r}: trials with unlike callers do not "
                    f"compare; {hint}"
                )
        if request.trials is None:
            kept = [each.most_trials for each in (a, b) if isinstance(each, Kept)]
            request = replace(request, trials=min(kept, default=1))
        return cls(request=request, suites=suites, sides=(a, b))

    @property
    def same_files(self) -> bool:
        """Whether both sides are code, and no file differs that agents could depend on.

        The scenarios are of the working tree on both sides, and what runs and cassettes write
        is left out.
        """
        a, b = self.sides
        if not (isinstance(a, Checkout) and isinstance(b, Checkout)):
            return False
        folder = self.request.folder.resolve()
        no_matter = [
            self.request.out.resolve(),
            folder / read_config(folder).cassettes,
            *(Path(suite.path).resolve() for suite in self.suites if suite.path),
        ]
        changed = Repository.around(folder).changed_files(a.commit, b.commit)
        return all(
            _is_output(path) or any(path.is_relative_to(each) for each in no_matter)
            for path in changed
        )


def _is_output(path: Path) -> bool:
    """Whether a run, a diff or Python wrote a file."""
    if "__pycache__" in path.parts:
        return True
    return any((each / name).is_file() for each in path.parents for name in _OUTPUTS)


_OUTPUTS = ("trials.jsonl", "diff.json")
