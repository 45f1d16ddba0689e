"""An event loop that skips what nobody but timers waits for: minutes of a call take milliseconds.

LiveKit times a spoken call by the event loop: how long an utterance plays, when a turn is over,
when the caller is away. While a call is entered here, the loop's clock jumps to its next timer
where nothing else is left to do. It does not jump while something outside of the loop is under
way: a model that was asked, work in a thread, a socket that the agents' code waits for.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from handoff_evals.errors import UsageError
from handoff_evals.livekit.tasks import ConversationTasks


class VirtualTime:
    """The time of one event loop; `of` gives it.

    Args:
        loop: whose time it is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._the_loop = ref(loop)  # weakly, since this one lives as long as the loop
        self._calls: WeakSet[ConversationTasks] = WeakSet()
        self._entered = 0
        self._outside = 0
        self._skipped = 0.0
        self._patched = False

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop | None = None) -> "VirtualTime":
        """The one of this loop, the running one if none is given."""
        loop = loop or asyncio.get_running_loop()
        if loop not in _LOOPS:
            _LOOPS[loop] = cls(loop)
        return _LOOPS[loop]

    @property
    def _loop(self) -> Any:
        return self._the_loop()

    @property
    def wall(self) -> float:
        """The loop's time without what was skipped: for whoever keeps to a rate of requests."""
        return float(self._loop.time()) - self._skipped

    def at(self, wall: float) -> float:
        """When the loop's clock will show that time of the wall, if nothing is skipped."""
        return wall + self._skipped

    def watch(self, tasks: ConversationTasks) -> None:
        """Do not skip time while the agents of this conversation wait for a socket."""
        self._calls.add(tasks)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """While something is under way that takes real time."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    @contextmanager
    def skipping(self) -> Iterator[None]:
        """While time may be skipped.

        Raises:
            UsageError: the loop is not one of asyncio's own.
        """
        self._patch()
        self._entered += 1
        try:
            yield
        finally:
            self._entered -= 1

    def _patch(self) -> None:
        """Stand in for the loop's clock, for good: a clock that goes back wakes nobody in time."""
        if self._patched:
            return
        loop: Any = self._loop
        selector = getattr(loop, "_selector", None)
        if selector is None or not isinstance(self._loop, asyncio.SelectorEventLoop):
            raise UsageError(
                f"the event loop is {loop!r}, whose time can't be skipped: run spoken calls on "
                "asyncio's own loop"
            )
        time, select, in_thread = loop.time, selector.select, loop.run_in_executor
        loop.time = lambda: time() + self._skipped
        selector.select = lambda timeout=None: self._select(select, timeout)
        loop.run_in_executor = lambda *given: self._counted(in_thread(*given))
        self._patched = True

    def _select(self, select: Callable[[float | None], Any], timeout: float | None) -> Any:
        if not self._entered or timeout is None or timeout <= 0:
            return select(timeout)
        events = select(0)
        if events:
            return events
        if self._is_awaited():
            return select(timeout)
        self._skipped += timeout
        return events

    def _counted(self, work: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
        self._outside += 1

        def over(_: "asyncio.Future[Any]") -> None:
            self._outside -= 1

        work.add_done_callback(over)
        return work

    def _is_awaited(self) -> bool:
        """Whether something outside of the loop will go on by itself."""
        # One file is the loop's own, by which threads wake it.
        sockets = len(self._loop._selector.get_map()) > 1  # noqa: SLF001 - asyncio has no other way
        return self._outside > 0 or (sockets and any(tasks.wait_outside() for tasks in self._calls))


_LOOPS: "WeakKeyDictionary[asyncio.AbstractEventLoop, VirtualTime]" = WeakKeyDictionary()
