"""Each way in which an agent can spoil a conversation, and that it spoils nothing else."""

import asyncio
import gc
from typing import Any

import pytest
from livekit.agents import Agent

from handoff_evals.checks import overall, score
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Target
from handoff_evals.transcript import AgentError
from tests.support import traps
from tests.support.phone import ROOMY, calling, held, told
from tests.support.traps import TRAPS, Greets, GreetsByModel, HangsUp

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.mark.parametrize("name", TRAPS)
async def test_each_trap_comes_to_its_faults_leaves_nothing_and_spoils_no_other_call(
    name: str,
) -> None:
    lost: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))

    call = await TRAPS[name].spring()  # it looks for tasks and sessions that are left

    assert tuple((f.owner, f.cause, f.turn) for f in call.faults) == TRAPS[name].faults
    cut_off = {fault.turn for fault in call.faults if fault.cause == "turn_timeout"}
    for number, turn in enumerate(call.turns):
        assert (turn.duration_s >= ROOMY.turn_s) == (number in cut_off)
        assert turn.duration_s < 1.5 * ROOMY.turn_s
    gc.collect()  # asyncio tells of exceptions that nobody asked for when they are collected
    assert lost == []
    after = await held(Greets, ["Fine."], "How are you?")
    assert after.faults == []
    assert [told(turn) for turn in after.turns] == [
        ["nobody -> greets", "greets: Good day, Lumen Line."],
        ["caller: How are you?", "greets: Fine."],
    ]


@pytest.mark.parametrize("agent", [Greets, GreetsByModel])
async def test_the_model_receives_the_greeting_before_the_callers_first_words(
    agent: type[Agent],
) -> None:
    script = ["Yes."] if agent is Greets else ["Good day, Lumen Line.", "Yes."]
    call = await held(agent, script, "Hello?")

    assert call.turns[0].said == "Good day, Lumen Line."
    (asked,) = call.turns[1].model_calls
    assert [(m["role"], m["content"]) for m in asked.messages] == [
        ("system", "You answer."),
        ("assistant", "Good day, Lumen Line."),
        ("user", "Hello?"),
    ]


async def test_a_hanging_tool_is_named_by_the_fault_and_shows_its_call() -> None:
    call = await TRAPS["a hanging tool"].spring()

    (fault,) = call.faults
    assert fault.ended
    start = (
        "hangs_in_tool was not done within 60 s, having called look_up; it waits in look_up (traps"
    )
    assert fault.detail.startswith(start)
    assert told(call.turns[1]) == ["caller: Hello?", "look_up({})"]
    assert len(call.turns) == 2


async def test_a_conversation_that_ends_within_nested_tasks_ends_on_the_innermost() -> None:
    call = await TRAPS["a call that ends within nested tasks"].spring()

    assert call.turns[-1].active.id == "asks"


async def test_two_handoffs_in_one_reply_are_an_error_and_fail_the_trial() -> None:
    call = await TRAPS["two handoffs in one reply"].spring()
    asked = Scenario(
        label="Any",
        turns=(
            ScriptedTurn(user="Hello?", expect=Expectation(agent=Target(id="greets"))),
            ScriptedTurn(user="Still there?"),
        ),
    )

    errors = [event for event in call.turns[1].events if isinstance(event, AgentError)]
    assert [error.where for error in errors] == ["dropped_handoff"]
    assert told(call.turns[1])[1:5] == [
        "to_one({})",
        "to_other({})",
        "to_one = ",
        "to_other = ",
    ]
    assert overall(score(asked, call.transcript)) == "failed"


async def test_an_unknown_tool_shows_its_call_and_what_the_model_was_told() -> None:
    call = await TRAPS["an unknown tool"].spring()

    caller, made, output, reply = told(call.turns[1])
    assert (caller, made, reply) == ("caller: Hello?", "no_such_tool({})", "plain: Oh.")
    assert output.startswith("no_such_tool = Unknown function: no_such_tool")


async def test_an_empty_reply_is_the_models_fault_and_leaves_the_caller_unanswered() -> None:
    call = await TRAPS["an empty reply"].spring()
    asked = Scenario(
        label="Any", turns=(ScriptedTurn(user="Hello?"), ScriptedTurn(user="Still there?"))
    )

    assert told(call.turns[1]) == ["caller: Hello?"]
    assert [(s.name, s.turn) for s in score(asked, call.transcript) if s.status == "failed"] == [
        ("answered", 1)
    ]


@pytest.mark.parametrize(
    ("name", "turn", "where", "message", "line"),
    [
        ("an exception in on_enter", 0, "on_enter", "LookupError: no greeting", "in on_enter"),
        ("an exception in on_exit", 1, "on_exit", "LookupError: no farewell", "in on_exit"),
        ("an exception in a tool", 1, "tool", "LookupError: no such caller", "in deeper"),
    ],
)
async def test_an_exception_that_livekit_only_logs_is_an_event_with_its_traceback(
    name: str, turn: int, where: str, message: str, line: str
) -> None:
    call = await TRAPS[name].spring()

    (error,) = (event for event in call.turns[turn].events if isinstance(event, AgentError))
    assert (error.where, error.message) == (where, message)
    assert line in error.traceback
    assert str(traps.__file__) in error.traceback
    assert [turn.said for turn in call.turns][-1] == "Yes."


async def test_a_model_that_raises_leaves_the_trial_unscored_with_its_cause() -> None:
    call = await TRAPS["a model error"].spring()

    (fault,) = call.faults
    assert fault == call.transcript.unscored_because
    assert fault.ended
    assert "no weights" in fault.detail
    assert call.turns[1].model_calls[0].error == "RuntimeError: no weights"


@pytest.mark.parametrize("name", ["mutual transfers by a tool", "mutual transfers by code"])
async def test_transfers_without_end_are_cut_off_at_once(name: str) -> None:
    call = await TRAPS[name].spring()

    (fault,) = call.faults
    assert (fault.detail, fault.ended) == ("9 handoffs in one turn", True)
    assert len(call.turns[0].handoffs) == 9


async def test_a_session_that_hangs_up_ends_the_call_with_its_last_words() -> None:
    call = await TRAPS["a session that hangs up"].spring()

    assert call.over
    assert len(call.turns) == 2
    assert call.turns[1].said == "Goodbye!"
    assert call.active.id == "hangs_up"


async def test_a_session_that_a_tool_closes_ends_the_call() -> None:
    call = await TRAPS["a session that is closed by a tool"].spring()

    assert call.over
    assert len(call.turns) == 2
    assert call.turns[1].active.id == "closes_session"


async def test_nobody_can_speak_on_a_call_that_is_over() -> None:
    async with calling(HangsUp, [tool_call("hang_up")]) as call:
        await call.start()
        await call.say("Hello?")

        with pytest.raises(RuntimeError, match="the agent ended the call in turn 1"):
            await call.say("Still there?")


async def test_what_nested_tasks_do_after_run_has_returned_is_in_the_turn() -> None:
    call = await TRAPS["nested tasks"].spring()

    assert told(call.turns[1]) == [
        "caller: Hello?",
        "interview({})",
        "host -> asks_by_another",
        "asks_by_another -> asks",
        "asks: How old?",
    ]
    assert told(call.turns[2]) == [
        "caller: Still there?",
        'note({"answer": "34"})',
        "note = ",
        "asks -> asks_by_another",
        "asks_by_another -> host",
        "interview = they said 34",
        "host: Thanks.",
    ]


async def test_a_call_of_a_tool_that_awaits_a_task_is_the_agents_that_made_it() -> None:
    call = await TRAPS["nested tasks"].spring()

    agents = {
        event.name: event.agent.id
        for event in call.transcript.events
        if event.type == "function_call" and event.agent is not None
    }
    assert agents == {"interview": "host", "note": "asks"}


async def test_what_a_group_of_tasks_does_is_in_its_turns() -> None:
    call = await TRAPS["a group of tasks"].spring()

    assert [turn.active.id for turn in call.turns] == ["group_host", "asks", "asks", "group_host"]
    assert told(call.turns[2])[-3:] == [
        "asks -> task_group",
        "task_group -> asks",
        "asks: How tall?",
    ]
    assert told(call.turns[3])[-4:] == [
        "asks -> task_group",
        "task_group -> group_host",
        "interview = 34, 180",
        "group_host: Thanks.",
    ]
