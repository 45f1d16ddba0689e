"""Both sides of a diff in this process, which spares two processes that import livekit."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType

from handoff_evals.changes import Rehearsed
from handoff_evals.diff.worker import Worker
from handoff_evals.diff.worker_client import Prepared, WorkerSettings
from handoff_evals.local_model import Endpoint
from handoff_evals.results import TrialKey, TrialResult


class SideBySide:
    """A worker whose side has modules of its own, as a process has them.

    They are in place while agents are imported, and taken out before the other side imports
    its own of the same names.
    """

    def __init__(self, worker: Worker, settings: WorkerSettings) -> None:
        self._worker = worker
        self._folders = (Path(settings.root).resolve(), Path(settings.home_root).resolve())
        self._modules: dict[str, ModuleType] = {}

    async def rehearse(self) -> list[Rehearsed]:
        with self._in_place():
            found = self._worker.rehearse()
            # No conversation of the other side may begin while these modules are in place.
            try:
                found.send(None)
            except StopIteration as end:
                done: list[Rehearsed] = end.value
                return done
            raise RuntimeError("a rehearsal waited")

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        with self._in_place():
            return await self._worker.prepare(endpoint)

    async def trial(self, key: TrialKey) -> TrialResult:
        return await self._worker.trial(key)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        path = [*sys.path]
        sys.modules.update(self._modules)
        try:
            yield
        finally:
            sys.path[:] = path
            self._modules |= {
                name: module for name, module in sys.modules.items() if self._is_own(module)
            }
            for name in self._modules:
                sys.modules.pop(name, None)

    def _is_own(self, module: ModuleType) -> bool:
        path = getattr(module, "__file__", None)
        return isinstance(path, str) and any(
            Path(path).is_relative_to(folder) for folder in self._folders
        )


@asynccontextmanager
async def side_by_side(_: str, settings: WorkerSettings) -> AsyncIterator[SideBySide]:
    """A `StartWorker` of this process."""
    async with Worker.opened(settings) as worker:
        yield SideBySide(worker, settings)
