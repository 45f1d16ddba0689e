"""One exchange with a model: its request, its key, and its answer, as a line of JSON."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from handoff_evals.transcript import ToolSchema


@dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """Which model answers: another label or another option is another model."""

    label: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """What else its answers depend on, as temperature or template. Never a key."""
    agents_own: Annotated[bool, Field(exclude=True)] = False
    """Whether each agent's own model answers: then each request says which one it is."""


@dataclass(frozen=True, kw_only=True)
class RecordedRequest:
    """What livekit gives the model to answer (`llm.LLM.chat`)."""

    agent: str
    """Who asks, to name it by; no part of the key."""
    model: ModelIdentity
    messages: tuple[Mapping[str, Any], ...]
    """In the format of the Chat Completions API."""
    tools: tuple[ToolSchema, ...] = ()
    tool_choice: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """What else the request sets, as `parallel_tool_calls`."""

    @property
    def instructions(self) -> str:
        """The text of the system messages at the start."""
        found = []
        for message in self.messages:
            if message["role"] not in {"system", "developer"}:
                break
            found.append(str(message.get("content") or ""))
        return "\n".join(found)

    @property
    def conversation(self) -> tuple[Mapping[str, Any], ...]:
        """The messages after the instructions."""
        for index, message in enumerate(self.messages):
            if message["role"] not in {"system", "developer"}:
                return self.messages[index:]
        return ()

    def canonical(self) -> "RecordedRequest":
        """The same for all requests that ask the same.

        The ids of tool calls, which livekit and providers draw at random, become numbers
        in the order of their first appearance.
        """
        numbers: dict[str, str] = {}

        def numbered(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {
                    name: numbers.setdefault(each, f"call_{len(numbers) + 1}")
                    if name in {"id", "tool_call_id"} and isinstance(each, str)
                    else numbered(each)
                    for name, each in value.items()
                }
            return [numbered(each) for each in value] if isinstance(value, list | tuple) else value

        return replace(self, messages=tuple(numbered(message) for message in self.messages))

    def redacted(self, redact: Callable[[str], str]) -> "RecordedRequest":
        """The same with every text of its messages passed through `redact`."""

        def clean(value: Any) -> Any:
            if isinstance(value, str):
                return redact(value)
            if isinstance(value, Mapping):
                return {
                    name: each if name in _NO_WORDS else clean(each) for name, each in value.items()
                }
            return [clean(each) for each in value] if isinstance(value, list | tuple) else value

        return replace(self, messages=tuple(clean(message) for message in self.messages))

    def key(self, *, trial: int, seed: int) -> str:
        """The key of all that is the same, in one trial: 32 hexadecimal digits.

        Args:
            trial: the trial's number, so that repeats never share an answer.
            seed: the trial's seed.
        """
        parts = {
            "model": {"label": self.model.label, "options": self.model.options},
            "messages": self.messages,
            "tools": [
                {"name": each.name, "description": each.description, "parameters": each.parameters}
                for each in self.tools
            ],
            "tool_choice": self.tool_choice,
            "options": self.options,
            "trial": trial,
            "seed": seed,
        }
        written = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(written.encode()).hexdigest()[:32]


# Parts of a message that are no text.
_NO_WORDS = frozenset({"role", "id", "tool_call_id", "type", "name"})


SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model answered, chunk by chunk."""

    model: str
    """The name that the model gave itself."""
    chunks: tuple[Mapping[str, Any], ...]
    """Each with `at`, the seconds since the request, and `delta` or `usage` as livekit's
    `ChatChunk` has them."""
    ttft_s: float | None
    duration_s: float

    def redacted(self, redact: Callable[[str], str]) -> "Answer":
        """The same with its words passed through `redact`, put together into one chunk first.

        A number that came in three chunks would be seen in none of them.
        """
        words, calls, rest = "", [], []
        for chunk in self.chunks:
            delta = dict(chunk.get("delta") or {})
            words += delta.pop("content", None) or ""
            calls += [
                {**call, "arguments": redact(call["arguments"])}
                for call in delta.pop("tool_calls", None) or ()
            ]
            if chunk.get("usage"):
                rest.append({**chunk, "delta": delta} if delta else _without_delta(chunk))
        said = {"content": redact(words)} if words else {}
        at = next((chunk["at"] for chunk in self.chunks), 0.0)
        first = {"at": at, "delta": {"role": "assistant", **said, "tool_calls": calls}}
        return replace(self, chunks=(first, *rest))


def _without_delta(chunk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in chunk.items() if name != "delta"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A request and its answer, in one trial."""

    key: str
    trial: int
    seed: int
    occurrence: int
    """How often the same had been asked before in the trial."""
    request: RecordedRequest
    answer: Answer
    schema: int = SCHEMA

    @property
    def place(self) -> tuple[str, int]:
        """What it is found by."""
        return self.key, self.occurrence

    def line(self) -> bytes:
        """The entry as a line of the file, with its end of line."""
        data = _ENTRY.dump_python(self, mode="json")
        return json.dumps(data, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


_ENTRY = TypeAdapter(Entry)


def entry_of(line: bytes) -> Entry:
    """Read a line.

    Raises:
        ValueError: when it is not one of this version.
    """
    data = json.loads(line)
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"has schema {schema!r}; this version reads {SCHEMA}")
    return _ENTRY.validate_python(data)
