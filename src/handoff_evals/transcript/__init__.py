"""The record of one conversation, and nothing that knows how it was made."""

from handoff_evals.transcript.events import (
    ENDED_CALL,
    ORACLE,
    AgentConfigUpdate,
    AgentError,
    AgentHandoff,
    AgentRef,
    Event,
    Fault,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Owner,
    label,
)
from handoff_evals.transcript.transcript import (
    ModelCall,
    ToolSchema,
    Transcript,
    Turn,
    Usage,
    message_text,
)

__all__ = [
    "ENDED_CALL",
    "ORACLE",
    "AgentConfigUpdate",
    "AgentError",
    "AgentHandoff",
    "AgentRef",
    "Event",
    "Fault",
    "FunctionCall",
    "FunctionCallOutput",
    "Message",
    "ModelCall",
    "Owner",
    "ToolSchema",
    "Transcript",
    "Turn",
    "Usage",
    "label",
    "message_text",
]
