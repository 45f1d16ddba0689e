"""The tasks of one conversation: none outlives it, and when all of them are idle.

`run()` returns early where AgentTasks are nested: the handoff back and the reply
come moments later. It never returns where an `on_enter` waits for what only the caller
can bring, as a name. livekit has no event for "all is quiet", so this reads the few
private fields that say so, from `internals.py`.
"""

import asyncio
import inspect
import os
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit import agents

from handoff_evals.livekit.internals import (
    agents_code_in,
)
from handoff_evals.user_code import (
    GuardedCoroutine,
    is_user_file,
    users_stack,
    waiting_frames,
)

_LIVEKIT = f"{Path(agents.__file__).parent}{os.sep}"
_ASYNCIO = str(Path(asyncio.__file__).parent)
_OURS = str(Path(__file__).parents[1])

_CURRENT: ContextVar["ConversationTasks"] = ContextVar("handoff_evals_tasks")
# For how long a task of the user's own may yet bring what an `on_enter` waits for.
_GRACE_S = 2.0
# After so many sleeps at one place an `on_enter` is taken to look for what the caller brings.
_POLLS = 5


class ConversationTasks:
    """The tasks of one conversation.

    livekit leaves a hanging tool running, and `aclose()` waits for it. Tasks
    inherit the context in which they are created, so a task factory can tell
    which conversation a task belongs to, and end what is left of it.

    Args:
        done: called with each task that is done, and whether it is one of livekit's.
    """

    def __init__(self, done: "Callable[[asyncio.Task[Any], bool], None] | None" = None) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._done = done
        self._waiting: dict[asyncio.Task[Any], float] = {}
        """Since when each `on_enter` waits that does."""
        self._polling: dict[asyncio.Task[Any], _Polling] = {}

    def enter(self) -> None:
        """Take in all tasks that are made in the current context."""
        _install(asyncio.get_running_loop())
        _CURRENT.set(self)

    def add(self, task: "asyncio.Task[Any]") -> None:
        """Take in a task; it leaves by itself when it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        self._waiting.pop(task, None)
        self._polling.pop(task, None)
        livekits = _is_livekits(task)
        if self._done is not None:
            self._done(task, livekits)
        if livekits and not task.cancelled():
            task.exception()  # livekit has logged it, and asyncio would once more

    def users_stack(self) -> Sequence[str]:
        """Where the agents' code waits, innermost last: of the tools and nodes before other tasks.

        Each line as `look_up (desk.py, line 12)`; none where none of it runs.
        """
        stacks = [(agents_code_in(task) is not None, users_stack(task)) for task in self._left()]
        found = [each for each in stacks if each[1]]
        return max(found, key=lambda each: (each[0], len(each[1])))[1] if found else ()

    def waits_for_caller(self, task: "asyncio.Task[Any]") -> bool:
        """Whether an `on_enter` waits for what only the caller's words can bring.

        It stands at an event, a queue or a future of its own, and nothing else of the user's
        runs that could set it; what runs for long, as a loop that looks after the caller,
        is not waited for. Or it looks again and again, and sleeps in between.
        """
        if agents_code_in(task) != "on_enter":
            return False
        now = asyncio.get_running_loop().time()
        if not _is_blocked(task):
            self._waiting.pop(task, None)
            return self._polls(task, now)
        since = self._waiting.setdefault(task, now)
        others = (each for each in self._left() if _is_users(each) and not _is_blocked(each))
        return next(others, None) is None or now - since >= _GRACE_S

    def _polls(self, task: "asyncio.Task[Any]", now: float) -> bool:
        place = _place_of_sleep(task)
        if place is None:
            return False  # it runs, or is between two sleeps
        seen = self._polling.get(task)
        if seen is None or seen.place != place:
            self._polling[task] = _Polling(place=place, since=now, waiter=_waiter(task))
            return False
        seen.look(_waiter(task))
        return seen.is_fresh and seen.times >= _POLLS and now - seen.since >= _GRACE_S

    def look_again(self) -> None:
        """Have each `on_enter` that looks again and again look once more before it is waiting."""
        for each in self._polling.values():
            each.is_fresh = False

    def cancel_waiting(self) -> Sequence[str]:
        """Cancel each `on_enter` that waits for the caller, who has left.

        Returns:
            A sentence for each: livekit's `aclose()` would have waited for it for ever.
        """
        found = []
        for task in self._left():
            polls = task in self._polling and self._polling[task].times >= _POLLS
            if agents_code_in(task) == "on_enter" and (polls or _is_blocked(task)):
                where = " > ".join(users_stack(task))
                found.append(f"{where} waits for the caller; LiveKit's session closes after it")
                task.cancel()
        return found

    def wait_outside(self) -> bool:
        """Whether the agents' code waits for something else than time or livekit: a socket."""
        return any(_waits_outside(task) for task in self._left())

    async def cancel(self, *, timeout_s: float) -> int:
        """Cancel what still runs, and wait for it to end, at most `timeout_s` seconds.

        What swallows the cancellation each time is closed like a generator, or the event
        loop itself could never end.

        Returns:
            How many tasks ignored it.
        """
        for _ in range(3):
            if not await self._cancelled(timeout_s / 4):
                return 0
        stubborn = self._left()
        for task in stubborn:
            with suppress(Exception):  # it went on even so, or fails as it ends
                task.get_coro().close()
        await self._cancelled(timeout_s / 4)
        for task in stubborn:
            if task.done() and not task.cancelled():
                task.exception()  # asked for, so that asyncio does not report it as lost
        return len(stubborn)

    async def _cancelled(self, seconds: float) -> bool:
        """Cancel once; whether something is left."""
        left = self._left()
        for task in left:
            _break_circle(task)
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=seconds)
        return bool(self._left())

    def _left(self) -> "set[asyncio.Task[Any]]":
        current = asyncio.current_task()
        return {task for task in self._tasks if task is not current and not task.done()}


def _is_livekits(task: "asyncio.Task[Any]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.startswith(_LIVEKIT)


def _is_users(task: "asyncio.Task[Any]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and is_user_file(code.co_filename)


# Where code waits until other code of this process wakes it, and neither time nor a socket does.
_UNTIL_WOKEN = {f"{_ASYNCIO}/locks.py", f"{_ASYNCIO}/queues.py"}


@dataclass(kw_only=True)
class _Polling:
    """An `on_enter` that sleeps at one place of its code, how often, and for what it sleeps now."""

    place: tuple[int, int]
    since: float
    waiter: Any
    times: int = 0
    is_fresh: bool = True

    def look(self, waiter: Any) -> None:
        """Take in what it waits for now."""
        if waiter is not self.waiter:
            self.waiter, self.times, self.is_fresh = waiter, self.times + 1, True


def _place_of_sleep(task: "asyncio.Task[Any]") -> tuple[int, int] | None:
    """The frame of the user's code that sleeps, and where in it; None where none does."""
    frames = list(waiting_frames(task))
    if _waiter(task) is None or frames[-1].f_code is not asyncio.sleep.__code__:
        return None
    users = [frame for frame in frames if is_user_file(frame.f_code.co_filename)]
    return (id(users[-1]), users[-1].f_lasti) if users else None


def _waiter(task: "asyncio.Task[Any]") -> "asyncio.Future[Any] | None":
    """What a task waits for; asyncio has no public way to it."""
    return getattr(task, "_fut_waiter", None)


def _break_circle(task: "asyncio.Task[Any]") -> None:
    """Cancel the wait by which a task waits for itself, where it does.

    A tool that awaits the end of the session waits for its own end. asyncio would pass a
    cancellation on in the circle of `gather`s until the stack is full.
    """
    seen: set[asyncio.Future[Any]] = {task}
    waiting: list[asyncio.Future[Any]] = [task]
    while waiting:
        each = waiting.pop()
        gathered = getattr(each, "_children", ())
        found = [*gathered] if gathered else [getattr(each, "_fut_waiter", None)]
        for inner in found:
            if inner in seen and gathered and not each.done():
                each.set_exception(asyncio.CancelledError())
            elif isinstance(inner, asyncio.Future) and inner not in seen:
                seen.add(inner)
                waiting.append(inner)


def _is_blocked(task: "asyncio.Task[Any]") -> bool:
    """Whether a task goes on only when other code of this process wakes it.

    A library that reads from a socket waits at an event as well, but in frames of its own.
    """
    waiter = _waiter(task)
    if waiter is None or waiter.done():
        return False
    frames = list(waiting_frames(task))
    users = [place for place, frame in enumerate(frames) if is_user_file(frame.f_code.co_filename)]
    called = frames[users[-1] + 1 :] if users else frames
    if isinstance(waiter, asyncio.Task):
        return _is_blocked(waiter)
    if not called:
        # What a thread sets has a callback of that thread's as well.
        return type(waiter) is asyncio.Future and len(getattr(waiter, "_callbacks", ())) == 1
    last = called[-1]
    if last.f_code is asyncio.wait_for.__code__ and isinstance(last.f_locals["fut"], asyncio.Task):
        return _is_blocked(last.f_locals["fut"])
    in_asyncio = all(frame.f_code.co_filename.startswith(_ASYNCIO) for frame in called)
    return in_asyncio and last.f_code.co_filename in _UNTIL_WOKEN


def _waits_outside(task: "asyncio.Task[Any]") -> bool:
    frames = list(waiting_frames(task))
    files = [frame.f_code.co_filename for frame in frames]
    if agents_code_in(task) is None and not any(map(is_user_file, files)):
        return False
    if frames and frames[-1].f_code is asyncio.sleep.__code__:
        return False
    inner = next((name for name in reversed(files) if not name.startswith(_ASYNCIO)), "")
    return not inner.startswith((_LIVEKIT, _OURS))


class _Factory:
    """Creates tasks as the loop did before, and gives each to its conversation."""

    def __init__(self, previous: Any) -> None:
        self._previous = previous

    def __call__(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **kwargs: Any,
    ) -> "asyncio.Task[Any]":
        context = kwargs.get("context")
        tasks = _CURRENT.get(None) if context is None else context.get(_CURRENT)
        if tasks is not None and inspect.iscoroutine(coro):
            coro = GuardedCoroutine(coro)
        if self._previous is None:
            task = asyncio.Task(coro, loop=loop, **kwargs)
        else:
            task = self._previous(loop, coro, **kwargs)
        if tasks is not None:
            tasks.add(task)
        return task


def _install(loop: asyncio.AbstractEventLoop) -> None:
    previous = loop.get_task_factory()
    if not isinstance(previous, _Factory):
        loop.set_task_factory(_Factory(previous))


# A task that is woken by another one's end shows itself within a few rounds of
# the event loop; nothing that is in memory takes longer.


def current_tasks() -> ConversationTasks | None:
    """The tasks of the conversation that this code is part of; None outside of one."""
    return _CURRENT.get(None)
