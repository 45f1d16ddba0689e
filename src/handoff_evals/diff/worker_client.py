"""The process of one side, as the process that compares sees it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from handoff_evals.changes import Rehearsed
from handoff_evals.diff.worker import WorkerSettings
from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.local_model import Endpoint
from handoff_evals.results import Trial, TrialKey

_LONGEST_LINE = 1 << 28
_PATIENCE_S = 10.0
_TAIL = 2000


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a side says once it could begin."""

    model: str
    concurrency: int
    notes: tuple[str, ...]
    commit: str | None


@dataclass(kw_only=True)
class WorkerClient:
    """Agents in a process of their own; `started` starts it."""

    name: str
    """What messages call it."""
    process: asyncio.subprocess.Process
    log: Path
    """What the process printed."""
    waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    given: int = 0
    """How many commands were given."""
    ended: bool = False

    @classmethod
    @asynccontextmanager
    async def started(cls, name: str, orders: WorkerSettings) -> AsyncIterator[Self]:
        """Start the process, and end it with the block.

        Yields:
            The side; its agents are not imported yet.
        """
        log = Path(f"{orders.out}.log")
        _writable(log)
        # Sets are written in an order by lot otherwise, and prompts may hold one.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        with log.open("ab") as printed:  # noqa: ASYNC230 - a file on this machine
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "handoff_evals.diff.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=printed,
                cwd=orders.folder,
                env=environment,
                limit=_LONGEST_LINE,
                start_new_session=True,  # Ctrl-C is for this process, which then ends that one
            )
        side = cls(name=name, process=process, log=log)
        reader = asyncio.create_task(side._read())
        try:
            side._write(_ORDERS.dump_python(orders, mode="json"))
            yield side
        finally:
            await side._end()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def rehearse(self) -> list[Rehearsed]:
        """Import the agents, and hold every scenario with the oracle."""
        return _REHEARSED.validate_python(await self._ask("rehearse"))

    async def prepare(self, endpoint: Endpoint | None) -> Prepared:
        """Make the model and the run folder."""
        served = None if endpoint is None else _ENDPOINT.dump_python(endpoint, mode="json")
        return _PREPARED.validate_python(await self._ask("prepare", endpoint=served))

    async def hold(self, key: TrialKey) -> Trial:
        """Hold one trial; it is in the run folder when it comes back."""
        written = await self._ask("hold", key=_KEY.dump_python(key, mode="json"))
        [trial] = _TRIALS.validate_python(written)
        return trial

    async def _ask(self, what: str, **more: Any) -> Any:
        """Give a command and wait for its answer.

        Raises:
            UsageError: when the side says that it can't be done.
            HandoffEvalsError: when the process failed.
        """
        self.given += 1
        future = self.waiting[self.given] = asyncio.get_running_loop().create_future()
        self._write({"id": self.given, "do": what, **more})
        answer = None if self.ended else await future
        if answer is None:
            raise HandoffEvalsError(f"the process of {self.name} ended: {self._printed()}")
        if "error" in answer:
            kind = UsageError if answer["usage"] else HandoffEvalsError
            raise kind(f"{self.name}: {answer['error']}")
        return answer["ok"]

    def _write(self, value: Any) -> None:
        stdin = self.process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for as a pipe
        with suppress(ConnectionError):  # it died; the reader hears of it
            stdin.write(json.dumps(value).encode("ascii") + b"\n")

    async def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None  # noqa: S101 - as above
        while line := await stdout.readline():
            answer = json.loads(line)
            future = self.waiting.pop(answer["id"])
            if not future.done():
                future.set_result(answer)
        self.ended = True
        while self.waiting:
            future = self.waiting.popitem()[1]
            if not future.done():
                future.set_result(None)

    async def _end(self) -> None:
        stdin = self.process.stdin
        assert stdin is not None  # noqa: S101 - as above
        stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), _PATIENCE_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def _printed(self) -> str:
        text = self.log.read_text(errors="replace").strip()
        return text[-_TAIL:] or "it said nothing"


_ORDERS = TypeAdapter(WorkerSettings)
_ENDPOINT = TypeAdapter(Endpoint)
_REHEARSED = TypeAdapter(list[Rehearsed])
_PREPARED = TypeAdapter(Prepared)
_TRIALS = TypeAdapter(list[Trial])
_KEY = TypeAdapter(TrialKey)


def _writable(log: Path) -> None:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        raise UsageError(f"--out {str(log.parent)!r} can't be written to: {error}") from error
