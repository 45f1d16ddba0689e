"""What a diff asks of each of its sides, and the process of a side that does it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from pydantic import TypeAdapter

from handoff_evals.changes import Rehearsed
from handoff_evals.command_process import CommandProcess
from handoff_evals.errors import UsageError
from handoff_evals.local_model import Endpoint
from handoff_evals.results import TrialKey, TrialResult


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """What a side is: where its agents are, and how they are run."""

    folder: str
    """The project's folder, on this side."""
    home: str
    """The project's folder in the working tree: models, `.env` and cassettes are from there."""
    root: str
    """The folder that is in the place of `home_root` on this side."""
    home_root: str
    suites: tuple[str, ...]
    """Scenario files of the working tree."""
    model: str
    caller: str
    trials: int
    seed: int
    turn_s: float
    out: str
    """The run folder to write."""
    cassette_folders: tuple[str, ...]
    """The first is written to, all are read."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a side says of itself once it can run trials."""

    model: str
    """The model's label."""
    concurrency: int
    notes: tuple[str, ...]
    commit: str | None


class WorkerClient(Protocol):
    """Runs the trials of one side.

    Raises:
        UsageError: by each method, when something that was asked for can't be done.
        HandoffEvalsError: by each method, when the side failed.
    """

    async def rehearse(self) -> list[Rehearsed]:
        """Import the agents, and run every scenario with the oracle; no model is asked."""
        ...

    async def rehearse_again(self, labels: Mapping[str, Sequence[str]]) -> list[Rehearsed]:
        """Rehearse with agents that are imported anew, to see what differs by itself.

        Args:
            labels: the labels of the scenarios, by suite; other suites are left out.
        """
        ...

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        """Make the model and the run folder.

        Args:
            endpoint: a local model's server that runs already, if that is the model.
        """
        ...

    async def trial(self, key: TrialKey) -> TrialResult:
        """Run one trial; it is in the run folder when its result comes back."""
        ...


StartWorker = Callable[[str, WorkerSettings], AbstractAsyncContextManager[WorkerClient]]
"""Starts a worker, by what messages call it, and ends it with the block."""


@dataclass(frozen=True, kw_only=True)
class WorkerProcess:
    """A worker in a process of its own; `started` starts it."""

    child: CommandProcess

    @classmethod
    @asynccontextmanager
    async def started(cls, name: str, settings: WorkerSettings) -> AsyncIterator[Self]:
        """Start the process, and end it with the block; what it prints is kept in a log.

        Yields:
            The worker; its agents are not imported yet.
        """
        log = Path(f"{settings.out}.log")
        async with AsyncExitStack() as stack:
            try:
                log.parent.mkdir(parents=True, exist_ok=True)
                child = await stack.enter_async_context(
                    CommandProcess.started(
                        name,
                        "handoff_evals.diff.worker",
                        folder=Path(settings.folder),
                        # Sets are written in a random order otherwise, and prompts may be
                        # made of one.
                        environment={"PYTHONHASHSEED": "0"},
                        log=log,
                    )
                )
            except OSError as error:
                raise UsageError(
                    f"--out {str(log.parent)!r} can't be written to: {error}"
                ) from error
            child.process.send(_SETTINGS.dump_python(settings, mode="json"))
            yield cls(child=child)

    async def rehearse(self) -> list[Rehearsed]:
        """Have it import the agents, and run every scenario with the oracle."""
        return _REHEARSED.validate_python(await self.child.ask("rehearse"))

    async def rehearse_again(self, labels: Mapping[str, Sequence[str]]) -> list[Rehearsed]:
        """Have it do so once more, with agents that are imported anew."""
        return _REHEARSED.validate_python(await self.child.ask("rehearse again", labels=labels))

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        """Have it make the model and the run folder."""
        written = None if endpoint is None else _ENDPOINT.dump_python(endpoint, mode="json")
        return _PREPARED.validate_python(await self.child.ask("prepare", endpoint=written))

    async def trial(self, key: TrialKey) -> TrialResult:
        """Have it run one trial."""
        written = await self.child.ask("trial", key=_KEY.dump_python(key, mode="json"))
        return _RESULT.validate_python(written)


_SETTINGS = TypeAdapter(WorkerSettings)
_ENDPOINT = TypeAdapter(Endpoint)
_REHEARSED = TypeAdapter(list[Rehearsed])
_PREPARED = TypeAdapter(Prepared)
_RESULT = TypeAdapter(TrialResult)
_KEY = TypeAdapter(TrialKey)
