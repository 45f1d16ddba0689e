"""The record of one conversation, and nothing that knows how it was held."""

from handoff_evals.transcript.agent_ref import AgentRef
from handoff_evals.transcript.events import (
    AgentConfigUpdate,
    AgentError,
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
)
from handoff_evals.transcript.fault import Fault
from handoff_evals.transcript.model_call import ModelCall, ToolSchema, Usage, message_text
from handoff_evals.transcript.transcript import Transcript, Turn

__all__ = [
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
    "ToolSchema",
    "Transcript",
    "Turn",
    "Usage",
    "message_text",
]
