"""What a judge reads of a conversation: who said what, the handoffs, the calls and their outputs.

No prompt of an agent, no time and no id is in it. To a model it is shown between two markers that
nothing in it can contain, each event on a line of its own, whatever line breaks its words have:
no one in the call can end it, or speak in another's name.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from livekit.agents import llm
from pydantic import BeforeValidator, TypeAdapter

from handoff_evals.transcript import (
    AgentHandoff,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Transcript,
    folded,
)

Kind = Literal["caller", "agent", "call", "output", "handoff"]
CALLER = "caller"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One event of the conversation."""

    kind: Kind
    who: str
    """The agent that speaks, calls a tool or takes the call; `caller` for the caller."""
    text: str
    """The words; of a handoff `OLD -> NEW`."""

    @property
    def shown(self) -> str:
        """As a judge and a labeller read it, on one line."""
        text = _plain(self.text)
        match self.kind:
            case "call":
                return f"{self.who} calls {text}"
            case "output":
                return f"the tool answers {self.who}: {text}"
            case "handoff":
                return f"handoff: {text}"
        return f"{self.who}: {text}"


def _read(value: Any) -> Any:
    """Also a list of kind, who and text, as a file has it."""
    if not isinstance(value, list | tuple) or len(value) != 3 or value[0] not in get_args(Kind):  # noqa: PLR2004
        raise ValueError(
            f"{value!r} is no line: write [KIND, WHO, TEXT] with a kind of "
            f"{', '.join(get_args(Kind))}"
        )
    return dict(zip(("kind", "who", "text"), value, strict=True))


_LINES = TypeAdapter(tuple[Annotated[Line, BeforeValidator(_read)], ...])


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A conversation as judges read it."""

    lines: tuple[Line, ...]
    expectations: str = ""
    """LiveKit's `agent_expectations` of its scenario; only one question needs them."""
    events: tuple[int, ...] = field(default=(), compare=False)
    """Of each line, its index into the transcript's events; empty where there is no transcript."""

    @classmethod
    def of(cls, transcript: Transcript, *, expectations: str = "") -> "Excerpt":
        """Leave out of a transcript what no judge is to read."""
        found = [
            (line, index)
            for index, event in enumerate(transcript.events)
            if (line := _line(event)) is not None
        ]
        return cls(
            lines=tuple(line for line, _ in found),
            expectations=expectations,
            events=tuple(index for _, index in found),
        )

    @classmethod
    def of_chat(cls, chat_ctx: llm.ChatContext, *, expectations: str = "") -> "Excerpt":
        """The same of LiveKit's history, as `session.history` has it."""
        return cls(lines=tuple(_lines_of_chat(chat_ctx)), expectations=expectations)

    @classmethod
    def written(cls, *lines: Sequence[str], expectations: str = "") -> "Excerpt":
        """Write one by hand: lines of kind, who and text.

        Raises:
            ValueError: when one is no line.
        """
        return cls(lines=_LINES.validate_python(lines), expectations=expectations)

    @property
    def plain(self) -> list[list[str]]:
        """The lines as a file has them."""
        return [[each.kind, each.who, each.text] for each in self.lines]

    @property
    def digest(self) -> str:
        """The same for conversations in which the same was said and done."""
        text = json.dumps([self.plain, self.expectations], ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def handoffs(self) -> tuple[int, ...]:
        """The places of the lines that are handoffs, the first agent's entrance not among them."""
        return tuple(place for place, each in enumerate(self.lines) if each.kind == "handoff")

    @property
    def fenced(self) -> str:
        """The conversation as data for a model: numbered lines between markers of its own."""
        return fenced("call", [f"{n} {line.shown}" for n, line in enumerate(self.lines, 1)])

    def place_of(self, quote: str) -> int | None:
        """The line that a quote stands in word for word, but for case, spaces and a line's number.

        None where it stands in none, or where it is so short that it could stand anywhere: less
        than two words, unless it is all that the line says.
        """
        asked = _words(re.sub(r"^\s*\d+[.:)]?\s", "", quote))
        for place, line in enumerate(self.lines):
            said, shown = _words(line.text), _words(line.shown)
            if not asked or f" {asked} " not in f" {shown} ":
                continue
            if len(asked.split()) > 1 or asked in {said, shown}:
                return place
        return None

    def chat_ctx(self) -> llm.ChatContext:
        """As LiveKit's own judges take it."""
        items: list[llm.ChatItem] = []
        first = next((each.who for each in self.lines if each.kind != "caller"), "agent")
        items.append(llm.AgentHandoff(old_agent_id=None, new_agent_id=first))
        for number, line in enumerate(self.lines):
            items.append(_item(line, number))
        return llm.ChatContext(items)


def fenced(name: str, lines: Iterable[str]) -> str:
    """Lines between two markers that none of them can contain, for they are their digest."""
    body = "\n".join(map(_plain, lines))
    marker = f"{name}-{hashlib.sha256(body.encode('utf-8', 'replace')).hexdigest()[:12]}"
    return f"<{marker}>\n{body}\n</{marker}>"


def _plain(text: str) -> str:
    """On one line, without what a terminal or a model could take for more than words."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _words(text: str) -> str:
    """The words of a text without case and punctuation, to look for a quote in."""
    return " ".join(re.findall(r"[\w'$€£%@-]+", folded(text)))


def _line(event: Any) -> Line | None:
    who = event.agent.label if getattr(event, "agent", None) is not None else "agent"
    match event:
        case Message(role="user"):
            return Line(kind="caller", who=CALLER, text=event.text)
        case Message(role="assistant"):
            text = event.text + (" [interrupted]" if event.interrupted else "")
            return Line(kind="agent", who=who, text=text)
        case FunctionCall():
            return Line(kind="call", who=who, text=f"{event.name}({event.arguments})")
        case FunctionCallOutput() if event.output.strip():
            text = f"error: {event.output}" if event.is_error else event.output
            return Line(kind="output", who=who, text=text)
        case AgentHandoff(old=old) if old is not None:
            text = f"{old.label} -> {event.new.label}"
            return Line(kind="handoff", who=event.new.label, text=text)
    return None


def _lines_of_chat(chat_ctx: llm.ChatContext) -> Iterable[Line]:
    active = "agent"
    for item in chat_ctx.items:
        match item:
            case llm.AgentHandoff():
                if item.old_agent_id is not None:
                    text = f"{item.old_agent_id} -> {item.new_agent_id}"
                    yield Line(kind="handoff", who=item.new_agent_id, text=text)
                active = item.new_agent_id
            case llm.ChatMessage(role="user"):
                yield Line(kind="caller", who=CALLER, text=item.text_content or "")
            case llm.ChatMessage(role="assistant"):
                text = (item.text_content or "") + (" [interrupted]" if item.interrupted else "")
                yield Line(kind="agent", who=active, text=text)
            case llm.FunctionCall():
                yield Line(kind="call", who=active, text=f"{item.name}({item.arguments})")
            case llm.FunctionCallOutput() if item.output.strip():
                text = f"error: {item.output}" if item.is_error else item.output
                yield Line(kind="output", who=active, text=text)


def _item(line: Line, number: int) -> llm.ChatItem:
    match line.kind:
        case "caller":
            return llm.ChatMessage(role="user", content=[line.text])
        case "agent":
            text = line.text.removesuffix(" [interrupted]")
            return llm.ChatMessage(role="assistant", content=[text], interrupted=text != line.text)
        case "call":
            name, _, arguments = line.text.partition("(")
            return llm.FunctionCall(
                name=name, arguments=arguments.removesuffix(")"), call_id=f"call_{number}"
            )
        case "output":
            return llm.FunctionCallOutput(
                name="", output=line.text, call_id=f"call_{number}", is_error=False
            )
    old, _, new = line.text.partition(" -> ")
    return llm.AgentHandoff(old_agent_id=old, new_agent_id=new)
