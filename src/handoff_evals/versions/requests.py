"""What models were asked and what happened in a conversation, to be held side by side."""

from typing import Any

from handoff_evals.cassette import ModelIdentity, Request
from handoff_evals.transcript import (
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Transcript,
)


def requests(transcript: Transcript) -> tuple[Request, ...]:
    """Every request in order, without the ids that are drawn by chance.

    Which model was asked is left out: it is the same on both sides.
    """
    return tuple(
        Request(
            agent=call.agent.label,
            model=ModelIdentity(label=""),
            messages=call.messages,
            tools=call.tools,
            tool_choice=call.tool_choice,
        ).canonical()
        for call in transcript.model_calls
    )


def happenings(transcript: Transcript) -> tuple[tuple[Any, ...], ...]:
    """Every event in order, without times and ids."""
    return tuple(_happening(event) for event in transcript.events)


def _happening(event: Event) -> tuple[Any, ...]:
    who = None if isinstance(event, AgentHandoff) or event.agent is None else event.agent.label
    match event:
        case Message():
            return event.type, who, event.role, event.text, event.interrupted
        case FunctionCall():
            return event.type, who, event.name, event.arguments
        case FunctionCallOutput():
            return event.type, who, event.name, event.output, event.is_error
        case AgentHandoff():
            return event.type, event.old and event.old.label, event.new.label
    return event.type, who, getattr(event, "message", "")
