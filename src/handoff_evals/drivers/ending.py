"""How a conversation ends: by whom, and what LiveKit's `on_simulation_end` says of it."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from livekit.agents import get_job_context

from handoff_evals.livekit import OverdueError, begin_simulation_end, simulation_end_of
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import Fault, Turn
from handoff_evals.user_code import import_reference

_Within = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]


class _EndableCall(Protocol):
    turns: list[Turn]

    @property
    def over(self) -> bool: ...


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

    async def note(self, call: "_EndableCall", within: _Within) -> tuple[Fault, ...]:
        """Note who ended the call, and ask the callback, of the scenario or the agents' server.

        The session is still there.

        Args:
            call: the conversation, all of whose turns are over.
            within: awaits what it gets in the conversation's context, up to a deadline.

        Returns:
            What went wrong in the callback, which is the agents' code.

        Raises:
            UsageError: when it can't be imported.
        """
        if self.ended_by:
            return ()  # a call may be closed twice
        self.ended_by = "agent" if call.over else "caller"
        named: Any = None
        if self.callback:
            named = import_reference(self.callback, folder=Path.cwd(), what="on_simulation_end")
        try:
            await within(self._ask(named))
        except OverdueError:
            detail = "on_simulation_end was not done in time"
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a fault
            detail = f"on_simulation_end raised {type(error).__name__}: {error}"
        else:
            return ()
        return (
            Fault(owner="agent", cause="on_simulation_end", detail=detail, turn=len(call.turns)),
        )

    async def _ask(self, named: Callable[[Any], Any] | None) -> None:
        job = get_job_context()
        callback = named or simulation_end_of(job)
        context = job.simulation_context()
        if callback is None or context is None:
            return
        begin_simulation_end(context)
        answer = callback(context)
        if inspect.isawaitable(answer):
            await answer
        if context.user_verdict is not None:
            self.veto = context.user_verdict.reason or "it gave no reason"
