"""An event loop that does not wait for its own timers, so that tests of deadlines cost no time."""

import asyncio
from collections.abc import Callable
from typing import Any


def skip_waiting(loop: asyncio.AbstractEventLoop, *, idle_s: float = 0.0) -> Callable[[], None]:
    """Have the loop's clock jump to its next timer where nothing else is left to do.

    So no deadline costs time, and none passes because the machine is busy: all happens in
    the order in which it would have happened anyway.

    Args:
        loop: any loop of asyncio's on Linux.
        idle_s: seconds for which really nothing happens before the clock jumps. Zero where
            all that can happen is in memory; sockets of this process need a little.

    Returns:
        What makes it an ordinary loop again.
    """
    any_loop: Any = loop
    time, select = any_loop.time, any_loop._selector.select
    ahead = 0.0

    def jumping(timeout: float | None = None) -> Any:
        nonlocal ahead
        if timeout is None or timeout <= idle_s:
            return select(timeout)
        events = select(idle_s)
        if not events:
            ahead += timeout - idle_s
        return events

    def undo() -> None:
        any_loop.time, any_loop._selector.select = time, select

    any_loop.time = lambda: time() + ahead
    any_loop._selector.select = jumping
    return undo
