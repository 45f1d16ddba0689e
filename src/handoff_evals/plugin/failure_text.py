"""Why a test failed, with the conversation and a mark at what matters."""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import pytest
from _pytest._code.code import TerminalRepr
from livekit.agents import Agent

from handoff_evals.display import visible
from handoff_evals.reports import MARK, conversation, describe
from handoff_evals.scenarios import Target
from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentError,
    Event,
    Message,
    ModelCall,
    Transcript,
    message_text,
)

_SHOWN = 300


def plain(text: str) -> str:
    """The text without case and line breaks."""
    return " ".join(text.casefold().split())


def excerpt(text: str, around: str = "") -> str:
    """The text on one line, cut to what is near `around`, or to its beginning."""
    flat = " ".join(text.split())
    if len(flat) <= _SHOWN:
        return flat
    at = max(0, flat.casefold().find(plain(around))) if around else 0
    start = max(0, min(at - _SHOWN // 3, len(flat) - _SHOWN))
    end = start + _SHOWN
    return f"{'… ' if start else ''}{flat[start:end]}{' …' if end < len(flat) else ''}"


_FRAME = re.compile(r"(?=^  File )", re.MULTILINE)
_LIBRARIES = re.compile(r'^  File "[^"]*[/\\](site|dist)-packages[/\\]')


class ConversationError(AssertionError):
    """A failed expectation; its message shows the conversation."""


# pytest writes the module before the name of any other exception, which would leave
# no room for the reason in the lines of its short summary.
ConversationError.__module__ = "builtins"


def failed(
    transcript: Transcript,
    headline: str,
    *,
    marked: Collection[int] = (),
    notes: Sequence[str] = (),
) -> ConversationError:
    """Make the error: what is wrong, what is near it, the conversation with its marks."""
    return ConversationError(with_conversation(transcript, headline, marked=marked, notes=notes))


def with_conversation(
    transcript: Transcript,
    headline: str,
    *,
    marked: Collection[int] = (),
    notes: Sequence[str] = (),
) -> str:
    """The text of it; the first line stands in pytest's short summary too."""
    parts = ["\n".join([headline, *notes]), conversation(transcript, marked=marked)]
    return visible("\n\n".join([*parts, *_tracebacks(transcript, marked)]))


def make_visible(report: pytest.TestReport) -> None:
    """Let no word of a failure, or of what was logged meanwhile, do anything on a terminal.

    LiveKit's own assertions and logs have the model's words in them too.
    """
    report.longrepr = _made_visible(report.longrepr)
    report.sections = [
        (title, visible(text, colours=True) if "log" in title else text)
        for title, text in report.sections
    ]


def _made_visible(shown: Any) -> Any:
    """What pytest makes of an exception: texts, and objects and lists of them."""
    if isinstance(shown, str):
        return visible(shown, colours=True)
    if isinstance(shown, list | tuple):
        return type(shown)(map(_made_visible, shown))
    if isinstance(shown, TerminalRepr):
        for name, value in vars(shown).items():
            setattr(shown, name, _made_visible(value))
    return shown


def agent_events(transcript: Transcript, turn: int) -> tuple[int, ...]:
    """What the agents did in a turn, for a mark where the expected thing is missing."""
    events = dict(transcript.indexed(turn))
    return tuple(index for index, event in events.items() if _is_doing(event)) or tuple(events)


def _is_doing(event: Event) -> bool:
    if isinstance(event, Message):
        return event.role == "assistant"
    return not isinstance(event, AgentConfigUpdate)


def event_line(transcript: Transcript, index: int) -> str:
    """One event as it stands in the conversation: `[4] handoff: a -> b`."""
    event = transcript.events[index]
    return f"[{index}] {describe(event) or event.type}"


def turn_of(transcript: Transcript, index: int) -> int:
    """The turn that an event belongs to."""
    seen = 0
    for number, turn in enumerate(transcript.turns):
        seen += len(turn.events)
        if index < seen:
            return number
    raise IndexError(f"there is no event {index}: the conversation has {seen}")


def turn_name(number: int) -> str:
    """How a turn is called in messages."""
    return "the opening" if number == 0 else f"turn {number}"


def request_lines(call: ModelCall, shown: str = "") -> Iterator[str]:
    """What a model was asked, a message a line, with a mark at those that contain `shown`."""
    for message in call.messages:
        text = message_text(message)
        hit = bool(shown) and plain(shown) in plain(text)
        yield f"{MARK if hit else '   '} {message['role']}: {excerpt(text, shown)}"
    yield f"    tools: {', '.join(tool.name for tool in call.tools) or 'none'}"


def _tracebacks(transcript: Transcript, marked: Collection[int]) -> Iterator[str]:
    for index, event in enumerate(transcript.events):
        if index in marked and isinstance(event, AgentError) and event.traceback:
            yield f"[{index}] {_own_frames(event.traceback)}"


def _own_frames(traceback: str) -> str:
    """The traceback without what lies between livekit and the agent's own code."""
    frames = _FRAME.split(traceback.rstrip())
    own = [frame for frame in frames if not _LIBRARIES.match(frame)]
    return "".join(own if len(own) > 1 else frames)


Who = type[Agent] | Agent | str
"""An Agent class, one instance, or an id: `billing_agent`, `specialist_agent[topic=billing]`."""


def named(who: Who | None) -> str:
    """As a message names it."""
    match who:
        case None:
            return "nobody"
        case str():
            return who
        case Agent():
            return f"this {type(who).__name__} ({who.id})"
        case type() if issubclass(who, Agent):
            return who.__name__
        case _:
            raise TypeError(f"{who!r} is no agent: give an Agent class, an instance or an id")


def matches(who: Who, agent: Agent) -> bool:
    """Whether that agent is the one that is meant.

    Raises:
        ValueError: when the text names no agent.
    """
    match who:
        case str():
            target = Target.parse(who)
            attributes = ((name, value) for name, value in target.where.items())
            return agent.id == target.id and all(
                str(getattr(agent, name, None)) == value for name, value in attributes
            )
        case Agent():
            return agent is who
        case _:
            return isinstance(agent, who)


def who_took_the_call(who: Who, met: Sequence[Agent]) -> str:
    """Who took the call instead, with a hint at a slip of the pen."""
    ids = list(dict.fromkeys(agent.id for agent in met))
    close = get_close_matches(who, ids, n=1) if isinstance(who, str) else []
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"the call was taken by {', '.join(ids) or 'nobody'}{hint}"
