"""Expected tool calls and what came of them, and transfers to a person, who is no agent."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handoff_evals.checks.scoring import Score, check, reached
from handoff_evals.scenarios import ExpectedCall, Scenario, matcher, meets, paired, says
from handoff_evals.transcript import (
    AgentHandoff,
    FunctionCall,
    FunctionCallOutput,
    Transcript,
)

# How livekit answers a call that it did not carry out.
_NOT_MADE = ("Error parsing arguments for ", "Unknown function: ")


@dataclass(frozen=True, kw_only=True)
class MadeCall:
    """A tool call that was carried out, and what it gave back."""

    position: int
    """Index of the call into the transcript's events."""
    call: FunctionCall
    output: FunctionCallOutput | None
    """None while the tool still runs."""
    pending: bool = False
    """Whether the tool still ran when its turn was over."""

    @property
    def refused(self) -> bool:
        """Whether the tool raised, or its output says of itself that it failed."""
        return self.output is not None and (self.output.is_error or _says_no(self.output.output))

    @property
    def shown(self) -> str:
        """The call as a message names it."""
        end = ""
        if self.output is not None and self.refused:
            end = f", refused: {self.output.output!r}"
        return f"{self.call.name}({self.call.arguments}){end}"

    def fits(self, expected: ExpectedCall) -> bool:
        """Whether it is the expected call, with the expected arguments and outcome."""
        return (
            self.call.name == expected.name
            and self._has_arguments(expected)
            and self._came_to(expected)
        )

    def _has_arguments(self, expected: ExpectedCall) -> bool:
        try:
            actual: Any = json.loads(self.call.arguments or "{}")
        except ValueError:
            return not expected.arguments
        return isinstance(actual, Mapping) and all(
            name in actual and meets(actual[name], value, loosely=expected.loosely)
            for name, value in expected.arguments.items()
        )

    def _came_to(self, expected: ExpectedCall) -> bool:
        text = "" if self.output is None else self.output.output
        if expected.output is not None and not (self.output and _gives(text, expected.output)):
            return False
        if expected.error is None:
            # What came of a later turn is no refusal of this one.
            return expected.output is not None or self.pending or not self.refused
        if isinstance(expected.error, bool):
            return self.refused is expected.error
        return self.refused and says(text, expected.error)


def made_calls(transcript: Transcript, turn: int) -> list[MadeCall]:
    """The calls of a turn; one whose arguments failed validation was not made."""
    # A tool that awaits an AgentTask gives its output turns later.
    outputs = {
        event.call_id: event for event in transcript.events if isinstance(event, FunctionCallOutput)
    }
    events = list(transcript.indexed(turn))
    given = {event.call_id for _, event in events if isinstance(event, FunctionCallOutput)}
    made = [
        MadeCall(
            position=position,
            call=event,
            output=outputs.get(event.call_id),
            pending=event.call_id not in given,
        )
        for position, event in events
        if isinstance(event, FunctionCall)
    ]
    return [each for each in made if not _was_not_made(each.output)]


def _was_not_made(output: FunctionCallOutput | None) -> bool:
    return output is not None and output.is_error and output.output.startswith(_NOT_MADE)


def _says_no(output: str) -> bool:
    """Whether it is a mapping such as `{"ok": false, …}` or `{"error": "…"}`."""
    value = _parsed(output)
    if not isinstance(value, Mapping):
        return False
    return (
        any(value.get(name) is False for name in ("ok", "success"))
        or any(value.get(name) for name in ("error", "errors", "error_code", "is_error", "isError"))
        or value.get("status") in {"error", "failed", "refused"}
    )


def _parsed(output: str) -> Any:
    """The value in an output: JSON, or a dictionary as livekit writes it; else the text."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(output)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return output


def _gives(output: str, expected: Any) -> bool:
    if isinstance(expected, str) or (matcher(expected) or ("", ""))[0] in {"contains", "pattern"}:
        return says(output, expected)
    return meets(_parsed(output), expected, partly=True) or meets(output, expected)


@check("call")
def tools_are_called(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """Every expected call was made in its turn, each by a call of its own; none where none is."""
    for index, scripted, _ in reached(scenario, transcript):
        if scripted.expect.calls is None:
            continue
        made = made_calls(transcript, index)
        positions = tuple(each.position for each in made)
        happened = [each.shown for each in made] or "nothing"
        if not scripted.expect.calls:
            yield Score(
                status="failed" if made else "passed",
                reason=f"expected no call, called {happened}",
                turn=index,
                events=positions,
            )
        places = paired(scripted.expect.calls, made, MadeCall.fits)
        for call, place in zip(scripted.expect.calls, places, strict=True):
            yield Score(
                status="failed" if place is None else "passed",
                reason=f"expected {call.written}, called {happened}",
                turn=index,
                events=positions if place is None else (made[place].position,),
            )


_TRANSFERS = frozenset(
    {"bring", "call", "connect", "contact", "dial", "escalate", "fetch", "forward", "get"}
    | {"hand", "handoff", "handover", "join", "pass", "patch", "put", "queue", "refer", "request"}
    | {"route", "send", "switch", "talk", "transfer"}
)
_PERSONS = frozenset(
    {"admin", "clerk", "colleague", "employee", "human", "manager", "operator", "people", "person"}
    | {"receptionist", "rep", "representative", "sip", "staff", "supervisor", "teammate"}
)
_ALONE = frozenset({"blind_transfer", "cold_transfer", "transfer_call", "warm_transfer"})
_SIP = frozenset({"sip.create_sip_participant", "sip.transfer_sip_participant"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def to_person(transcript: Transcript, turn: int, *, tool: str | None = None) -> tuple[int, ...]:
    """Where in a turn the call was transferred to a person.

    That is a tool call that was not refused and that led to no other agent, by a tool whose name
    says so (`transfer_to_human`, `escalate_to_manager`), one of livekit's own tasks for it, or what
    the agent asked of livekit's SIP.

    Args:
        transcript: the conversation.
        turn: which turn of it.
        tool: the name of the tool that does it, where that is known.

    Returns:
        Indices into the transcript's events; of what was asked of SIP, which is no event, that of
        the turn's last one.
    """
    moves = [
        (position, event)
        for position, event in transcript.indexed(turn)
        if isinstance(event, AgentHandoff)
    ]
    by_task = [position for position, event in moves if event.new.id.endswith("warm_transfer_task")]
    by_tool = [
        each.position
        for each in made_calls(transcript, turn)
        if not each.refused
        and (each.call.name == tool if tool else names_a_person(each.call.name))
        and (tool or not any(position > each.position for position, _ in moves))
    ]
    # To dial the caller in the opening is no transfer.
    asked = turn > 0 and any(
        action.turn == turn and action.name in _SIP and action.error is None
        for action in transcript.job
    )
    last = [position for position, _ in transcript.indexed(turn)][-1:] if asked else []
    return tuple(by_tool if tool else [*by_tool, *by_task, *last])


def names_a_person(name: str) -> bool:
    """Whether a tool of that name transfers the call to a person."""
    words = {word.casefold() for word in _WORD.findall(name)}
    moved = words & _TRANSFERS or any(word.startswith("transfer") for word in words)
    return name.casefold() in _ALONE or bool(moved and words & _PERSONS)


@check("person")
def person_takes_the_call(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The call was transferred to a person where that is expected, and not where it must not."""
    for index, scripted, _ in reached(scenario, transcript):
        expected = scripted.expect.person
        if expected is None:
            continue
        tool = expected if isinstance(expected, str) else None
        found = to_person(transcript, index, tool=tool)
        by = f" by {tool}" if tool else ""
        wanted = f"a transfer to a person{by}" if expected else "no transfer to a person"
        yield Score(
            status="passed" if bool(found) is bool(expected) else "failed",
            reason=f"expected {wanted}, called {_names(made_calls(transcript, index))}",
            turn=index,
            events=found,
        )


def _names(made: Sequence[MadeCall]) -> str:
    return ", ".join(each.shown for each in made) or "nothing"
