"""A run, from what was asked for to the trials in its folder."""

import sys
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from handoff_evals.agent_source import fingerprint
from handoff_evals.cassettes import Cassette, Mode
from handoff_evals.checks import expect_keys, load_checks
from handoff_evals.config import ProjectConfig, read_config, redact_of
from handoff_evals.drivers import Limits, driver_for, no_model
from handoff_evals.errors import UsageError
from handoff_evals.judges import Panel
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import Model, resolve
from handoff_evals.results import (
    Manifest,
    RunFolder,
    RunSettings,
    SuiteRecord,
    Trial,
    TrialKey,
    redacted_suite,
    redacted_trial,
    scenario_sha256,
)
from handoff_evals.runs.agent_version import VersionReader, changed_suites, check_versions
from handoff_evals.runs.answering import (
    CallingModel,
    calling_model,
    cassettes_of,
    suites_called,
)
from handoff_evals.runs.environment import git_state, versions
from handoff_evals.runs.judged_run import panel_of
from handoff_evals.runs.lane import Budget, Planned, RetryPolicy, by_driver, plan
from handoff_evals.runs.runner import Executor, Pace, Route, Runner
from handoff_evals.scenarios import Scenario, Suite, discover, load_suite
from handoff_evals.user_code import module_of


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a user asks a run to be."""

    suites: Sequence[str] = ()
    models: Sequence[str] = ("local",)
    drivers: Sequence[str] = ()
    """Who carries the caller's words; several compare them. Empty for what each file names."""
    trials: int = 1
    seed: int = 0
    only: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    limits: Limits = field(default_factory=Limits)
    concurrency: int = 16
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    max_tokens: int | None = None
    max_cost: float | None = None
    cassettes: Mode = Mode.OFF
    caller: str = ""
    """The model that plays the callers of scenarios without turns; empty for none."""
    judge: str = ""
    """Who judges: a model as `models` takes it, or `rule`; empty for nobody."""
    checks_from: Path | None = None
    """The folder whose `pyproject.toml` names the checks; None for `folder`."""
    cassette_folders: Sequence[Path] = (Path(ProjectConfig().cassettes),)
    """From the project's folder: the first is written to, all are read."""

    @classmethod
    def of_project(cls, folder: Path) -> "RunRequest":
        """A request with the limits and the cassettes' folder that the project sets.

        Raises:
            UsageError: when its `pyproject.toml` is not as it must be.
        """
        config = read_config(folder)
        return cls(
            folder=folder,
            limits=Limits(turn_s=config.turn_timeout, call_s=config.trial_timeout),
            retry_policy=RetryPolicy(retries=config.retries, breaker=config.breaker),
            max_tokens=config.max_tokens,
            cassette_folders=(Path(config.cassettes),),
        )


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """A run that can begin: suites read, agents imported, models started."""

    request: RunRequest
    suites: tuple[Suite, ...]
    entries: Mapping[str, AgentEntry]
    models: tuple[Model, ...]
    manifest: Manifest
    planned: tuple[Planned, ...]
    cassettes: Mapping[Route, Cassette] = field(default_factory=dict)
    caller: CallingModel | None = None
    panel: Panel | None = None
    """Who judges the trials when they are finished; None where nobody was asked."""

    async def execute(
        self, folder: RunFolder | None, done: Callable[[Trial], None]
    ) -> tuple[str, ...]:
        """Run every trial; each is in the folder before `done` gets it.

        Args:
            folder: where each trial is appended; None keeps none of them.
            done: called with each trial as it ends.

        Returns:
            Why some were not run, a sentence a reason.

        Raises:
            UsageError: when the folder's trials were run with another version of the agents.
        """
        if folder is not None:
            await self.check_agents(folder)
        executor: Executor = self.runner(folder, done)
        return await executor.run(self.planned)

    async def check_agents(self, folder: RunFolder) -> None:
        """See that the run goes on with the agents that it was begun with.

        In the loop in which the conversations run: what a factory makes may belong to one.

        Raises:
            UsageError: when they are not what they were.
        """
        seconds = self.request.limits.turn_s
        readers = [
            VersionReader(suite=suite, folder=self.request.folder, within_s=seconds)
            for suite in self.suites
        ]
        await check_versions(folder, readers, self.entries)

    def runner(
        self,
        folder: RunFolder | None,
        done: Callable[[Trial], None],
        not_run: Callable[[Planned], None] = lambda _: None,
    ) -> Runner:
        """What runs the trials in this process; each is in the folder before `done` gets it."""
        redact = redact_of(self.request.folder)

        def keep(trial: Trial) -> None:
            trial = redacted_trial(trial, redact)
            if folder is not None:
                folder.append(trial)
            done(trial)

        return Runner(
            drivers={
                (suite.name, model.label): driver_for(
                    suite, self.manifest.drivers.get(model.label)
                )(
                    entry=self.entries[suite.name],
                    model=model.build,
                    watch=suite.watch,
                    limits=self.request.limits,
                    caller=self.caller.build if self.caller else no_model,
                    caller_cassette=self.caller.cassettes.get((suite.name, model.label))
                    if self.caller
                    else None,
                    cassette=self.cassettes.get((suite.name, model.label)),
                )
                for suite in self.suites
                for model in self.models
            },
            pace=Pace(
                total=self.request.concurrency,
                per_model={
                    model.label: min(model.concurrency, self.request.concurrency)
                    for model in self.models
                },
                retry_policy=self._retry_policy(),
            ),
            budget=Budget(max_tokens=self.request.max_tokens, max_cost=self.request.max_cost),
            prices={model.label: model.price for model in self.models if model.price},
            done=keep,
            not_run=not_run,
        )

    def _retry_policy(self) -> RetryPolicy:
        retry_policy = self.request.retry_policy
        if self.request.cassettes is Mode.REPLAY:
            # What is missing on one cassette says nothing about the next.
            return replace(retry_policy, breaker=sys.maxsize)
        return retry_policy

    def without(self, finished: Container[TrialKey]) -> "PreparedRun":
        """The same run without the trials that are finished."""
        left = tuple(each for each in self.planned if each.key not in finished)
        return replace(self, planned=left)


def prepare(
    request: RunRequest,
    *,
    command: Sequence[str] = (),
    models: Sequence[Model] = (),
    suites: Sequence[Suite] = (),
) -> PreparedRun:
    """Read the suites, import the agents, start the models.

    Args:
        request: what was asked for.
        command: what was typed.
        models: those that the request names, where the caller has made them already.
        suites: further ones, read or made already.

    Raises:
        UsageError: when a suite, an agent or a model can't be had.
    """
    load_checks(request.checks_from or request.folder)
    read = load_suites(request) if request.suites or not suites else ()
    suites = _distinct(suites_called([*read, *suites], request.caller))
    entries = {suite.name: AgentEntry.load(suite.agent, folder=request.folder) for suite in suites}
    replayed = request.cassettes is Mode.REPLAY
    models = models or resolve(request.models, folder=request.folder, replayed=replayed)
    models, carried_by = by_driver(models, request.drivers)
    for suite in suites:
        driver_for(suite)
    labels = [model.label for model in models]
    panel = panel_of(request.judge, suites, folder=request.folder)
    caller = calling_model(request, suites, models)
    commit, dirty = git_state(request.folder)
    manifest = Manifest(
        created_at=datetime.now(UTC).isoformat(),
        command=tuple(command),
        suites=tuple(_record(suite, request.folder, caller) for suite in suites),
        models=tuple(labels),
        trials=request.trials,
        seed=request.seed,
        asked=RunSettings(
            suites=tuple(request.suites),
            models=tuple(request.models),
            only=tuple(request.only),
            tags=request.tags,
            drivers=tuple(request.drivers),
            judge=request.judge,
            caller=request.caller,
            cassettes=request.cassettes.value,
            cassette_folders=tuple(map(str, request.cassette_folders)),
        ),
        versions=versions(),
        git_commit=commit,
        git_dirty=dirty,
        prices={model.label: model.price for model in models if model.price},
        traits={model.label: model.traits for model in models},
        drivers=carried_by,
        caller=None if caller is None else caller.record,
        judge=None if panel is None else panel.record,
        notes=tuple(
            dict.fromkeys(chain(*(each.notes for each in models), *(each.notes for each in suites)))
        ),
    )
    return PreparedRun(
        request=request,
        suites=suites,
        entries=entries,
        models=tuple(models),
        manifest=manifest,
        planned=tuple(plan(suites, labels, trials=request.trials, seed=request.seed)),
        cassettes=cassettes_of(suites, models, request),
        caller=caller,
        panel=panel,
    )


def resume(
    folder: RunFolder,
    request: RunRequest,
    *,
    command: Sequence[str] = (),
    models: Sequence[Model] = (),
) -> PreparedRun:
    """Prepare what is missing of a run, as it was asked for then: cassettes, seeds and all.

    A trial that had no answer is missing too: the model may answer by now.

    Args:
        folder: the run.
        request: limits, pace and budget; the rest is the run's own.
        command: what was typed.
        models: those of the run, where the caller has made them already.

    Raises:
        UsageError: when a suite or an agent is not what it was.
    """
    old = folder.manifest
    asked = old.asked
    prepared = prepare(
        replace(
            request,
            suites=asked.suites,
            models=asked.models,
            only=asked.only,
            tags=asked.tags,
            drivers=asked.drivers,
            judge=asked.judge,
            caller=asked.caller,
            trials=old.trials,
            seed=old.seed,
            cassettes=Mode(asked.cassettes),
            cassette_folders=tuple(map(Path, asked.cassette_folders)),
        ),
        command=command,
        models=models,
    )
    changed = list(changed_suites(old, prepared.manifest))
    if changed:
        raise UsageError(
            f"{str(folder.path)!r} can't be resumed, its trials would not compare: "
            f"{'; '.join(changed)}. Start a new run."
        )
    folder.repair()
    return prepared.without({trial.key for trial in folder.trials() if trial.status != "unscored"})


def load_suites(request: RunRequest) -> tuple[Suite, ...]:
    """Read the suites that were named, and keep the scenarios that were asked for.

    Raises:
        UsageError: when that leaves nothing, or two suites share a name.
    """
    load_checks(request.checks_from or request.folder)
    keys = expect_keys()
    files = discover(request.suites, folder=request.folder)
    found = [load_suite(path, keys=keys, folder=request.folder) for path in files]
    read = _distinct(suites_called(found, request.caller))
    redact = redact_of(request.folder)
    kept = [
        redacted_suite(replace(suite, scenarios=_chosen(suite, request)), redact) for suite in read
    ]
    left = tuple(suite for suite in kept if suite.scenarios)
    if not left:
        raise UsageError(_nothing_left(read, request))
    return left


def _distinct(suites: Sequence[Suite]) -> tuple[Suite, ...]:
    """The suites, if each has a name of its own: trials are told apart by it."""
    names = [suite.name for suite in suites]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        paths = [suite.path or "one made in Python" for suite in suites if suite.name == doubled]
        raise UsageError(f"two suites have the name {doubled!r}: {', '.join(paths)}")
    return tuple(suites)


def _chosen(suite: Suite, request: RunRequest) -> tuple[Scenario, ...]:
    wanted = [each.casefold() for each in request.only]
    return tuple(
        scenario
        for scenario in suite.scenarios
        if (not wanted or any(each in scenario.label.casefold() for each in wanted))
        and all(scenario.tags.get(name) == value for name, value in request.tags.items())
    )


def _nothing_left(read: Sequence[Suite], request: RunRequest) -> str:
    if request.only or request.tags:
        labels = [scenario.label for suite in read for scenario in suite.scenarios]
        asked = [*(f"--only {each!r}" for each in request.only)]
        asked += [f"--tag {name}={value}" for name, value in request.tags.items()]
        shown = ", ".join(repr(label) for label in labels[:8])
        more = f" and {len(labels) - 8} more" if len(labels) > 8 else ""  # noqa: PLR2004
        return f"no scenario fits {' '.join(asked)}; there are {shown}{more}"
    simulated = [label for suite in read for label in suite.simulated]
    return (
        f"nothing to run: {len(simulated)} scenarios have no `turns` and need a model that "
        "plays their caller: add `--caller MODEL`, or write `turns`, or `lines` under `caller`"
    )


def _record(suite: Suite, folder: Path, caller: CallingModel | None) -> SuiteRecord:
    return SuiteRecord(
        name=suite.name,
        path=suite.path,
        sha256=suite.sha256,
        agent=suite.agent,
        agent_sha256=fingerprint(module_of(suite.agent, folder=folder), folder=folder),
        scenarios=tuple(scenario.label for scenario in suite.scenarios),
        simulated=suite.simulated,
        watch=suite.watch,
        ids={each.label: each.id for each in suite.scenarios if each.id},
        tags={each.label: each.tags for each in suite.scenarios if each.tags},
        scenario_sha256={
            each.label: scenario_sha256(each, caller=caller.record if caller else None)
            for each in suite.scenarios
        },
    )
