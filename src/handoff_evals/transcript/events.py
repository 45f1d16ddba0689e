"""What happened in a conversation, one event a class, named as livekit names them.

livekit's own run events leave out the caller's words, config updates and what it
only logs; these do not. `agent` is the agent that was active when it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Discriminator

from handoff_evals.transcript.agent_ref import AgentRef


@dataclass(frozen=True, kw_only=True)
class Message:
    """Something said: by the caller (`user`), by an agent (`assistant`), or put in by code."""

    role: Literal["user", "assistant", "system", "developer"]
    text: str
    agent: AgentRef | None = None
    interrupted: bool = False
    at_s: float | None = None
    """When it began, in seconds since its turn did; None where nobody noted it."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """livekit's per-message metrics that are numbers; seconds."""
    type: Literal["message"] = "message"


@dataclass(frozen=True, kw_only=True)
class FunctionCall:
    """A tool that the model called; `arguments` is the JSON text as livekit kept it."""

    name: str
    arguments: str
    call_id: str
    agent: AgentRef | None = None
    type: Literal["function_call"] = "function_call"


@dataclass(frozen=True, kw_only=True)
class FunctionCallOutput:
    """What a tool gave back to the model."""

    name: str
    output: str
    call_id: str
    is_error: bool = False
    agent: AgentRef | None = None
    type: Literal["function_call_output"] = "function_call_output"


@dataclass(frozen=True, kw_only=True)
class AgentHandoff:
    """The call went from one agent to another; the first one of a session has no `old`."""

    old: AgentRef | None
    new: AgentRef
    type: Literal["agent_handoff"] = "agent_handoff"


@dataclass(frozen=True, kw_only=True)
class AgentConfigUpdate:
    """An agent's instructions or tools as they came into force."""

    agent: AgentRef | None = None
    instructions: str | None = None
    tools_added: tuple[str, ...] = ()
    tools_removed: tuple[str, ...] = ()
    type: Literal["agent_config_update"] = "agent_config_update"


@dataclass(frozen=True, kw_only=True)
class AgentError:
    """What livekit only logs: an exception in a tool or `on_enter`, a dropped handoff."""

    where: str
    """`tool`, `on_enter`, `on_exit`, `dropped_handoff`, `ignored_call`, `invalid_arguments`,
    `interruption_timeout` or `session`."""
    message: str
    traceback: str = ""
    agent: AgentRef | None = None
    type: Literal["agent_error"] = "agent_error"


Event = Annotated[
    Message | FunctionCall | FunctionCallOutput | AgentHandoff | AgentConfigUpdate | AgentError,
    Discriminator("type"),
]
