"""What was seen of one conversation, as far as the invariants ask."""

from dataclasses import dataclass

from handoff_evals.transcript import AgentRef, Fault


@dataclass(frozen=True, kw_only=True)
class Item:
    """A message, a tool call or a tool's output in an agent's context."""

    id: str
    type: str
    """`message`, `function_call` or `function_call_output`, as livekit names them."""
    name: str
    """A message's role, or the tool's name."""
    text: str
    """What was said, the call's arguments, or the output."""

    def __str__(self) -> str:
        """As a person would say which one it is."""
        match self.type:
            case "message":
                return f"the {self.name} message {self.text!r}"
            case "function_call":
                return f"the call {self.name}({self.text})"
            case _:
                return f"the output {self.text!r} of {self.name}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A handoff as the session's history holds it: livekit's ids of both agents."""

    old: str | None
    new: str


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One time that an agent instance took the call over."""

    old: AgentRef | None
    new: AgentRef
    instance: int
    """The same number for the same instance."""
    resumed: bool = False
    """Whether it only went on after an AgentTask: then nothing is entered."""


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """One run of an agent's `on_enter`, and what stood where when it began."""

    instance: int
    agent: AgentRef
    first: bool
    """Whether it is the agent that takes the call: it is handed nothing."""
    context: tuple[Item, ...]
    """What the agent begins with, without its own instructions."""
    left: tuple[Item, ...]
    """The context of the agent that had the call before."""
    history: tuple[Item, ...]
    """The session's history."""
    tools: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All of it, after some turn or after the end."""

    said: tuple[str, ...]
    """The caller's messages, as they were given to the session."""
    heard: tuple[str, ...]
    """The caller's messages, as the session's history holds them."""
    records: tuple[Record, ...]
    active: str | None
    """The id of the agent that has the call; None when the session is closed."""
    activations: tuple[Activation, ...]
    entrances: tuple[Entrance, ...]
    faults: tuple[Fault, ...]
