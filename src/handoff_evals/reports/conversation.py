"""Conversations as text: one with marks, two side by side, and what their models received."""

from collections.abc import Collection, Iterator
from itertools import zip_longest

from rich.box import SIMPLE_HEAD
from rich.table import Table

from handoff_evals.cassettes import RecordedRequest
from handoff_evals.changes import requests
from handoff_evals.results import Trial
from handoff_evals.terminal import Text
from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentError,
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
    Transcript,
    message_text,
)
from handoff_evals.word_diff import changed_words

MARK = ">>>"


def conversation(transcript: Transcript, *, marked: Collection[int] = ()) -> str:
    """Write the whole conversation, one event a line, the marked ones with `>>>`.

    Args:
        transcript: what to write.
        marked: indices into the transcript's events.
    """
    return "\n".join(_lines(transcript, set(marked)))


def _lines(transcript: Transcript, marked: set[int]) -> Iterator[str]:
    for number, turn in enumerate(transcript.turns):
        title = "opening" if number == 0 else f"turn {number}"
        yield f"{title}  ({turn.duration_s:.2f} s, then {turn.active.label})"
        for index, event in transcript.indexed(number):
            text = describe(event)
            if text is None and index not in marked:
                continue
            shown = (text or event.type).replace("\n", "\n          ")
            yield f"{MARK if index in marked else '   '} [{index}] {shown}"
        for fault in transcript.faults:
            if fault.turn == number:
                yield f"  ! {fault.owner}: {fault.cause}: {fault.detail}"
    for fault in transcript.faults:
        if fault.turn >= len(transcript.turns):
            yield f"  ! {fault.owner}: {fault.cause}: {fault.detail}"


_KINDS = {"handoff": "handoff", "task": "task", "return": "task over"}


def describe(event: Event) -> str | None:  # noqa: PLR0911 - one a type
    """One event as a line; None for what only matters when it is marked."""
    match event:
        case Message(role="user"):
            return f"caller: {event.text}"
        case Message():
            who = event.agent.label if event.agent else event.role
            return f"{who}: {event.text}{' (interrupted)' if event.interrupted else ''}"
        case FunctionCall():
            who = event.agent.label if event.agent else "?"
            return f"{who} calls {event.name}({event.arguments})"
        case FunctionCallOutput():
            return f"{event.name} {'fails' if event.is_error else 'gives'}: {event.output!r}"
        case AgentHandoff(old=None):
            return f"{event.new.label} takes the call"
        case AgentHandoff():
            old = event.old.label if event.old else "?"
            step = f" (step {event.step!r})" if event.step is not None else ""
            return f"{_KINDS[event.kind]}: {old} -> {event.new.label}{step}"
        case AgentError():
            return f"error in {event.where}: {event.message}"
        case AgentConfigUpdate():
            return None


def received_text(transcript: Transcript) -> str:
    """Every request of the conversation: who asked, the messages, the tools, the answer."""
    return "\n".join(_request_lines(transcript))


def _request_lines(transcript: Transcript) -> Iterator[str]:
    for number, turn in enumerate(transcript.turns):
        for call in turn.model_calls:
            tools = ", ".join(tool.name for tool in call.tools) or "no tools"
            purpose = f"{call.purpose}, thrown away" if call.unused else call.purpose
            yield f"turn {number}: {call.agent.label} ({purpose}) asks {call.model}; {tools}"
            for message in call.messages:
                shown = message_text(message).replace("\n", "\n        ")
                yield f"      {message['role']}: {shown}"
            answer = [call.text] if call.text else []
            answer += [f"{made['name']}({made['arguments']})" for made in call.calls]
            yield f"    answer: {call.error or ' + '.join(answer) or '(nothing)'}"


_LONGEST = 600


def side_by_side(a: Trial, b: Trial, *, names: tuple[str, str]) -> Table:
    """Put both conversations into a table, an event a row, from the first difference in red.

    Args:
        a: one trial.
        b: the same scenario and number on the other side.
        names: what the columns are called.
    """
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), expand=True)
    table.add_column("", width=len(MARK), style="bold red")
    for name, trial in zip(names, (a, b), strict=True):
        table.add_column(Text(f"{name}: {trial.status}"), ratio=1, overflow="fold")
    parted = False
    for title, one, other in _rows(a.transcript, b.transcript):
        if title:
            table.add_row("", Text(one, style="bold"), Text(other, style="bold"))
            continue
        first = one != other and not parted
        parted = parted or first
        style = "red" if one != other else ""
        table.add_row(MARK if first else "", Text(one, style=style), Text(other, style=style))
    return table


def first_request(a: Transcript, b: Transcript) -> str:
    """Which request is the first that is not the same on both sides, and what differs in it."""
    pairs = list(zip(requests(a), requests(b), strict=False))
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            asked = f"request {number} is the first that differs, {other.agent} asks: "
            return f"{asked}{_differing(one, other)}"
    if len(requests(a)) != len(requests(b)):
        return f"the first {len(pairs)} requests are the same on both sides, the answers are not"
    return "every request is the same on both sides"


def _differing(a: RecordedRequest, b: RecordedRequest) -> str:
    if a.agent != b.agent:
        return f"on the other side it is {a.agent}"
    if a.instructions != b.instructions:
        return f"instructions {_short(a.instructions, b.instructions)}"
    before, after = ({tool.name: tool for tool in each.tools} for each in (a, b))
    for name in sorted(before.keys() ^ after.keys()):
        return f"tool {name} is on one side only"
    for name, tool in before.items():
        if tool != after[name]:
            words = _short(tool.description, after[name].description)
            return f"tool {name} {words or 'has another signature'}"
    return "what was said before"


def _rows(a: Transcript, b: Transcript) -> Iterator[tuple[bool, str, str]]:
    """Titles of turns and the events in them; an empty text where one side has no more."""
    for number in range(max(len(a.turns), len(b.turns))):
        title = "opening" if number == 0 else f"turn {number}"
        active = [t.turns[number].active.label if number < len(t.turns) else "-" for t in (a, b)]
        yield True, f"{title}, then {active[0]}", f"{title}, then {active[1]}"
        for one, other in zip_longest(_events(a, number), _events(b, number), fillvalue=""):
            yield False, one, other


def _events(transcript: Transcript, number: int) -> Iterator[str]:
    if number >= len(transcript.turns):
        return
    for _, event in transcript.indexed(number):
        text = describe(event)
        if text is not None:
            yield text
    for fault in transcript.faults:
        if fault.turn == number:
            yield f"! {fault.owner}: {fault.cause}: {fault.detail}"


def _short(old: str, new: str) -> str:
    words = changed_words(old, new)
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
