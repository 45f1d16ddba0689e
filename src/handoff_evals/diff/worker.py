"""One side of a diff, in a process of its own: `python -m handoff_evals.diff.worker`.

It reads its orders as one line of JSON, then commands, a line each, and answers each with a
line. What agents print goes elsewhere. It ends when its input is closed.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from dotenv import load_dotenv
from pydantic import TypeAdapter

from handoff_evals.cassettes import Mode
from handoff_evals.changes import Rehearsed
from handoff_evals.config import read_config
from handoff_evals.diff.rehearsal import rehearsed
from handoff_evals.drivers import Limits
from handoff_evals.errors import AgentImportError, HandoffEvalsError, UsageError
from handoff_evals.livekit import AgentEntry
from handoff_evals.local_model import Endpoint
from handoff_evals.models import Model, identity_of, resolve, served
from handoff_evals.results import RunFolder, Trial, TrialKey
from handoff_evals.runs import PreparedRun, RunRequest, load_suites, prepare, resume


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """What a side is: where its agents are, and how they are held."""

    folder: str
    """The project's folder, on this side."""
    home: str
    """The project's folder in the working tree: models, `.env` and cassettes are from there."""
    root: str
    """The folder that stands for `home_root` on this side."""
    home_root: str
    suites: tuple[str, ...]
    """Scenario files of the working tree."""
    model: str
    trials: int
    seed: int
    turn_s: float
    out: str
    """The run folder to write."""
    tapes: tuple[str, ...]
    """Folders of cassettes; the first is written to."""


class Worker:
    """Does what the commands say."""

    def __init__(self, orders: WorkerSettings) -> None:
        self._orders = orders
        self._folder = Path(orders.folder)
        self._request = RunRequest(
            suites=orders.suites,
            models=(orders.model,),
            trials=orders.trials,
            seed=orders.seed,
            folder=self._folder,
            limits=Limits(turn_s=orders.turn_s),
            cassettes=Mode.AUTO,
            cassette_folders=tuple(Path(each) for each in orders.tapes),
        )
        self._prepared: PreparedRun | None = None
        self._run: RunFolder | None = None

    async def do(self, command: Mapping[str, Any]) -> Any:
        """Answer one command.

        Raises:
            HandoffEvalsError: when it can't be done.
        """
        match command["do"]:
            case "rehearse":
                return await self._rehearse()
            case "prepare":
                endpoint = command["endpoint"]
                return self._prepare(endpoint and _ENDPOINT.validate_python(endpoint))
            case "hold":
                return await self._hold(TrialKey(**command["key"]))
        raise HandoffEvalsError(f"a side was told to {command['do']!r}, which it can't")

    async def _rehearse(self) -> Any:
        limits, folder = self._request.limits, self._folder
        found = []
        for suite in load_suites(self._request):
            entry = AgentEntry.load(suite.agent, folder=folder)
            self._check(suite.agent)
            found.append(await rehearsed(entry, suite, limits=limits, folder=folder))
        return _REHEARSED.dump_python(found, mode="json")

    def _check(self, agent: str) -> None:
        """See that the agent is this side's, or both sides would be the same.

        Raises:
            AgentImportError: when it is not.
        """
        home, root = Path(self._orders.home_root), Path(self._orders.root)
        path = Path(sys.modules[agent.partition(":")[0]].__file__ or "").resolve()
        if root != home and path.is_relative_to(home) and not path.is_relative_to(root):
            raise AgentImportError(
                f"agent {agent!r} was imported from {str(path)!r}, the working tree, and not from "
                "the checkout: an import hook of an editable install leads there. Install it so "
                "that its folder stands on sys.path, or import it from the project's folder"
            )

    def _prepare(self, endpoint: Endpoint | None) -> Any:
        out, models = Path(self._orders.out), (self._model(endpoint),)
        if (out / "manifest.json").is_file():
            self._run = self._taken_up(out, models[0])
            self._prepared = resume(self._run, self._request, models=models)
        else:
            self._prepared = prepare(self._request, models=models)
            self._run = RunFolder.create(out.parent, self._prepared.manifest, name=out.name)
        [model] = self._prepared.models
        return {
            "model": model.label,
            "concurrency": model.concurrency,
            "notes": list(model.notes),
            "commit": self._prepared.manifest.git_commit,
        }

    def _taken_up(self, out: Path, model: Model) -> RunFolder:
        run = RunFolder.open(out)
        old, new = run.manifest, self._orders
        if (old.models, old.trials, old.seed) != ((model.label,), new.trials, new.seed):
            raise UsageError(
                f"{str(out)!r} was held on {', '.join(old.models)} with {old.trials} trials and "
                f"seed {old.seed}, not on {model.label} with {new.trials} and {new.seed}: choose "
                "another --out"
            )
        return run

    def _model(self, endpoint: Endpoint | None) -> Model:
        name, home = self._orders.model, Path(self._orders.home)
        if endpoint is not None:
            return replace(served(endpoint), identity=identity_of(name, read_config(home)))
        [model] = resolve([name], folder=home, code=self._folder)
        return model

    async def _hold(self, key: TrialKey) -> Any:
        if self._prepared is None or self._run is None:
            raise HandoffEvalsError("a side was told to hold a trial before it was prepared")
        held: list[Trial] = []
        planned = tuple(each for each in self._prepared.planned if each.key == key)
        await replace(self._prepared, planned=planned).execute(self._run, held.append)
        return _TRIALS.dump_python(held, mode="json")


_ORDERS = TypeAdapter(WorkerSettings)
_ENDPOINT = TypeAdapter(Endpoint)
_REHEARSED = TypeAdapter(list[Rehearsed])
_TRIALS = TypeAdapter(list[Trial])


def move_path(orders: WorkerSettings) -> None:
    """Have the project's own folders on `sys.path` stand on this side.

    A package that is installed to be edited would be imported from the working tree.
    """
    home, root = Path(orders.home_root), Path(orders.root)
    harness = Path(__file__).resolve().parents[2]
    for index, entry in enumerate(sys.path):
        path = Path(entry or ".").resolve()
        # The harness is the same on both sides, also in its own repository.
        own = path.is_relative_to(home) and "site-packages" not in path.parts
        if own and path != harness and not path.is_relative_to(root):
            sys.path[index] = str(root / path.relative_to(home))


async def _serve(lines: IO[str], answers: IO[str]) -> None:
    orders = _ORDERS.validate_json(lines.readline())
    load_dotenv(Path(orders.home) / ".env")
    move_path(orders)
    worker = Worker(orders)
    running: set[asyncio.Task[None]] = set()
    # A thread that is waiting for a line doesn't keep the process: it ends with the input.
    while line := await asyncio.to_thread(lines.readline):
        task = asyncio.create_task(_answer(worker, json.loads(line), answers))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _answer(worker: Worker, command: Mapping[str, Any], answers: IO[str]) -> None:
    answer: dict[str, Any] = {"id": command["id"]}
    try:
        answer["ok"] = await worker.do(command)
    except HandoffEvalsError as error:
        answer |= {"error": str(error), "usage": isinstance(error, UsageError)}
    except Exception as error:  # noqa: BLE001 - the other process has to hear of it
        answer |= {"error": f"{type(error).__name__}: {error}", "usage": False}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def main() -> None:
    """Follow the orders on standard input; answers go to standard output."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # an agent that prints must not break the lines
    lines = os.fdopen(os.dup(0), "r", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    asyncio.run(_serve(lines, answers))


if __name__ == "__main__":
    main()
