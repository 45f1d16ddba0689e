"""livekit's session history as our events.

The history is the full record: `RunResult.events` lacks the caller's words, the
config updates, the call of an unknown tool, and what nested tasks do after
`run()` has returned.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from livekit.agents import AgentSession, llm

from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentHandoff,
    AgentRef,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
)


class HistoryReader:
    """Gives each item of a session's history once, as an event."""

    def __init__(self, handoff: Callable[[str], AgentHandoff | None]) -> None:
        """Read with `handoff`, which knows a handoff by the id of livekit's item."""
        self._handoff = handoff
        self._seen: set[str] = set()
        self._calls: set[str] = set()
        self._active: AgentRef | None = None
        self._turn_began = time.time()

    def begin_turn(self) -> None:
        """Count the times of the coming events from now."""
        self._turn_began = time.time()

    def read(
        self, session: AgentSession[Any], made: Sequence[tuple[int, FunctionCall]] = ()
    ) -> list[Event]:
        """The items that are new since the last time, in livekit's order.

        livekit files a call when its tool is done. A tool that hangs never is, and one
        that awaits an AgentTask is turns later: its call is taken from `made`.

        Args:
            session: whose history to read.
            made: the calls that the models made in this turn, each with the number of
                handoffs before it.
        """
        events = list(self._new(session))
        for handoffs, call in made:
            if call.call_id not in self._calls:
                self._calls.add(call.call_id)
                moves = [at for at, event in enumerate(events) if isinstance(event, AgentHandoff)]
                # What it led to comes after it.
                events.insert(moves[handoffs] if handoffs < len(moves) else len(events), call)
        return events

    def _new(self, session: AgentSession[Any]) -> Iterator[Event]:
        for item in list(session.history.items):
            if item.id in self._seen:
                continue
            self._seen.add(item.id)
            if isinstance(item, llm.FunctionCall):
                if item.call_id in self._calls:
                    continue
                self._calls.add(item.call_id)
            event = self._event(item)
            if event is not None:
                yield event

    def _event(self, item: llm.ChatItem) -> Event | None:
        agent = self._active
        match item:
            case llm.ChatMessage():
                return _message(item, agent, began=self._turn_began)
            case llm.FunctionCall():
                return FunctionCall(
                    name=item.name, arguments=item.arguments, call_id=item.call_id, agent=agent
                )
            case llm.FunctionCallOutput():
                return FunctionCallOutput(
                    name=item.name,
                    output=item.output,
                    call_id=item.call_id,
                    is_error=item.is_error,
                    agent=agent,
                )
            case llm.AgentHandoff():
                unheard = AgentHandoff(old=agent, new=AgentRef(id=item.new_agent_id))
                handoff = self._handoff(item.id) or unheard
                self._active = handoff.new
                return handoff
            case llm.AgentConfigUpdate():
                return AgentConfigUpdate(
                    agent=agent,
                    instructions=item.instructions,
                    tools_added=tuple(item.tools_added or ()),
                    tools_removed=tuple(item.tools_removed or ()),
                )


def _message(item: llm.ChatMessage, agent: AgentRef | None, *, began: float) -> Message:
    return Message(
        role=item.role,
        text=item.text_content or "",
        agent=None if item.role == "user" else agent,
        interrupted=item.interrupted,
        at_s=item.created_at - began,
        metrics={
            name: float(value)
            for name, value in item.metrics.items()
            if isinstance(value, int | float)
        },
    )
