"""Every task that one conversation starts, so that none outlives it."""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from livekit import agents

_LIVEKIT = Path(agents.__file__).parent

_CURRENT: ContextVar["Nursery"] = ContextVar("handoff_evals_nursery")


class Nursery:
    """The tasks of one conversation.

    livekit leaves a hanging tool running, and `aclose()` waits for it. Tasks
    inherit the context in which they are created, so a task factory can tell
    which conversation a task belongs to, and end what is left of it.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def enter(self) -> None:
        """Make this the nursery of the current context and of all tasks made in it."""
        _install(asyncio.get_running_loop())
        _CURRENT.set(self)

    def add(self, task: "asyncio.Task[Any]") -> None:
        """Take in a task; it leaves by itself when it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if _is_livekits(task) and not task.cancelled():
            task.exception()  # livekit has logged it, and asyncio would once more

    async def cancel(self, *, patience_s: float) -> int:
        """Cancel what still runs, and wait for it to end, at most `patience_s` seconds.

        What swallows the cancellation each time is closed like a generator, or the event
        loop itself could never end.

        Returns:
            How many tasks ignored it.
        """
        for _ in range(3):
            if not await self._cancelled(patience_s / 4):
                return 0
        stubborn = self._left()
        for task in stubborn:
            with suppress(RuntimeError):  # it went on even so
                task.get_coro().close()
        await self._cancelled(patience_s / 4)
        for task in stubborn:
            if task.done() and not task.cancelled():
                task.exception()  # asked for, so that asyncio does not report it as lost
        return len(stubborn)

    async def _cancelled(self, seconds: float) -> bool:
        """Cancel once; whether something is left."""
        left = self._left()
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=seconds)
        return bool(self._left())

    def _left(self) -> "set[asyncio.Task[Any]]":
        current = asyncio.current_task()
        return {task for task in self._tasks if task is not current and not task.done()}


def _is_livekits(task: "asyncio.Task[Any]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and _LIVEKIT in Path(code.co_filename).parents


class _Factory:
    """Creates tasks as the loop did before, and gives each to its nursery."""

    def __init__(self, previous: Any) -> None:
        self._previous = previous

    def __call__(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **kwargs: Any,
    ) -> "asyncio.Task[Any]":
        if self._previous is None:
            task = asyncio.Task(coro, loop=loop, **kwargs)
        else:
            task = self._previous(loop, coro, **kwargs)
        context = kwargs.get("context")
        nursery = _CURRENT.get(None) if context is None else context.get(_CURRENT)
        if nursery is not None:
            nursery.add(task)
        return task


def _install(loop: asyncio.AbstractEventLoop) -> None:
    previous = loop.get_task_factory()
    if not isinstance(previous, _Factory):
        loop.set_task_factory(_Factory(previous))
