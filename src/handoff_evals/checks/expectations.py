"""The checks that come with the harness.

Each takes the scenario and the transcript and gives scores; none knows how the
conversation was run. Of a turn that the agent kept from being reached only the handoff
decision is scored; that the conversation was cut short fails the trial as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from handoff_evals.checks.decisions import cut_off, follows, why_unreached
from handoff_evals.checks.hops import decisions
from handoff_evals.checks.scoring import Score, Status, check, last_turn, reached
from handoff_evals.scenarios import SET, Scenario, meets, says
from handoff_evals.transcript import ENDED_CALL, Message, Transcript, Turn
from handoff_evals.user_code import import_reference


@check("conversation")
def conversation_took_place(scenario: Scenario, transcript: Transcript) -> Score:
    """Every scripted turn came to its end; of an open conversation, as many as there were."""
    over = len(transcript.turns) - 1
    if cut_off(transcript, over):
        over -= 1
    asked = last_turn(scenario, transcript)
    for fault in transcript.faults if scenario.is_open else ():
        if fault.cause == ENDED_CALL:
            return Score(status="failed", reason=fault.detail)
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
            happened = why_unreached(transcript, decision.turn)
        elif decision.outcome != "correct":
            happened += _limit_met(transcript, decision.turn)
        place = f"{decision.place}, " if decision.place else ""
        note = f" ({decision.note})" if decision.note else ""
        yield Score(
            status="passed" if decision.outcome == "correct" else "failed",
            reason=f"{place}{decision.outcome}: expected {decision.expected}, {happened}{note}",
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
        # The entrance of the first agent is no handoff.
        moves = turn.handoffs[1:] if index == 0 else turn.handoffs
        happened = [
            f"{move.old.label if move.old else 'nobody'} -> {move.new.label}" for move in moves
        ]
        yield Score(
            status="passed" if follows(turn, path) else "failed",
            reason=f"expected {[step.label for step in path]}, happened {happened}",
            turn=index,
            events=_handoff_events(transcript, index),
        )


@check("userdata")
def userdata_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The session's userdata is what the turn expects."""
    for index, scripted, turn in reached(scenario, transcript):
        for name, value in scripted.expect.userdata.items():
            yield replace(userdata_score(turn.userdata, name, value), turn=index)


def userdata_score(userdata: Mapping[str, Any], name: str, value: Any) -> Score:
    """Judge one field of the userdata, by its name, dotted where it lies in another one."""
    actual = _field(userdata, name)
    known = actual is not _ABSENT
    return Score(
        status="passed" if known and meets(actual, value, partly=True) else "failed",
        reason=f"{name}: expected {value!r}, "
        + (f"is {_shown(actual)}" if known else "but userdata has no such field"),
    )


_ABSENT = object()


def _field(userdata: Mapping[str, Any], name: str) -> Any:
    """The value of a field, or of what lies inside of one: `profile.name`."""
    if userdata.get(name) is not None or "." not in name:
        return userdata.get(name, _ABSENT)
    value: Any = userdata
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and value.keys() == {SET}:
        return f"the set {value[SET]!r}"
    return repr(value)


@check("opening")
def opening_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The expected agent has the call before the caller says anything."""
    for index, scripted, turn in reached(scenario, transcript):
        target = scripted.expect.agent
        if index == 0 and target is not None:
            yield Score(
                status="passed" if target.matches(turn.active) else "failed",
                reason=f"expected {target.label}, active {turn.active.label}",
                turn=0,
                events=_handoff_events(transcript, 0),
            )


@check("said")
def words_are_said(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The caller hears the expected words, and not those that are to be missing."""
    for index, scripted, turn in reached(scenario, transcript):
        for expected, wanted in (
            *((each, True) for each in scripted.expect.said),
            *((each, False) for each in scripted.expect.lacks),
        ):
            found = says(turn.said, expected)
            verb = "to hear" if wanted else "not to hear"
            yield Score(
                status="passed" if found is wanted else "failed",
                reason=f"expected {verb} {expected!r}, the caller hears {turn.said!r}",
                turn=index,
                events=_messages(transcript, index),
            )


@check("check")
def own_functions_agree(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """What functions of the user's own, named in `check:`, say of a turn.

    Such a function gets the turn and the transcript. It raises `AssertionError` or returns False
    where the turn is wrong, or gives a `Score`.
    """
    for index, scripted, turn in reached(scenario, transcript):
        for name in scripted.expect.checks:
            yield _judged(name, turn, transcript, index)


def _judged(name: str, turn: Turn, transcript: Transcript, index: int) -> Score:
    function = import_reference(name, folder=Path.cwd(), what="check")
    try:
        found = function(turn, transcript)
    except AssertionError as error:
        first = next(iter(str(error).splitlines()), "")
        return Score(status="failed", reason=f"{name}: {first or 'its assert failed'}", turn=index)
    if isinstance(found, Score):
        return replace(found, turn=index, name="", reason=f"{name}: {found.reason}")
    if found is None or isinstance(found, bool):
        status: Status = "failed" if found is False else "passed"
        return Score(status=status, reason=f"{name} returned {found}", turn=index)
    raise TypeError(f"{name} gave {found!r}: return True or False, a Score, or assert")


@check("answered")
def caller_is_answered(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """In every turn the caller hears something, and nothing where the turn expects silence.

    A caller who says nothing need not be answered, nor one who interrupts the answer.
    One score where it is so throughout, else one for each turn in which it is not.
    """
    judged, wrong = 0, 0
    for index, scripted, turn in reached(scenario, transcript):
        said = turn.said.strip()
        # An agent may wait for the caller to speak first.
        silent_caller = (index == 0 or not scripted.user) and not scripted.expect.silence
        interrupted = any(later.interrupts for later in scenario.turns[index : index + 1])
        if cut_off(transcript, index) or silent_caller or (interrupted and not said):
            continue
        judged += 1
        if bool(said) != scripted.expect.silence:
            continue
        wrong += 1
        yield Score(
            status="failed",
            reason=f"expected silence, the caller hears {said!r}"
            if said
            else f"the caller hears nothing from {turn.active.label}",
            turn=index,
            events=_messages(transcript, index),
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


def _messages(transcript: Transcript, turn: int) -> tuple[int, ...]:
    return tuple(
        position for position, event in transcript.indexed(turn) if isinstance(event, Message)
    )


def _handoff_events(transcript: Transcript, turn: int) -> tuple[int, ...]:
    if turn >= len(transcript.turns):
        return ()
    return tuple(
        position for position, event in transcript.indexed(turn) if event.type == "agent_handoff"
    )
