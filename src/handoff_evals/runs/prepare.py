"""A run, from what was asked for to the trials in its folder."""

import sys
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from handoff_evals.agent_source import fingerprint
from handoff_evals.cassettes import Cassette, Mode
from handoff_evals.checks import NOTHING_EXPECTED, load_checks
from handoff_evals.config import redact_of
from handoff_evals.drivers import driver_for, no_model
from handoff_evals.errors import UsageError
from handoff_evals.judges import Panel
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import Model, resolve, start_server
from handoff_evals.results import (
    Manifest,
    RunFolder,
    RunSettings,
    SuiteRecord,
    Trial,
    TrialKey,
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
from handoff_evals.runs.request import RunRequest, distinct, load_suites
from handoff_evals.runs.runner import Executor, Pace, Route, Runner
from handoff_evals.runs.worker_pool import WorkerPool
from handoff_evals.scenarios import Suite
from handoff_evals.user_code import module_of


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
        if not self.request.workers:
            if folder is not None:
                await self.check_agents(folder)
            executor: Executor = self.runner(folder, done)
            return await executor.run(self.planned)
        async with self.pool() as pool:
            if folder is not None:
                await pool.check_agents(folder.path.absolute())
            return await self.runner(folder, done, run_trial=pool.run_trial).run(self.planned)

    def pool(self) -> AbstractAsyncContextManager[WorkerPool]:
        """The worker processes that the request asks for; each prepares the run for itself.

        Raises:
            UsageError: when suites were made in Python, which no other process has.
        """
        made = [suite.name for suite in self.suites if not suite.path]
        if made:
            raise UsageError(
                f"suite {made[0]!r} was made in Python, and a worker process reads files: leave "
                "out workers, or write it to a scenarios.yaml"
            )
        names = [] if self.request.cassettes is Mode.REPLAY else [*self.request.models]
        names += [self.request.caller] if names and self.request.caller else []
        served = {name: start_server(name, folder=self.request.folder) for name in names}
        endpoints = {name: each for name, each in served.items() if each is not None}
        # Judges are asked once all conversations are over, here.
        request = replace(self.request, endpoints=endpoints, judge="")
        return WorkerPool.opened(request, cassettes=self.cassettes)

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
        *,
        run_trial: Callable[[Planned], Awaitable[Trial]] | None = None,
    ) -> Runner:
        """What runs the trials; each is in the folder before `done` gets it.

        Args:
            folder: where each trial is appended; None keeps none of them.
            done: called with each trial as it ends.
            not_run: called with each that is not run because its model fails.
            run_trial: runs one trial elsewhere than in this process.
        """
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
            elsewhere=run_trial,
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
    suites = distinct(suites_called([*read, *suites], request.caller))
    entries = {suite.name: AgentEntry.load(suite.agent, folder=request.folder) for suite in suites}
    replayed = request.cassettes is Mode.REPLAY
    models = models or resolve(
        request.models,
        folder=request.folder,
        replayed=replayed,
        endpoints=request.endpoints,
        share=request.share,
    )
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
    over = (trial for trial in folder.trials() if trial.cause in {None, NOTHING_EXPECTED})
    return prepared.without({trial.key for trial in over})


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
