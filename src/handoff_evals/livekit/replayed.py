"""Answers of models as a cassette keeps them, and as livekit streams them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import llm

from handoff_evals.cassette import Answer
from handoff_evals.livekit.scripted import ScriptedLLM


@dataclass(kw_only=True)
class Recording:
    """An answer while it comes in."""

    chunks: list[Mapping[str, Any]] = field(default_factory=list)

    def note(self, chunk: llm.ChatChunk, *, at: float) -> None:
        """Take in one chunk, so many seconds after the request."""
        data = chunk.model_dump(mode="json", exclude={"id"}, exclude_none=True)
        if data.get("delta") and not data["delta"].get("tool_calls"):
            data["delta"].pop("tool_calls", None)
        self.chunks.append({"at": round(at, 3), **data})

    def answer(self, *, model: str, ttft_s: float | None, duration_s: float) -> Answer:
        """The whole of it."""
        return Answer(model=model, chunks=tuple(self.chunks), ttft_s=ttft_s, duration_s=duration_s)


def chunks_of(answer: Answer) -> list[llm.ChatChunk]:
    """The chunks that livekit gets; when each came, stays on the cassette."""
    return [
        llm.ChatChunk.model_validate(
            {"id": "replayed", **{name: part for name, part in each.items() if name != "at"}}
        )
        for each in answer.chunks
    ]


class Absent(ScriptedLLM):
    """Stands where a model would be that is not needed, as a cassette answers for it.

    Args:
        label: the model's.
    """

    def __init__(self, label: str) -> None:
        super().__init__([])
        self._label = label

    @property
    def model(self) -> str:
        """The model's label."""
        return self._label
