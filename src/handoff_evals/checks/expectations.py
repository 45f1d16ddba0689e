"""The checks that come with the harness.

Each takes the scenario and the transcript and gives scores; none knows how the
conversation was run. Of a turn that the agent kept from being reached only the handoff
decision is scored; that the conversation was cut short fails the trial as well.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from handoff_evals.checks.decisions import cut_off, decisions, follows, who_ended
from handoff_evals.checks.scoring import Score, Status, check, reached
from handoff_evals.scenarios import ExpectedCall, Scenario
from handoff_evals.transcript import (
    FunctionCall,
    Message,
    ModelCall,
    Transcript,
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


@check("conversation")
def conversation_took_place(scenario: Scenario, transcript: Transcript) -> Score:
    """Every scripted turn came to its end."""
    over = len(transcript.turns) - 1
    if cut_off(transcript, over):
        over -= 1
    asked = len(scenario.turns)
    return Score(
        status="passed" if over == asked else "failed",
        reason=f"{max(over, 0)} of {asked} turns took place",
    )


@check("handoff")
def agent_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """Every handoff decision is correct."""
    for decision in decisions(scenario, transcript):
        happened = f"active {decision.actual}"
        if decision.outcome == "unreached":
            happened = who_ended(transcript)
        elif decision.outcome != "correct":
            happened += _limit_met(transcript, decision.turn)
        yield Score(
            status="passed" if decision.outcome == "correct" else "failed",
            reason=f"{decision.outcome}: expected {decision.expected}, {happened}",
            turn=decision.turn,
            events=_handoff_events(transcript, decision.turn),
        )


def _limit_met(transcript: Transcript, turn: int) -> str:
    """LiveKit's limit that ended the turn's tool calls, if it did."""
    limits = [each for each in transcript.faults if each.cause == "max_tool_steps"]
    return "".join(f"; {each.detail}" for each in limits if each.turn == turn)


@check("path")
def path_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The turn's handoffs are exactly the expected ones, but for agents only passed by."""
    for index, scripted, turn in reached(scenario, transcript):
        path = scripted.expect.handoffs
        if path is None:
            continue
        happened = [
            f"{move.old.label if move.old else 'nobody'} -> {move.new.label}"
            for move in turn.handoffs
        ]
        yield Score(
            status="passed" if follows(turn, path) else "failed",
            reason=f"expected {[step.label for step in path]}, happened {happened}",
            turn=index,
            events=_handoff_events(transcript, index),
        )


@check("call")
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
                status="failed" if made else "passed",
                reason=f"expected no call, called {[event.name for _, event in made]}",
                turn=index,
                events=tuple(position for position, _ in made),
            )
        for call in scripted.expect.calls or ():
            hits = [position for position, event in made if _fits(call, event)]
            happened = [f"{event.name}({event.arguments})" for _, event in made]
            yield Score(
                status="passed" if hits else "failed",
                reason=f"expected {_written(call)}, called {happened or 'nothing'}",
                turn=index,
                events=tuple(hits or (position for position, _ in made)),
            )


@check("carries")
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
                status=status,
                reason=reason,
                turn=index,
                events=_handoff_events(transcript, index),
            )


@check("userdata")
def userdata_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The session's userdata is what the turn expects."""
    for index, scripted, turn in reached(scenario, transcript):
        for name, value in scripted.expect.userdata.items():
            known = name in turn.userdata
            actual = turn.userdata.get(name)
            yield Score(
                status="passed" if known and same(actual, value) else "failed",
                reason=f"{name}: expected {value!r}, "
                + (f"is {actual!r}" if known else "but userdata has no such field"),
                turn=index,
            )


@check("answered")
def caller_is_answered(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """In every turn the caller hears something, and nothing where the turn expects silence.

    One score where it is so throughout, else one for each turn in which it is not.
    """
    judged, wrong = 0, 0
    for index, scripted, turn in reached(scenario, transcript):
        said = turn.said.strip()
        if cut_off(transcript, index):
            continue
        judged += 1
        if bool(said) != scripted.expect.silence:
            continue
        wrong += 1
        heard = [
            position for position, event in transcript.indexed(index) if isinstance(event, Message)
        ]
        yield Score(
            status="failed",
            reason=f"expected silence, the caller hears {said!r}"
            if said
            else f"the caller hears nothing from {turn.active.label}",
            turn=index,
            events=tuple(heard),
        )
    if judged and not wrong:
        yield Score(status="passed", reason=f"as expected in {judged} turns")


@check("agent")
def agent_works(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:  # noqa: ARG001 - every check has it
    """No code of the agents raised, hung or looped: one score, else one for each fault."""
    faults = [fault for fault in transcript.faults if fault.owner == "agent"]
    for fault in faults:
        # The closing of the call comes after the last turn.
        turn = fault.turn if fault.turn < len(transcript.turns) else None
        yield Score(status="failed", reason=f"{fault.cause}: {fault.detail}", turn=turn)
    if not faults:
        yield Score(status="passed", reason="no fault in the agents' code")


def _handoff_events(transcript: Transcript, turn: int) -> tuple[int, ...]:
    if turn >= len(transcript.turns):
        return ()
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
