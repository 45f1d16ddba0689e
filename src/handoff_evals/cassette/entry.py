"""One exchange on a cassette: a line of JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from handoff_evals.cassette.request import Request

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
    request: Request
    answer: Answer
    schema: int = SCHEMA

    @property
    def place(self) -> tuple[str, int]:
        """What it is found by."""
        return self.key, self.occurrence

    def line(self) -> bytes:
        """The entry as it stands in the file, with its end of line."""
        data = _ENTRY.dump_python(self, mode="json")
        return json.dumps(data, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


_ENTRY = TypeAdapter(Entry)


def entry_of(line: bytes) -> Entry:
    """Read a line.

    Raises:
        ValueError: when it is none of this version.
    """
    data = json.loads(line)
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"has schema {schema!r}; this version reads {SCHEMA}")
    return _ENTRY.validate_python(data)
