"""How a conversation ends: by whom, and what LiveKit's `on_simulation_end` says of it."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from livekit.agents import get_job_context

from handoff_evals.livekit import OverdueError, begin_simulation_end
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import Fault
from handoff_evals.user_code import import_reference


@dataclass(kw_only=True)
class Ending:
    """What is known of a conversation's end once it is over."""

    callback: str = ""
    """`module:function` of LiveKit's `on_simulation_end`."""
    ended_by: Literal["agent", "caller", ""] = ""
    veto: str | None = None

    @classmethod
    def of(cls, scenario: Scenario | None) -> "Ending":
        """The ending of a scenario's conversation, which is not over."""
        return cls(callback=scenario.conversation.on_simulation_end if scenario else "")

    async def ask(
        self,
        within: Callable[[Coroutine[Any, Any, None]], Awaitable[None]],
        *,
        turn: int,
    ) -> tuple[Fault, ...]:
        """Ask the callback, if there is one, while the session is still there.

        Args:
            within: awaits what it gets in the conversation's context, up to a deadline.
            turn: the number that the next turn would have.

        Returns:
            What went wrong in the callback, which is the agents' code.

        Raises:
            UsageError: when it can't be imported.
        """
        if not self.callback:
            return ()
        found: Any = import_reference(self.callback, folder=Path.cwd(), what="on_simulation_end")
        try:
            await within(self._ask(found))
        except OverdueError:
            detail = f"{self.callback} was not done in time"
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a fault
            detail = f"{self.callback} raised {type(error).__name__}: {error}"
        else:
            return ()
        return (Fault(owner="agent", cause="on_simulation_end", detail=detail, turn=turn),)

    async def _ask(self, callback: Callable[[Any], Any]) -> None:
        # The scenario with its userdata, and by `job_context` the session.
        context = get_job_context().simulation_context()
        if context is None:
            return
        begin_simulation_end(context)
        answer = callback(context)
        if inspect.isawaitable(answer):
            await answer
        if context.user_verdict is not None:
            self.veto = context.user_verdict.reason or "it gave no reason"
