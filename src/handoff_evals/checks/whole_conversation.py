"""The checks of a whole conversation, in whichever of its turns things happen.

Its path and where it ends are handoff decisions, see `hops`. What is only known in the end is
judged in the end: while the agent kept turns from being reached, who ends the call and the final
state fail, and an expected call may still have been made before.
"""

from collections.abc import Iterator

from handoff_evals.checks.calls import MadeCall, made_calls, to_person
from handoff_evals.checks.expectations import userdata_score
from handoff_evals.checks.scoring import Score, check
from handoff_evals.checks.way import moves_of, took_place
from handoff_evals.scenarios import Scenario, paired
from handoff_evals.transcript import AgentHandoff, FunctionCall, Transcript


@check("never")
def nothing_forbidden_happens(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """No agent has the call that never must, and no tool is called that never must."""
    never = scenario.conversation.never
    for target in never.agents:
        found = tuple(
            position
            for position, event in enumerate(transcript.events)
            if isinstance(event, AgentHandoff) and target.matches(event.new)
        )
        had = bool(found) or any(target.matches(turn.active) for turn in transcript.turns)
        yield Score(
            status="failed" if had else "passed",
            reason=f"{target.label} {'had' if had else 'never has'} the call",
            events=found,
        )
    for tool in never.tools:
        # Also one that was refused: the model did ask for it.
        found = tuple(
            position
            for position, event in enumerate(transcript.events)
            if isinstance(event, FunctionCall) and event.name == tool
        )
        yield Score(
            status="failed" if found else "passed",
            reason=f"{tool} {'was' if found else 'is never'} called",
            events=found,
        )


@check("calls_in_any_turn")
def expected_calls_are_made(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """Every expected call was made in some turn, each by a call of its own; none where none is."""
    expected = scenario.conversation.calls
    if expected is None:
        return
    made = [each for turn in range(len(transcript.turns)) for each in made_calls(transcript, turn)]
    happened = [each.shown for each in made] or "nothing"
    if not expected:
        yield Score(
            status="failed" if made else "passed",
            reason=f"expected no call in any turn, called {happened}",
            events=tuple(each.position for each in made),
        )
    places = paired(expected, made, MadeCall.fits)
    for call, place in zip(expected, places, strict=True):
        yield Score(
            status="failed" if place is None else "passed",
            reason=f"expected {call.written} in some turn, called {happened}",
            events=() if place is None else (made[place].position,),
        )


@check("max_handoffs")
def handoffs_are_few(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The call is handed over at most so many times.

    The first agent's entrance is no handoff, nor is an AgentTask or an agent only passed by.
    """
    most = scenario.conversation.max_handoffs
    if most is None:
        return
    made = sum(move.counts for move in moves_of(transcript))
    yield Score(
        status="passed" if made <= most else "failed",
        reason=f"expected at most {most} handoffs, there were {made}",
        events=tuple(
            position
            for position, event in enumerate(transcript.events)
            if isinstance(event, AgentHandoff) and event.old is not None
        ),
    )


@check("ends")
def call_ends_as_expected(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The call is ended by the agent or the caller, or a person has taken it over."""
    expected = scenario.conversation.ends
    if expected is None:
        return
    if expected != "person":
        ended = transcript.ended_by
        yield Score(
            status="passed"
            if ended == expected and took_place(scenario, transcript)
            else "failed"
            if ended or not took_place(scenario, transcript)
            else "unscored",
            reason=f"expected the {expected} to end the call, "
            + (f"the {ended} did" if ended else "and nobody noted who did"),
            cause="" if ended else "not_recorded",
        )
        return
    tools = scenario.conversation.person or (None,)
    found = tuple(
        position
        for turn in range(len(transcript.turns))
        for tool in tools
        for position in to_person(transcript, turn, tool=tool)
    )
    by = f" by {' or '.join(map(str, tools))}" if scenario.conversation.person else ""
    later = tuple(
        position
        for position, event in enumerate(transcript.events)
        if found
        and position > max(found)
        and isinstance(event, AgentHandoff)
        # livekit's own task gives the call back when the person has it.
        and not (event.old is not None and event.old.id.endswith("warm_transfer_task"))
    )
    reason = f"expected a transfer to a person{by} in the end, "
    reason += "there was none" if not found else "the call was there"
    if later:
        reason += ", and then an agent took it again"
    yield Score(
        status="passed" if found and not later else "failed", reason=reason, events=found + later
    )


@check("final_userdata")
def final_state_is_right(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """In the end the session's userdata is what the scenario expects."""
    expected = scenario.conversation.userdata
    if expected and not took_place(scenario, transcript):
        yield Score(status="failed", reason="the conversation did not come to its end")
        return
    for name, value in expected.items():
        yield userdata_score(transcript.turns[-1].userdata, name, value)


@check("on_simulation_end")
def nobody_vetoes(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """LiveKit's callback, that the scenario or the agents' server names, let the result stand."""
    if transcript.veto is not None:
        yield Score(status="failed", reason=f"vetoed: {transcript.veto}")
    elif scenario.conversation.on_simulation_end:
        done = took_place(scenario, transcript) and bool(transcript.ended_by)
        reason = "no veto" if done else "the conversation did not come to its end"
        yield Score(status="passed" if done else "failed", reason=reason)
