"""A worker of a run: its conversations run in this process.

`python -m handoff_evals.runs.trial_process` is what `WorkerPool` starts; it takes commands.
"""

import faulthandler
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from handoff_evals.command_process import STACK_SIGNAL, serve_commands
from handoff_evals.errors import HandoffEvalsError
from handoff_evals.event_loop import run_to_end
from handoff_evals.processes import ParentProcess
from handoff_evals.results import RunFolder, TrialKey, trial_line
from handoff_evals.runs.prepare import PreparedRun, prepare
from handoff_evals.runs.request import RunRequest
from handoff_evals.runs.worker_pool import STUCK
from handoff_evals.terminal import echo
from handoff_evals.watchdog import end_process, when_stuck


class TrialProcess:
    """Prepares the run as the process that started this one did, and runs trials of it."""

    def __init__(self) -> None:
        self._prepared: PreparedRun | None = None

    async def do(self, command: Mapping[str, Any]) -> Any:
        """Carry out a command of `WorkerPool`."""
        match command["do"]:
            case "ping":
                return None
            case "prepare":
                return self._prepare(command)
            case "check":
                await self._run.check_agents(RunFolder.open(Path(command["folder"])))
                return None
            case "trial":
                return await self._trial(TrialKey(**command["key"]))
        raise HandoffEvalsError(f"a worker was told to {command['do']!r}, which it can't")

    @property
    def _run(self) -> PreparedRun:
        if self._prepared is None:
            raise HandoffEvalsError("a worker was asked for a trial before it was prepared")
        return self._prepared

    def _prepare(self, command: Mapping[str, Any]) -> None:
        request = _REQUEST.validate_python(command["request"])
        self._prepared = prepared = prepare(replace(request, workers=0))
        self._runner = prepared.runner(None, lambda _: None)
        self._planned = {each.key: each for each in prepared.planned}

    async def _trial(self, key: TrialKey) -> dict[str, Any]:
        cassette = self._run.cassettes.get((key.suite, key.model))
        trial = await self._runner.run_trial(self._planned[key])
        return {
            "trial": trial_line(trial).decode(),
            "cassette": None if cassette is None else cassette.take(),
        }


_REQUEST = TypeAdapter(RunRequest)


def _stuck(why: str) -> None:
    echo(f"\n{why}", err=True)
    end_process(STUCK)


def main() -> None:
    """Serve the process that started this one."""
    parent = ParentProcess()
    faulthandler.enable(all_threads=False)
    faulthandler.register(STACK_SIGNAL, all_threads=False)
    with when_stuck(_stuck):
        run_to_end(serve_commands(parent, TrialProcess().do))
    end_process(0)


if __name__ == "__main__":
    main()
