"""One exchange with a model: its request, its key, and its answer, as a line of JSON."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from handoff_evals.credentials import CARRIED, masked
from handoff_evals.files import parsed_json
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
        in the order of their first appearance. What has no order of its own is sorted: sets
        that a text shows, tools, and the values of an `enum` or a `required` in a schema.
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

        made = replace(
            self,
            model=replace(self.model, options=without_carried(self.model.options)),
            messages=tuple(numbered(message) for message in self.messages),
            options=without_carried(self.options),
        )
        return texts_changed(made, _sets_sorted).in_order()

    def in_order(self) -> "RecordedRequest":
        """The same with its tools, and what has no order in their schemas, sorted."""
        tools = [replace(each, parameters=_schema_sorted(each.parameters)) for each in self.tools]
        return replace(
            self,
            tools=tuple(sorted(tools, key=lambda each: each.name)),
            options=_schema_sorted(self.options),
        )

    def redacted(self, redact: Callable[[str], str]) -> "RecordedRequest":
        """The same with every text of it passed through `redact`: messages, tools, options."""
        return replace(texts_changed(self, redact), agent=redact(self.agent))

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


def without_carried(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options with a digest in the place of each text in headers, query and body.

    Any of them may be a key, and with another one another model may answer.
    """
    return {
        name: _changed(each, _digest)
        if name in CARRIED
        else without_carried(each)
        if isinstance(each, Mapping)
        else each
        for name, each in options.items()
    }


def _digest(text: str) -> str:
    if re.fullmatch(r"sha256:[0-9a-f]{12}", text):
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


# Parts of a message or a schema that are no text.
_NO_WORDS = frozenset({"role", "id", "tool_call_id", "type", "name"})


def texts_changed(request: RecordedRequest, change: Callable[[str], str]) -> RecordedRequest:
    """The request with every text of it changed: in messages, then in tools, then in options."""
    return replace(
        request,
        messages=_changed(request.messages, change),
        tools=tuple(
            replace(
                each,
                description=change(each.description),
                parameters=_changed(each.parameters, change),
            )
            for each in request.tools
        ),
        options=_changed(request.options, change),
    )


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {
            name: each if name in _NO_WORDS and isinstance(each, str) else _changed(each, change)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_changed(each, change) for each in value)
    return value


_ITEM = (
    r"'(?:[^'\\\n]|\\.)*'|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"-?\d+(?:\.\d+)?|"
    r"<[\w.]+(?:: (?:'[^'\n]*'|-?\d+))?>"
)
_SET = re.compile(rf"\{{(?:{_ITEM})(?:, (?:{_ITEM}))+\}}")
"""How Python writes a set of texts, numbers or members of an enum; no JSON is written so."""


def _sets_sorted(text: str) -> str:
    if "{" not in text:
        return text
    return _SET.sub(
        lambda found: f"{{{', '.join(sorted(re.findall(_ITEM, found.group())))}}}", text
    )


# Keywords of JSON Schema whose lists have no order.
_UNORDERED = frozenset({"enum", "required", "anyOf", "oneOf", "allOf", "type", "examples"})
# Those whose values are data, in which these words mean nothing.
_DATA = frozenset({"enum", "const", "default", "examples"})


def _schema_sorted(schema: Any) -> Any:
    if isinstance(schema, list | tuple):
        return [_schema_sorted(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {}
    for name, value in schema.items():
        inner = value if name in _DATA else _schema_sorted(value)
        # A set as a default value comes as a list.
        listed = name in _UNORDERED or (name == "default" and schema.get("uniqueItems"))
        found[name] = (
            sorted(inner, key=_as_json) if listed and isinstance(inner, list | tuple) else inner
        )
    return found


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


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

    @property
    def words(self) -> str:
        """All that was said, and the arguments of the calls, to search in."""
        deltas = [chunk.get("delta") or {} for chunk in self.chunks]
        calls = [call for delta in deltas for call in delta.get("tool_calls") or ()]
        said = "".join(delta.get("content") or "" for delta in deltas)
        return "\n".join([said, *(call["arguments"] for call in calls)])

    def redacted(self, redact: Callable[[str], str]) -> "Answer":
        """The same with its words passed through `redact`."""
        return self.changed(words=redact, arguments=redact)

    def changed(self, *, words: Callable[[str], str], arguments: Callable[[str], str]) -> "Answer":
        """The same with what is said and the calls' arguments changed, in one chunk.

        A number that came in three chunks would be seen in none of them.
        """
        said, calls, rest = "", [], []
        for chunk in self.chunks:
            delta = dict(chunk.get("delta") or {})
            said += delta.pop("content", None) or ""
            calls += [
                {**call, "arguments": arguments(call["arguments"])}
                for call in delta.pop("tool_calls", None) or ()
            ]
            if chunk.get("usage"):
                rest.append({**chunk, "delta": delta} if delta else _without_delta(chunk))
        content = {"content": words(said)} if said else {}
        at = next((chunk["at"] for chunk in self.chunks), 0.0)
        first = {"at": at, "delta": {"role": "assistant", **content, "tool_calls": calls}}
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
        line = masked(json.dumps(data, ensure_ascii=False))
        return line.encode("utf-8", "backslashreplace") + b"\n"


_ENTRY = TypeAdapter(Entry)


def json_schema() -> Mapping[str, Any]:
    """The JSON Schema of a line of a cassette."""
    return _ENTRY.json_schema()


def entry_of(line: bytes) -> Entry:
    """Read a line.

    Raises:
        ValueError: when it is not one of this version.
    """
    data = parsed_json(line)
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"has schema {schema!r}; this version reads {SCHEMA}")
    return _ENTRY.validate_python(data)
