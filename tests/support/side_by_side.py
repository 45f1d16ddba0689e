"""Both sides of a diff in this process, which spares two processes that import livekit."""

import asyncio
import importlib
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType

from handoff_evals.changes import Rehearsed
from handoff_evals.diff.worker import Worker
from handoff_evals.diff.worker_client import Prepared, StartWorker, WorkerSettings
from handoff_evals.local_model import Endpoint
from handoff_evals.results import TrialKey, TrialResult

_TEMPORARY = Path(tempfile.gettempdir()).resolve()
# This checkout and its environment may lie in a temporary folder too.
_STAYS = (Path(__file__).parents[2].resolve(), Path(sys.prefix).resolve())


class SideBySide:
    """A worker whose side has modules of its own, as a process has them.

    They are in place while agents are imported, and taken out before the other side imports
    its own of the same names.
    """

    def __init__(self, worker: Worker, turn: asyncio.Lock) -> None:
        self._worker = worker
        self._one_at_a_time = turn
        self._modules: dict[str, ModuleType] = {}

    async def rehearse(self) -> list[Rehearsed]:
        async with self._one_at_a_time:
            with self._in_place():
                return await self._worker.rehearse()

    async def rehearse_again(self, labels: Mapping[str, Sequence[str]]) -> list[Rehearsed]:
        async with self._one_at_a_time:
            with self._in_place():
                return await self._worker.rehearse_again(labels)

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        async with self._one_at_a_time:
            with self._in_place():
                return await self._worker.prepare(endpoint)

    async def trial(self, key: TrialKey) -> TrialResult:
        return await self._worker.trial(key)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        path, others = [*sys.path], _take_out()
        sys.modules.update(self._modules)
        try:
            yield
        finally:
            sys.path[:] = path
            self._modules = _take_out()
            sys.modules.update(others)


def _take_out() -> dict[str, ModuleType]:
    """Forget the modules of projects, which all are in temporary folders."""
    found = {
        name: module
        for name, module in sys.modules.items()
        if _is_projects(getattr(module, "__file__", None))
    }
    for name in found:
        del sys.modules[name]
    importlib.invalidate_caches()
    return found


def _is_projects(file: str | None) -> bool:
    if file is None:
        return False
    path = Path(file)
    return path.is_relative_to(_TEMPORARY) and not any(map(path.is_relative_to, _STAYS))


def side_by_side() -> StartWorker:
    """Start workers in this process, for one diff."""
    turn = asyncio.Lock()

    @asynccontextmanager
    async def start(_: str, settings: WorkerSettings) -> AsyncIterator[SideBySide]:
        async with Worker.opened(settings) as worker:
            yield SideBySide(worker, turn)

    return start
