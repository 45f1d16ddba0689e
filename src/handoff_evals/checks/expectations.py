"""The checks of one conversation against its scenario.

Each takes the scenario and the transcript and gives scores; none knows how the
conversation was held. A turn that was never reached gives no score here: the
fault that ended the conversation has failed the trial, or left it unscored.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from handoff_evals.checks.decisions import decisions, follows
from handoff_evals.checks.score import Score, Status
from handoff_evals.scenarios import ExpectedCall, Scenario, ScriptedTurn
from handoff_evals.transcript import (
    FunctionCall,
    Message,
    ModelCall,
    Transcript,
    Turn,
    message_text,
)


def same(actual: Any, expected: Any) -> bool:
    """Compare as JSON does: `true` is not 1, though Python says so."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return actual.keys() == expected.keys() and all(
            same(actual[name], value) for name, value in expected.items()
        )
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(same, actual, expected))
    return bool(actual == expected)


def carried(
    transcript: Transcript, turn: int, fact: str
) -> tuple[Literal["passed", "failed"], str]:
    """Look for `fact` in the first request of the turn's last agent.

    An agent that greets by a fixed sentence asks its model only in the next turn;
    what the caller says in that turn is no carried context and is left out.

    Returns:
        The status and its reason.
    """
    call, later_words = first_request(transcript, turn)
    agent = transcript.turns[turn].active.label
    if call is None:
        return "failed", f"{agent}'s model was never asked, so nothing shows that it got {fact!r}"
    received = "\n".join(
        text for text in map(message_text, call.messages) if text.strip() not in later_words
    )
    if fact.casefold() in received.casefold():
        return "passed", f"{agent}'s model received {fact!r}"
    return "failed", f"{agent}'s model received nothing with {fact!r}"


def first_request(transcript: Transcript, turn: int) -> tuple[ModelCall | None, set[str]]:
    """The first request of the agent that is active after `turn`, once it had taken over.

    Returns:
        The request, or None; and the caller's words of later turns that it includes.
    """
    active = transcript.turns[turn].active
    later_words: set[str] = set()
    for index, current in enumerate(transcript.turns[turn:], turn):
        arrived = 0 if index > turn else len(current.handoffs)
        if index > turn:
            later_words.add((current.user or "").strip())
        for call in current.model_calls:
            # By the id: what else is known of an agent may have changed since. Who else has
            # the same id took the call by a handoff.
            mine = call.agent.id == active.id and call.after_handoffs == arrived
            if mine and call.purpose == "reply":
                return call, later_words
        if index > turn and current.handoffs:
            break
    return None, later_words


Check = Callable[[Scenario, Transcript], Iterator[Score]]


def reached(scenario: Scenario, transcript: Transcript) -> Iterator[tuple[int, ScriptedTurn, Turn]]:
    """The scripted turns that took place, with what came of them."""
    for index, scripted in enumerate(scenario.turns, 1):
        if index < len(transcript.turns):
            yield index, scripted, transcript.turns[index]


def agent_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """Every handoff decision is correct."""
    for decision in decisions(scenario, transcript):
        right = decision.outcome == "correct"
        yield Score(
            name="handoff",
            status="passed" if right else "failed",
            reason=f"{decision.outcome}: expected {decision.expected}, active {decision.actual}",
            turn=decision.turn,
            events=_handoff_events(transcript, decision.turn),
        )


def path_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The turn's handoffs are exactly the expected ones."""
    for index, scripted, turn in reached(scenario, transcript):
        path = scripted.expect.handoffs
        if path is None:
            continue
        happened = [
            f"{move.old.label if move.old else 'nobody'} -> {move.new.label}"
            for move in turn.handoffs
        ]
        yield Score(
            name="path",
            status="passed" if follows(turn.handoffs, path) else "failed",
            reason=f"expected {[step.label for step in path]}, happened {happened}",
            turn=index,
            events=_handoff_events(transcript, index),
        )


def tools_are_called(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """Each expected tool was called in its turn, with at least the expected arguments."""
    for index, scripted, _ in reached(scenario, transcript):
        made = [
            (position, event)
            for position, event in transcript.indexed(index)
            if isinstance(event, FunctionCall)
        ]
        if scripted.expect.calls == ():
            yield Score(
                name="call",
                status="failed" if made else "passed",
                reason=f"expected no call, called {[event.name for _, event in made]}",
                turn=index,
                events=tuple(position for position, _ in made),
            )
        for call in scripted.expect.calls or ():
            hits = [position for position, event in made if _fits(call, event)]
            happened = [f"{event.name}({event.arguments})" for _, event in made]
            yield Score(
                name="call",
                status="passed" if hits else "failed",
                reason=f"expected {_written(call)}, called {happened or 'nothing'}",
                turn=index,
                events=tuple(hits or (position for position, _ in made)),
            )


def context_is_carried(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The agent that is active after the turn was told the facts by what its model received."""
    for index, scripted, turn in reached(scenario, transcript):
        target = scripted.expect.agent
        for fact in scripted.expect.carries:
            status: Status = "failed"
            if target is not None and not target.matches(turn.active):
                reason = f"{target.label} was not reached"
            else:
                status, reason = carried(transcript, index, fact)
            yield Score(
                name="carries",
                status=status,
                reason=reason,
                turn=index,
                events=_handoff_events(transcript, index),
            )


def userdata_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The session's userdata holds what the turn expects."""
    for index, scripted, turn in reached(scenario, transcript):
        for name, value in scripted.expect.userdata.items():
            known = name in turn.userdata
            actual = turn.userdata.get(name)
            yield Score(
                name="userdata",
                status="passed" if known and same(actual, value) else "failed",
                reason=f"{name}: expected {value!r}, "
                + (f"is {actual!r}" if known else "but userdata has no such field"),
                turn=index,
            )


def caller_is_answered(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """In every turn the caller hears something, and nothing where the turn expects silence."""
    for index, scripted, turn in reached(scenario, transcript):
        cut_off = any(fault.turn == index and fault.ended for fault in transcript.faults)
        said = turn.said.strip()
        if cut_off or bool(said) != scripted.expect.silence:
            continue
        heard = [
            position for position, event in transcript.indexed(index) if isinstance(event, Message)
        ]
        yield Score(
            name="answered",
            status="failed",
            reason=f"expected silence, the caller hears {said!r}"
            if said
            else f"the caller hears nothing from {turn.active.label}",
            turn=index,
            events=tuple(heard),
        )


def agent_works(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:  # noqa: ARG001
    """No code of the agents raised, hung or looped."""
    for fault in transcript.faults:
        if fault.owner == "agent":
            yield Score(
                name="agent",
                status="failed",
                reason=f"{fault.cause}: {fault.detail}",
                turn=fault.turn,
            )


def conversation_took_place(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """Every scripted turn was reached; passes once for a whole conversation."""
    held = len(transcript.turns) - 1
    asked = len(scenario.turns)
    yield Score(
        name="conversation",
        status="passed" if held == asked else "failed",
        reason=f"{held} of {asked} turns were held",
    )


CHECKS: tuple[Check, ...] = (
    conversation_took_place,
    agent_is_right,
    path_is_right,
    tools_are_called,
    context_is_carried,
    userdata_is_right,
    caller_is_answered,
    agent_works,
)


def score(scenario: Scenario, transcript: Transcript) -> tuple[Score, ...]:
    """All checks, or one unscored score where nobody can be judged by this conversation."""
    fault = transcript.unscored_because
    if fault is not None:
        return (
            Score(
                name="conversation",
                status="unscored",
                reason=f"{fault.cause}: {fault.detail}",
                turn=fault.turn,
            ),
        )
    return tuple(found for check in CHECKS for found in check(scenario, transcript))


def _handoff_events(transcript: Transcript, turn: int) -> tuple[int, ...]:
    return tuple(
        position for position, event in transcript.indexed(turn) if event.type == "agent_handoff"
    )


def _fits(expected: ExpectedCall, event: FunctionCall) -> bool:
    if event.name != expected.name:
        return False
    try:
        actual: Any = json.loads(event.arguments or "{}")
    except ValueError:
        return not expected.arguments
    return isinstance(actual, Mapping) and all(
        name in actual and same(actual[name], value) for name, value in expected.arguments.items()
    )


def _written(call: ExpectedCall) -> str:
    inner = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
    return f"{call.name}({inner})"
