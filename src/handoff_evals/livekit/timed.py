"""What one conversation does, each thing up to a deadline."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from handoff_evals.livekit.rate import Held, now

# A deadline is looked at again this soon while a rate limit holds a request back.
_TICK_S = 0.05


class OverdueError(Exception):
    """Not a TimeoutError: that may come from the agents' own code."""


class Timed:
    """The clock of a conversation, which stands still while a rate limit holds requests back.

    Args:
        total_s: seconds that all of the conversation may take.
    """

    def __init__(self, *, total_s: float) -> None:
        self.held = Held()
        self._left = total_s
        self._broken_off: asyncio.Future[None] | None = None

    @property
    def broken_off(self) -> bool:
        """Whether the last thing was ended before its deadline."""
        return self._broken_off is not None and self._broken_off.done()

    @property
    def left_s(self) -> float:
        """Seconds that are left of the conversation."""
        return max(0.0, self._left)

    def break_off(self) -> None:
        """End what is under way: it would never end by itself."""
        if self._broken_off is not None and not self._broken_off.done():
            self._broken_off.set_result(None)

    async def within(
        self, work: Coroutine[Any, Any, Any], seconds: float, context: Context | None
    ) -> Any:
        """Do it in a context of this conversation.

        Raises:
            OverdueError: when it is late, or was broken off.
            RuntimeError: when code of the agents cancelled it.
        """
        task = asyncio.create_task(work, context=context)
        self._broken_off = asyncio.get_running_loop().create_future()
        began, left = self.clock(), seconds
        try:
            while left > 0 and not (task.done() or self._broken_off.done()):
                await asyncio.wait(
                    {task, self._broken_off},
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

    def clock(self) -> float:
        """Seconds, from any start."""
        return now() - self.held.seconds
