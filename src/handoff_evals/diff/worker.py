"""One side of a diff: its agents are imported and run in this process.

`python -m handoff_evals.diff.worker` is the process that `WorkerProcess` starts: it takes its
settings, then commands, and answers each.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from dotenv import load_dotenv
from pydantic import TypeAdapter

from handoff_evals.cassettes import Mode
from handoff_evals.changes import Rehearsed
from handoff_evals.checks import load_checks
from handoff_evals.command_process import serve_commands
from handoff_evals.diff.rehearsal import rehearsed
from handoff_evals.diff.worker_client import Prepared, WorkerSettings
from handoff_evals.drivers import Limits
from handoff_evals.errors import AgentImportError, HandoffEvalsError, UsageError
from handoff_evals.event_loop import run_to_end
from handoff_evals.livekit import AgentEntry
from handoff_evals.local_model import Endpoint
from handoff_evals.models import Model, resolve
from handoff_evals.processes import ParentProcess
from handoff_evals.results import RunFolder, Trial, TrialKey, TrialResult
from handoff_evals.runs import Planned, Runner, RunRequest, load_suites, prepare, resume
from handoff_evals.scenarios import Suite
from handoff_evals.user_code import imported_anew, module_of


class Worker:
    """The `WorkerClient` in this process; `opened` opens it."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._folder = Path(settings.folder)
        self._request = RunRequest(
            suites=settings.suites,
            models=(settings.model,),
            caller=settings.caller,
            trials=settings.trials,
            seed=settings.seed,
            folder=self._folder,
            limits=Limits(turn_s=settings.turn_s),
            cassettes=Mode.AUTO,
            cassette_folders=tuple(Path(each) for each in settings.cassette_folders),
            checks_from=Path(settings.home),
        )
        self._planned: dict[TrialKey, Planned] = {}
        self._waiting: dict[TrialKey, asyncio.Future[TrialResult]] = {}
        self._runner: Runner | None = None
        self._serving: asyncio.Task[None] | None = None
        self._closing = ExitStack()

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: WorkerSettings) -> AsyncIterator[Self]:
        """Open it, and drop with the block what is still being run.

        Yields:
            The worker; its agents are not imported yet.
        """
        worker = cls(settings)
        with worker._closing:
            try:
                yield worker
            finally:
                if worker._serving is not None:
                    worker._serving.cancel()
                    await asyncio.gather(worker._serving, return_exceptions=True)

    async def rehearse(self) -> list[Rehearsed]:
        """Import the agents, and run every scenario with the oracle."""
        return [await self._rehearsed(suite) for suite in load_suites(self._request)]

    async def rehearse_again(self, labels: Mapping[str, Sequence[str]]) -> list[Rehearsed]:
        """Some scenarios with agents that are imported anew; those from before stay in use.

        Args:
            labels: the labels of the scenarios, by suite.
        """
        suites = [
            replace(
                suite,
                scenarios=tuple(
                    each for each in suite.scenarios if each.label in labels[suite.name]
                ),
            )
            for suite in load_suites(self._request)
            if suite.name in labels
        ]
        with imported_anew(Path(self._settings.root)):
            return [await self._rehearsed(suite) for suite in suites]

    async def _rehearsed(self, suite: Suite) -> Rehearsed:
        entry = AgentEntry.load(suite.agent, folder=self._folder)
        self._check(suite.agent)
        found = await rehearsed(entry, suite, limits=self._request.limits, folder=self._folder)
        root, home = self._settings.root, self._settings.home_root
        if root == home:
            return found
        # Where the side lies is no part of it, though a prompt may say so.
        written = json.dumps(_ONE_REHEARSED.dump_python(found, mode="json"))
        return _ONE_REHEARSED.validate_python(json.loads(written.replace(root, home)))

    def _check(self, agent: str) -> None:
        """See that the agent is this side's, or both sides would be the same.

        Raises:
            AgentImportError: when it is not.
        """
        home, root = Path(self._settings.home_root), Path(self._settings.root)
        path = Path(sys.modules[module_of(agent, folder=self._folder)].__file__ or "").resolve()
        if root != home and path.is_relative_to(home) and not path.is_relative_to(root):
            raise AgentImportError(
                f"agent {agent!r} was imported from {str(path)!r}, the working tree, and not from "
                "the checkout: an import hook of an editable install leads there. Install it so "
                "that its folder is on sys.path, or import it from the project's folder"
            )

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        """Make the model and the run folder, and wait for trials to run."""
        out, models = Path(self._settings.out), (self._model(endpoint),)
        if (out / "manifest.json").is_file():
            run = self._continued(out, models[0])
            self._closing.enter_context(run.locked())
            prepared = resume(run, self._request, models=models)
        else:
            prepared = prepare(self._request, models=models)
            run = RunFolder.create(out.parent, prepared.manifest, name=out.name)
            self._closing.enter_context(run.locked())
        await prepared.check_agents(run)
        [model] = prepared.models
        self._planned = {each.key: each for each in prepared.planned}
        self._runner = prepared.runner(run, self._finished, self._not_run)
        self._serving = asyncio.create_task(self._runner.serve())
        return Prepared(
            model=model.label,
            concurrency=model.concurrency,
            notes=tuple(model.notes),
            commit=prepared.manifest.git_commit,
        )

    def _continued(self, out: Path, model: Model) -> RunFolder:
        run = RunFolder.open(out)
        old, new = run.manifest, self._settings
        if (old.models, old.trials, old.seed) != ((model.label,), new.trials, new.seed):
            raise UsageError(
                f"{str(out)!r} was run on {', '.join(old.models)} with {old.trials} trials and "
                f"seed {old.seed}, not on {model.label} with {new.trials} and {new.seed}: choose "
                "another --out"
            )
        return run

    def _model(self, endpoint: Endpoint | None) -> Model:
        name, home = self._settings.model, Path(self._settings.home)
        [model] = resolve(
            [name],
            folder=home,
            code=self._folder,
            endpoints={} if endpoint is None else {name: endpoint},
        )
        return model

    async def trial(self, key: TrialKey) -> TrialResult:
        """Run one trial, as soon as the model's pace allows.

        Of one that is not run because the model has failed too often, the result is unscored
        with the cause `breaker_open`, and nothing is in the run folder.
        """
        if self._runner is None or self._serving is None or key not in self._planned:
            raise HandoffEvalsError(f"a worker was asked for a trial that it has not: {key!r}")
        result: asyncio.Future[TrialResult] = asyncio.get_running_loop().create_future()
        self._waiting[key] = result
        self._runner.add([self._planned[key]])
        first: set[asyncio.Future[Any]] = {result, self._serving}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            self._serving.result()  # an error: it serves for ever otherwise
        return await result

    def _finished(self, trial: Trial) -> None:
        self._answer(TrialResult.of(trial))

    def _not_run(self, planned: Planned) -> None:
        key = planned.key
        self._answer(TrialResult(key=key, status="unscored", decisions=(), cause="breaker_open"))

    def _answer(self, result: TrialResult) -> None:
        waiting = self._waiting.pop(result.key)
        if not waiting.done():
            waiting.set_result(result)


def move_path(settings: WorkerSettings) -> None:
    """Have the project's own folders on `sys.path` be those of this side.

    A package that is installed to be edited would be imported from the working tree.
    """
    home, root = Path(settings.home_root), Path(settings.root)
    harness = Path(__file__).resolve().parents[2]
    for index, entry in enumerate(sys.path):
        path = Path(entry or ".").resolve()
        # The harness is the same on both sides, also in its own repository.
        own = path.is_relative_to(home) and "site-packages" not in path.parts
        if own and path != harness and not path.is_relative_to(root):
            sys.path[index] = str(root / path.relative_to(home))


async def _serve(parent: ParentProcess) -> None:
    settings = _SETTINGS.validate_python(parent.receive())
    load_dotenv(Path(settings.home) / ".env")
    load_checks(Path(settings.home))  # before: both sides are judged by the same
    move_path(settings)
    async with Worker.opened(settings) as worker:
        await serve_commands(parent, partial(_do, worker))


async def _do(worker: Worker, command: Mapping[str, Any]) -> Any:
    match command["do"]:
        case "rehearse":
            return _REHEARSED.dump_python(await worker.rehearse(), mode="json")
        case "rehearse again":
            return _REHEARSED.dump_python(
                await worker.rehearse_again(command["labels"]), mode="json"
            )
        case "prepare":
            endpoint = command["endpoint"]
            prepared = await worker.prepare(endpoint and _ENDPOINT.validate_python(endpoint))
            return _PREPARED.dump_python(prepared, mode="json")
        case "trial":
            return _RESULT.dump_python(await worker.trial(TrialKey(**command["key"])), mode="json")
    raise HandoffEvalsError(f"a worker was told to {command['do']!r}, which it can't")


_SETTINGS = TypeAdapter(WorkerSettings)
_ENDPOINT = TypeAdapter(Endpoint)
_REHEARSED = TypeAdapter(list[Rehearsed])
_ONE_REHEARSED = TypeAdapter(Rehearsed)
_PREPARED = TypeAdapter(Prepared)
_RESULT = TypeAdapter(TrialResult)


if __name__ == "__main__":
    run_to_end(_serve(ParentProcess()))
