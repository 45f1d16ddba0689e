"""What one conversation does, each thing up to a deadline; waiting for a rate limit does not count.

Any sixty seconds count, as providers count them. The usual limiters let a whole minute's
worth through at once and refill meanwhile, belong to one event loop, and must be told
beforehand what a request takes; how many tokens it took is known by its answer only.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import Any

from handoff_evals.livekit.virtual_time import VirtualTime
from handoff_evals.watchdog import stood_still_s

# A deadline is checked again this soon while a rate limit holds a request back.
_TICK_S = 0.05


class OverdueError(Exception):
    """Not a TimeoutError: that may come from the agents' own code."""


class Timed:
    """The clock of a conversation, which stands still while a rate limit holds requests back.

    Args:
        total_s: seconds that all of the conversation may take.
    """

    def __init__(self, *, total_s: float) -> None:
        self.held = WaitClock()
        self._left = total_s
        self._cut_off: asyncio.Future[None] | None = None

    @property
    def is_cut_off(self) -> bool:
        """Whether the last thing was ended before its deadline."""
        return self._cut_off is not None and self._cut_off.done()

    @property
    def left_s(self) -> float:
        """Seconds that are left of the conversation."""
        return max(0.0, self._left)

    def cut_off(self) -> None:
        """End what is under way: it would never end by itself."""
        if self._cut_off is not None and not self._cut_off.done():
            self._cut_off.set_result(None)

    async def within(
        self, work: Coroutine[Any, Any, Any], seconds: float, context: Context | None
    ) -> Any:
        """Do it in a context of this conversation.

        Raises:
            OverdueError: when it is late, or was cut off.
            RuntimeError: when code of the agents cancelled it.
        """
        task = asyncio.create_task(work, context=context)
        self._cut_off = asyncio.get_running_loop().create_future()
        began, left = self.clock(), seconds
        try:
            while left > 0 and not (task.done() or self._cut_off.done()):
                await asyncio.wait(
                    {task, self._cut_off},
                    timeout=max(left, _TICK_S),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                left = began + seconds - self.clock()
            if not task.done():
                raise OverdueError
            if task.cancelled():
                raise RuntimeError("the agent's code cancelled the task that it ran in")
            return task.result()
        finally:
            self._left -= self.clock() - began
            task.cancel()

    async def silence(self, seconds: float) -> None:
        """Let time pass in which nobody is at work: no deadline runs, and nobody has to wait."""
        with VirtualTime.of().skipping(), self.held.back():
            await asyncio.sleep(seconds)

    def clock(self) -> float:
        """Seconds, from any start."""
        return now() - self.held.seconds


def now() -> float:
    """Seconds on the running event loop's clock, without those in which others blocked it."""
    return asyncio.get_running_loop().time() - stood_still_s()


class WaitClock:
    """For how long requests were held back: time in which no other clock may run.

    Args:
        within: what this is a part of, and is held back with it.
    """

    def __init__(self, within: "WaitClock | None" = None) -> None:
        self.within = within
        self._requests = 0
        self._before = 0.0
        self._since = 0.0

    @property
    def seconds(self) -> float:
        """So far; what is held back at the same time counts once."""
        return self._before + (now() - self._since if self._requests else 0.0)

    @contextmanager
    def back(self) -> Iterator[None]:
        """While a request is held back."""
        if not self._requests:
            self._since = now()
        self._requests += 1
        try:
            if self.within is None:
                yield
            else:
                with self.within.back():
                    yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._before += now() - self._since


_CURRENT: ContextVar[WaitClock] = ContextVar("handoff_evals_wait_clock")


def count_in(clock: WaitClock) -> None:
    """Count the waits of this context, and of tasks made in it, on `clock`."""
    _CURRENT.set(clock)


def current_wait_clock() -> WaitClock:
    """Give the clock of this context; outside of a conversation nobody reads it."""
    return _CURRENT.get(WaitClock())
