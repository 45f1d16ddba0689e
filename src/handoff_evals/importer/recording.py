"""What livekit wrote of a call, as events.

Two forms: `SessionReport.to_dict()`, which holds `chat_history`, and `ChatContext.to_dict()`,
which is `items` alone. Both leave out what is None; timestamps may be missing, so the order is
that of the items, which livekit keeps sorted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from handoff_evals.errors import UsageError
from handoff_evals.files import parsed_json
from handoff_evals.transcript import (
    AgentHandoff,
    AgentRef,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
)

_FORMS = (
    "give the JSON of livekit's `SessionReport.to_dict()`, or of `to_dict()` of a session's "
    "`history`"
)
# They say nothing of what happened in the call.
_PASSED_OVER = frozenset({"agent_config_update"})


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One call."""

    source: str
    """The file's name."""
    events: tuple[Event, ...]
    about: tuple[str, ...] = ()
    """What else the report says of the call, in words."""


class _Message(BaseModel):
    role: Literal["user", "assistant", "system", "developer"]
    content: list[str | dict[str, Any]] | str = []
    interrupted: bool = False

    def event(self) -> Event:
        parts = [self.content] if isinstance(self.content, str) else self.content
        texts = [part if isinstance(part, str) else part.get("transcript") for part in parts]
        return Message(
            role=self.role,
            text="\n".join(text for text in texts if isinstance(text, str)).strip(),
            interrupted=self.interrupted,
        )


class _Call(BaseModel):
    name: str
    call_id: str
    arguments: str = "{}"

    def event(self) -> Event:
        return FunctionCall(name=self.name, arguments=self.arguments, call_id=self.call_id)


class _Output(BaseModel):
    call_id: str
    name: str = ""
    output: str = ""
    is_error: bool = False

    def event(self) -> Event:
        return FunctionCallOutput(
            name=self.name, output=self.output, call_id=self.call_id, is_error=self.is_error
        )


class _Handoff(BaseModel):
    new_agent_id: str
    old_agent_id: str | None = None

    def event(self) -> Event:
        old = None if self.old_agent_id is None else AgentRef(id=self.old_agent_id)
        return AgentHandoff(old=old, new=AgentRef(id=self.new_agent_id))


_ITEMS: Mapping[str, type[_Message | _Call | _Output | _Handoff]] = {
    "message": _Message,
    "function_call": _Call,
    "function_call_output": _Output,
    "agent_handoff": _Handoff,
}


def read_recording(path: Path) -> Recording:
    """Read a report or a chat history.

    Raises:
        UsageError: when it is neither, with the place that is not as it must be.
    """
    try:
        data: Any = parsed_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{str(path)!r} can't be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: it is no JSON ({error}); {_FORMS}") from error
    items = _items(data, path)
    events: list[Event] = []
    unknown: list[str] = []
    for number, item in enumerate(items):
        kind = item.get("type") if isinstance(item, dict) else None
        if not isinstance(kind, str):
            raise UsageError(f"{path}: item {number} is {_shown(item)}, which has no `type`")
        if kind in _ITEMS:
            events.append(_event(_ITEMS[kind], item, f"{path}: item {number} ({kind})"))
        elif kind not in _PASSED_OVER:
            unknown.append(f"item {number} is a {kind!r}, which is not known here; left out")
    about = [*_about(data), *unknown]
    return Recording(source=path.name, events=tuple(events), about=tuple(about))


def _items(data: Any, path: Path) -> list[Any]:
    if not isinstance(data, dict):
        raise UsageError(f"{path}: it holds {_shown(data)}, but no report; {_FORMS}")
    if "job_id" in data and "chat_history" not in data:
        raise UsageError(
            f"{path}: the report has no `chat_history`: write it with "
            "`to_dict(include_chat_history=True)`"
        )
    history = data.get("chat_history", data)
    items = history.get("items") if isinstance(history, dict) else None
    if not isinstance(items, list):
        keys = ", ".join(map(repr, list(data)[:6])) or "nothing"
        raise UsageError(f"{path}: there is no list of `items` in it, but {keys}; {_FORMS}")
    return items


def _event(model: type[_Message | _Call | _Output | _Handoff], item: Any, where: str) -> Event:
    try:
        return model.model_validate(item).event()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        missing = first["type"] == "missing"
        problem = "is missing" if missing else f"is {_shown(first['input'])}: {first['msg']}"
        raise UsageError(f"{where}: {key} {problem}; {_FORMS}") from error


def _about(data: Mapping[str, Any]) -> Iterator[str]:
    for key, words in (
        ("agent_name", "dispatched to"),
        ("room", "room"),
        ("job_id", "job"),
        ("close_reason", "closed by"),
    ):
        if data.get(key):
            yield f"{words} {data[key]}"
    errors = data.get("errors")
    counted = errors.items() if isinstance(errors, dict) else ()
    yield from (f"livekit counted {number} errors of {kind}" for kind, number in counted if number)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - enough to find it by
