"""A child process that is given commands and answers each: a side of a diff, a worker of a run.

`CommandProcess` is the side that starts it, `serve_commands` what the child itself runs.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.processes import ChildProcess, ParentProcess

STACK_SIGNAL = signal.SIGRTMIN + 8
"""Has a child print where its threads are, whatever they do."""
_PRINT_S = 0.5


class ProcessEndedError(HandoffEvalsError):
    """The child ended before it had answered.

    Args:
        name: what messages call it.
        code: its exit code; below 0 for the signal that ended it; None where it went on, but
            had closed the pipe for its answers.
        printed: the end of what it printed.
    """

    def __init__(self, name: str, code: int | None, printed: str) -> None:
        super().__init__(f"the process of {name} {how_it_ended(code)}: {printed}")
        self.code = code
        self.printed = printed


def how_it_ended(code: int | None) -> str:
    """An exit code in words, as `ended with exit code 0` or `was ended by SIGSEGV`."""
    if code is None:
        return "closed the pipe for its answers"
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


@dataclass(kw_only=True)
class CommandProcess:
    """A child that answers commands; `started` starts it."""

    name: str
    """What messages call it."""
    process: ChildProcess
    waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    """The commands that have no answer yet."""
    given: int = 0
    """How many commands were given."""
    error: HandoffEvalsError | None = None
    """Why it answers no more."""
    is_stopping: bool = False
    stop_s: float = 10.0
    """How long it may take to end by itself."""

    @classmethod
    @asynccontextmanager
    async def started(
        cls,
        name: str,
        module: str,
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> AsyncIterator[Self]:
        """Start the module, and end it with the block.

        Yields:
            The process; nothing was sent to it yet.

        Raises:
            OSError: when it can't be started.
        """
        process = ChildProcess(module, folder=folder, environment=environment, log=log)
        child = cls(name=name, process=process)
        reader = asyncio.create_task(child._read())
        try:
            yield child
        finally:
            child.is_stopping = True
            await asyncio.to_thread(process.stop, within_s=child.stop_s)
            await reader

    async def ask(self, what: str, **more: Any) -> Any:
        """Give a command, and wait for its answer.

        Raises:
            ProcessEndedError: when the process ended before.
            UsageError: what the command raised.
            HandoffEvalsError: likewise, or the process wrote something else than an answer.
        """
        if self.error is not None:
            raise self.error
        self.given += 1
        answered = self.waiting[self.given] = asyncio.get_running_loop().create_future()
        self.process.send({"id": self.given, "do": what, **more})
        answer = await answered
        if "error" in answer:
            kind = UsageError if answer["usage"] else HandoffEvalsError
            raise kind(f"{self.name}: {answer['error']}")
        return answer["ok"]

    async def kill(self) -> None:
        """End it; it prints first where its threads are."""
        self.is_stopping = True
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, STACK_SIGNAL)
            await asyncio.sleep(_PRINT_S)
            os.killpg(self.process.pid, signal.SIGKILL)

    async def _read(self) -> None:
        try:
            # In a thread, which the process's end sets free.
            while (answer := await asyncio.to_thread(self.process.receive)) is not None:
                answered = self.waiting.pop(answer["id"], None)
                if answered is not None and not answered.done():
                    answered.set_result(answer)
            code = await asyncio.to_thread(self.process.stop, within_s=self.stop_s)
            ended = None if self.process.was_killed and not self.is_stopping else code
            self.error = ProcessEndedError(self.name, ended, self.process.printed)
        except HandoffEvalsError as error:
            self.error = HandoffEvalsError(f"the process of {self.name} failed: {error}")
        for answered in self.waiting.values():
            if not answered.done():
                answered.set_exception(self.error)
                answered.exception()  # whoever asked may have gone


async def serve_commands(
    parent: ParentProcess, do: Callable[[Mapping[str, Any]], Awaitable[Any]]
) -> None:
    """Answer the parent's commands until it ends, several at once; what is left is cancelled.

    Args:
        parent: who gives them.
        do: carries one out; what it returns is the answer, as JSON.
    """
    running: set[asyncio.Task[None]] = set()
    # A thread that waits for a command doesn't keep the process: its parent's end ends it.
    while (command := await asyncio.to_thread(parent.receive)) is not None:
        task = asyncio.create_task(_answer(do, command, parent))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _answer(
    do: Callable[[Mapping[str, Any]], Awaitable[Any]],
    command: Mapping[str, Any],
    parent: ParentProcess,
) -> None:
    answer: dict[str, Any] = {"id": command["id"]}
    try:
        answer["ok"] = await do(command)
    except HandoffEvalsError as error:
        answer |= {"error": str(error), "usage": isinstance(error, UsageError)}
    except Exception as error:  # noqa: BLE001 - the other process has to hear of it
        answer |= {"error": f"{type(error).__name__}: {error}", "usage": False}
    with suppress(BrokenPipeError):
        parent.send(answer)
