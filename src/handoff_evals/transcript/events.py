"""What happened in a conversation, one event a class, named as livekit names them.

livekit's own run events leave out the caller's words, config updates and what it
only logs; these do not. `agent` is the agent that was active when it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Discriminator


@dataclass(frozen=True, kw_only=True)
class AgentRef:
    """One agent, told apart as far as the scenarios tell agents apart.

    livekit's id is the class name in snake case, so two instances of one class
    share it. The attributes that a suite names in `where:` are kept beside it.
    """

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The id, and what tells the instance apart: `specialist_agent[topic=billing]`."""
        return label(self.id, self.attributes)


def label(agent_id: str, attributes: Mapping[str, str]) -> str:
    """Write an id and attributes as one word: `id[name=value,other=value]`."""
    if not attributes:
        return agent_id
    inner = ",".join(f"{name}={value}" for name, value in sorted(attributes.items()))
    return f"{agent_id}[{inner}]"


ENDED_CALL = "ended_call"
"""The cause of the fault of an agent that ends the call while the caller has more to say."""

ORACLE = "oracle"
"""The cause of the fault where the oracle does not know what to play: the file has to say it."""

MISLEADING_TOOL = "misleading_tool"
"""The cause of the fault where a tool led elsewhere than its name says, as the oracle saw it."""

CALLER = "caller_"
"""What the causes of the faults of a simulated caller begin with."""

Owner = Literal["agent", "model", "infrastructure"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that went wrong.

    `agent`: the code under test (an exception in a tool, a hang, handoffs without
    end): the trial fails. `model`: the model answered, but badly (nothing at all,
    a tool that does not exist): it is scored like any other behaviour.
    `infrastructure`: there was no answer to judge (429, 500, time-out): the trial
    is unscored.
    """

    owner: Owner
    cause: str
    """A word to count by: `tool_error`, `turn_timeout`, `api_status_429`, …"""
    detail: str
    turn: int
    """Index into the transcript's turns; one past the last for the closing of the call."""
    retry_after_s: float | None = None
    """How long the provider asks to wait before the next request, in seconds."""
    ended: bool = False
    """Whether it cut its turn off, and the conversation with it."""


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
    kind: Literal["handoff", "task", "return"] = "handoff"
    """`task`: `new` is an AgentTask that an agent awaits. `return`: the AgentTask `old` is over,
    and the agent that awaited it goes on. `handoff`: any other."""
    step: str | None = None
    """The id of the step that `new` is, where a TaskGroup awaits it."""
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
    """What livekit swallows: an exception in a tool or `on_enter`, a dropped handoff."""

    where: str
    """`tool`, `on_enter`, `on_exit`, `on_user_turn_completed`, `llm_node`, `factory`,
    `background_task`, `model`, `several_agents`, `invalid_output`, `dropped_handoff`,
    `invalid_arguments`, `max_tool_steps`, `interruption_timeout`, `blocked_loop`, `silent_log` or
    `session`."""
    message: str
    traceback: str = ""
    agent: AgentRef | None = None
    type: Literal["agent_error"] = "agent_error"


Event = Annotated[
    Message | FunctionCall | FunctionCallOutput | AgentHandoff | AgentConfigUpdate | AgentError,
    Discriminator("type"),
]


@dataclass(frozen=True, kw_only=True)
class JobAction:
    """Something that the agents' code asked of LiveKit's job, its room or its server.

    `name` is as it is called: `connect`, `wait_for_participant`, `shutdown`,
    `sip.transfer_sip_participant` for `ctx.api.sip.transfer_sip_participant`,
    `room.local_participant.set_attributes`, `rpc.METHOD` for `perform_rpc`.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    """What it was answered with, where that was an error: its class and message."""
    turn: int | None = field(default=None, compare=False)
    """Index into the transcript's turns; None for the closing of the call."""
