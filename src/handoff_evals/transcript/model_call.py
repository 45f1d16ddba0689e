"""One request to a model: what it received and what it answered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from handoff_evals.transcript.agent_ref import AgentRef


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
    purpose: Literal["reply", "direct"]
    """`reply`: livekit asked for the agent's next words. `direct`: the agent's own
    code asked the session's model, as for a summary."""
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
