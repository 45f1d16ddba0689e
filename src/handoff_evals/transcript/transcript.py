"""The record of one conversation, with what each model received."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from handoff_evals.transcript.events import (
    AgentHandoff,
    AgentRef,
    Event,
    Fault,
    FunctionCall,
    FunctionCallOutput,
    JobAction,
    Message,
)
from handoff_evals.transcript.transfers import passed_by, transfers


@dataclass(frozen=True, kw_only=True)
class ToolSchema:
    """A tool as the model saw it; `parameters` is its JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one request, or of several added up."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            prompt=self.prompt + other.prompt,
            completion=self.completion + other.completion,
            cached=self.cached + other.cached,
        )


@dataclass(frozen=True, kw_only=True)
class ModelCall:
    """What one agent's model received at the `llm.LLM` port, and its answer.

    `messages` are in the format of the Chat Completions API, as livekit's own
    formatter makes them: what is not in here, the model did not get.
    """

    agent: AgentRef
    purpose: Literal["reply", "direct", "decision", "caller"]
    """`reply`: livekit asked for the agent's next words. `direct`: the agent's own
    code asked the session's model, as for a summary. `decision`: it asked a DecisionModel.
    `caller`: a simulated caller asked its own model, which is none of the agents'."""
    model: str
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[ToolSchema, ...] = ()
    tool_choice: str | None = None
    text: str = ""
    calls: tuple[Mapping[str, str], ...] = ()
    """The tool calls of the answer: `name`, `arguments`, `call_id`."""
    usage: Usage = Usage()
    ttft_s: float | None = None
    duration_s: float = 0.0
    held_s: float = 0.0
    """Seconds that the harness held it back to keep to the model's rate limit; in no other time."""
    error: str | None = None
    """Why it gave no answer: the error's class and message. None when it answered."""
    after_handoffs: int = 0
    """How many handoffs of its turn had happened when it was made."""
    finished: bool = True
    """False while the answer was still awaited when the conversation was cut off."""
    replayed: bool = False
    """The answer came from a cassette, its times too; no model was asked."""
    unused: bool = False
    """LiveKit began the reply before the turn was over, and then threw it away."""

    @property
    def received_text(self) -> str:
        """Everything that stood in the messages, as one text to search in."""
        return "\n".join(message_text(message) for message in self.messages)


def message_text(message: Mapping[str, Any]) -> str:
    """The words of one message: its content, and the names and arguments of its calls."""
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "\n".join(
            part["text"] if "text" in part else json.dumps(part, ensure_ascii=False)
            for part in content
        )
    calls = [
        f"{call['function']['name']}({call['function']['arguments']})"
        for call in message.get("tool_calls", ())
    ]
    return "\n".join(part for part in (content, *calls) if part)


def folded(text: str) -> str:
    """A text without what does not matter where words are looked for: case and white space."""
    straight = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(straight.casefold().split())


@dataclass(frozen=True, kw_only=True)
class FactTexts:
    """Where an agent has the facts from that a scenario asks about; all is `folded`."""

    asked: tuple[str, ...] = ()
    """The facts that were looked for."""
    own: tuple[str, ...] = ()
    """The facts with what stands around them in texts that are the agent's own in any call. A
    fact alone: it is a word of the agent's, and nobody knows where it stands."""
    given: tuple[str, ...] = ()
    """The same in its instructions, where those for another caller are without it."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What the caller said and everything that came of it until all was quiet again.

    Turn 0 is the opening: nobody has spoken yet (`user` is None), the first agent
    enters and may greet.
    """

    user: str | None
    events: tuple[Event, ...]
    model_calls: tuple[ModelCall, ...]
    active: AgentRef
    """The agent that was active when the turn was over."""
    userdata: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the session's userdata that the scenario asks about; a set as
    `{"$set": [members]}`."""
    facts: FactTexts = FactTexts()
    """Of the agent that was active when the turn was over."""
    duration_s: float = 0.0

    @property
    def handoffs(self) -> tuple[AgentHandoff, ...]:
        """The handoffs of this turn, in order."""
        return tuple(event for event in self.events if isinstance(event, AgentHandoff))

    @property
    def passed_by(self) -> tuple[tuple[AgentHandoff, bool], ...]:
        """The handoffs, each with whether the call only passed through its new agent.

        See `handoff_evals.transcript.transfers`.
        """
        asked = (
            (call.after_handoffs, call.agent.id)
            for call in self.model_calls
            if call.purpose == "reply"
        )
        return passed_by(self.events, asked)

    @property
    def transfers(self) -> tuple[AgentHandoff, ...]:
        """The handoffs from one agent to another, without those that were only passed by.

        The entrance of the first agent is none.
        """
        return transfers([each for each in self.passed_by if each[0].old is not None])

    @property
    def said(self) -> str:
        """What the agents said in this turn, one reply a line."""
        return "\n".join(
            event.text
            for event in self.events
            if isinstance(event, Message) and event.role == "assistant"
        )


@dataclass(frozen=True, kw_only=True)
class CallerRecord:
    """Who called, where it was no script."""

    kind: str
    """`rules` or `simulated`."""
    model: str = ""
    """The model that played it; empty where there was none."""
    hung_up: str = ""
    """Why the caller hung up, as a word; empty where it did not."""
    calls: tuple[ModelCall, ...] = ()
    """What the caller's model was asked, in order; no part of `Transcript.model_calls`."""

    @property
    def usage(self) -> Usage:
        """The tokens of its model."""
        return sum((call.usage for call in self.calls), Usage())


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """One conversation, complete: everything after the driver reads this and nothing else."""

    turns: tuple[Turn, ...]
    faults: tuple[Fault, ...] = ()
    ended_by: Literal["agent", "caller", ""] = ""
    """Who ended the call: the agent closed the session, or the caller had no more to say. Empty
    where a fault cut it off, or nobody noted it."""
    veto: str | None = None
    """Why LiveKit's `on_simulation_end` failed the conversation; None where it did not."""
    job: tuple[JobAction, ...] = ()
    """What the agents' code asked of LiveKit's job, its room and its server, in order."""
    notes: tuple[str, ...] = ()
    """What a reader has to know of how the caller's words were carried, in sentences."""
    caller: CallerRecord | None = None
    """Who called; None where the caller was scripted."""

    @property
    def events(self) -> tuple[Event, ...]:
        """All events in order, those of the opening first."""
        return tuple(event for turn in self.turns for event in turn.events)

    @property
    def happenings(self) -> tuple[tuple[Any, ...], ...]:
        """Every event in order, without times and ids."""
        return tuple(_happening(event) for event in self.events)

    @property
    def handoffs(self) -> tuple[AgentHandoff, ...]:
        """Every handoff, the first agent's entrance included (its `old` is None)."""
        return tuple(event for event in self.events if isinstance(event, AgentHandoff))

    @property
    def model_calls(self) -> tuple[ModelCall, ...]:
        """Every request to a model, in order."""
        return tuple(call for turn in self.turns for call in turn.model_calls)

    @property
    def usage(self) -> Usage:
        """The tokens of the whole conversation."""
        return sum((call.usage for call in self.model_calls), Usage())

    @property
    def held_s(self) -> float:
        """Seconds that the harness held requests back; no caller would have waited for them."""
        return sum(call.held_s for call in self.model_calls)

    @property
    def unscored_because(self) -> Fault | None:
        """The first fault that is nobody's behaviour, or None when the trial can be judged."""
        return next((fault for fault in self.faults if fault.owner == "infrastructure"), None)

    def indexed(self, turn: int) -> Iterator[tuple[int, Event]]:
        """The events of one turn with their indices into `events`."""
        start = sum(len(earlier.events) for earlier in self.turns[:turn])
        yield from enumerate(self.turns[turn].events, start)


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
