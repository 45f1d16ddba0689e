"""Agents that await AgentTasks and TaskGroups, driven to the end and judged."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from livekit.agents import Agent, AgentTask

from handoff_evals.checks import decisions, overall, score
from handoff_evals.livekit import Reply, ScriptedLLM, ToolCall
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.models import OracleLLM
from handoff_evals.reports import conversation
from handoff_evals.scenarios import Expectation, ExpectedCall, Scenario, ScriptedTurn, Target
from handoff_evals.transcript import AgentHandoff, Transcript
from tests.support import task_agents as agents
from tests.support.conversations import path
from tests.support.phone import Script, open_call, run_call, short_events, skipping_waits

NAME = tool_call("record_name", name="Ada")
SIZE = tool_call("record_size", size=2)


def kinds(transcript: Transcript, turn: int) -> list[str]:
    """Each handoff of a turn: `task a -> b`, with its step where it has one."""
    return [_written(handoff) for handoff in transcript.turns[turn].handoffs]


def _written(handoff: AgentHandoff) -> str:
    old = handoff.old.id if handoff.old else "nobody"
    step = f" ({handoff.step})" if handoff.step else ""
    return f"{handoff.kind} {old} -> {handoff.new.id}{step}"


def expecting(*turns: tuple[str, Expectation]) -> Scenario:
    return Scenario(
        label="Any", turns=tuple(ScriptedTurn(user=user, expect=expect) for user, expect in turns)
    )


def expect(agent: str, *calls: ExpectedCall, steps: Sequence[str] | None = None) -> Expectation:
    return Expectation(
        agent=Target.parse(agent),
        calls=calls or None,
        handoffs=None if steps is None else path(*steps),
    )


def called(tool: str, **arguments: object) -> ExpectedCall:
    return ExpectedCall(name=tool, arguments=arguments)


async def test_a_task_in_on_enter_and_the_return_from_it_are_told_from_handoffs() -> None:
    call = await run_call(
        agents.Welcomes, ["Your name?", NAME, tool_call("to_billing")], "Ada.", "The bill."
    )

    assert kinds(call.transcript, 0) == ["handoff nobody -> welcomes", "task welcomes -> ask_name"]
    assert kinds(call.transcript, 1) == ["return ask_name -> welcomes"]
    assert kinds(call.transcript, 2) == ["handoff welcomes -> billing"]
    assert [turn.said for turn in call.turns] == ["Your name?", "Welcome, Ada!", "Billing here."]
    assert call.faults == []


async def test_livekits_own_task_is_one_step_and_back() -> None:
    mail = tool_call("update_email_address", email="ada@example.com")
    script: Script = [tool_call("get_email"), "Your address?", mail, "Thank you."]
    call = await run_call(agents.Mails, script, "Hello.", "ada@example.com")

    assert kinds(call.transcript, 1) == ["task mails -> get_email_task"]
    assert kinds(call.transcript, 2) == ["return get_email_task -> mails"]
    assert "get_email = ada@example.com" in short_events(call.turns[2])
    assert call.faults == []


GROUP: Sequence[Reply] = [
    tool_call("book"),
    "Your name?",
    NAME,
    tool_call("out_of_scope", task_ids=["name"]),
    "Your name again?",
    tool_call("record_name", name="Bob"),
    SIZE,
    "And your guest's?",
    tool_call("record_name", name="Eve"),
    "Booked.",
]
SAID = ("A table.", "Ada.", "No, Bob.", "Bob.", "Two.", "Eve.")


async def test_the_steps_of_a_group_are_shown_with_their_ids_back_and_forth() -> None:
    with skipping_waits():
        async with open_call(agents.BooksInSteps, model=ScriptedLLM(GROUP)) as call:
            await call.run([ScriptedTurn(user=words) for words in SAID])

    steps = [step for number in range(7) for step in kinds(call.transcript, number)]
    assert [each for each in steps if each.endswith(")")] == [
        "task task_group -> ask_name (name)",
        "task task_group -> ask_size (size)",
        "task task_group -> ask_name (name)",
        "task task_group -> ask_size (size)",
        "task task_group -> ask_name (guest)",
    ]
    assert call.faults == []
    assert call.active.id == "books_in_steps"
    assert any("'name': 'Bob', 'size': 2, 'guest': 'Eve'" in x for x in short_events(call.turns[6]))
    shown = conversation(call.transcript)
    assert "task: task_group -> ask_size (step 'size')" in shown
    assert "task over: ask_name -> task_group" in shown


BOOKING = expecting(
    ("A table.", expect("ask_name", called("book"), steps=["ask_name"])),
    ("Ada.", expect("ask_size", called("record_name", name="Ada"), steps=["ask_size"])),
    ("Two.", expect("ask_name", called("record_size", size=2))),
    ("Eve.", expect("books_in_steps", called("record_name", name="Eve"))),
    ("The bill.", expect("billing", steps=["books_in_steps -> billing"])),
)
TAKING_IN = expecting(
    ("Hello.", expect("ask_name", called("take_in"))),
    ("Ada.", expect("billing", called("record_name", name="Ada"), steps=["takes_in -> billing"])),
)
GOING_ON = expecting(("Ada.", expect("billing", called("record_name", name="Ada"))))
CHECKING = expecting(("Check.", expect("does", called("do"), steps=[])))
WELCOMING = expecting(("Ada.", expect("welcomes", called("record_name", name="Ada"))))
NESTING = expecting(
    ("A table.", expect("ask_name", called("book"), steps=["books -> ask_name"])),
    ("Ada.", expect("ask_size", called("record_name", name="Ada"), steps=["ask_size"])),
    ("Two.", expect("books", called("record_size", size=2))),
)


@pytest.mark.parametrize(
    ("agent", "scenario"),
    [
        (agents.BooksInSteps, BOOKING),
        (agents.Books, NESTING),
        (agents.TakesIn, TAKING_IN),
        (agents.GoesOn, GOING_ON),
        (agents.Welcomes, WELCOMING),
        (partial(agents.Does, agents.Checks), CHECKING),
        (partial(agents.Does, agents.ChecksAloud), CHECKING),
    ],
    ids=["steps", "nested", "hands over", "goes on", "in on_enter", "silent", "aloud"],
)
async def test_no_part_of_a_task_is_a_detour_and_the_tasks_are_seen_where_they_have_the_call(
    agent: Callable[[], Agent], scenario: Scenario
) -> None:
    with skipping_waits():
        async with open_call(agent, model=OracleLLM(scenario)) as call:
            await call.run(scenario.turns)
    scores = score(scenario, call.transcript)

    assert [each for each in scores if each.status != "passed"] == []
    assert {each.outcome for each in decisions(scenario, call.transcript)} == {"correct"}
    never = await run_call(agent, lambda _: "I see.", *(t.user for t in scenario.turns))
    assert overall(score(scenario, never.transcript)) == "failed"


@pytest.mark.parametrize(
    ("task", "cause", "active"),
    [
        (agents.Raises, "on_enter_error", "raises"),
        (agents.RaisesWhenDone, "on_enter_error", "does"),
        (agents.FailsToCheck, "tool_error", "does"),
    ],
)
async def test_a_task_that_fails_in_a_tool_is_a_fault_and_runs_down_no_deadline(
    task: Callable[[], AgentTask[str]], cause: str, active: str
) -> None:
    script: Script = [tool_call("do"), "I see.", "I see."]
    call = await run_call(partial(agents.Does, task), script, "Hello?", "Still there?")

    assert [(fault.cause, fault.turn, fault.ended) for fault in call.faults] == [(cause, 1, False)]
    assert [turn.active.id for turn in call.turns[1:]] == [active, active]
    assert all(turn.duration_s < 1 for turn in call.turns)


async def test_a_task_that_fails_in_on_enter_leaves_the_caller_with_it() -> None:
    call = await run_call(partial(agents.DoesAtOnce, agents.Raises), ["Hm."], "Hello?")

    assert [(fault.cause, fault.turn) for fault in call.faults] == [("on_enter_error", 0)]
    assert call.turns[1].said == "Hm."
    assert call.turns[1].active.id == "raises"
    assert all(turn.duration_s < 1 for turn in call.turns)


async def test_a_task_that_fails_after_one_that_it_awaited_is_a_fault_of_that_turn() -> None:
    call = await run_call(
        partial(agents.Does, agents.RaisesAfterAnother), [tool_call("do"), SIZE], "Hello?", "Two."
    )

    assert [(fault.cause, fault.turn) for fault in call.faults] == [("on_enter_error", 2)]
    assert all(turn.duration_s < 1 for turn in call.turns)


async def test_a_task_that_is_completed_twice_is_a_fault_and_returns_all_the_same() -> None:
    script: Script = [tool_call("do"), tool_call("yes"), "Oh.", "Yes."]
    call = await run_call(partial(agents.Does, agents.Twice), script, "Hello?", "Yes.")

    assert [fault.detail for fault in call.faults] == ["RuntimeError: Twice is already done"]
    assert kinds(call.transcript, 2) == ["return twice -> does"]
    assert "do = yes" in short_events(call.turns[2])


async def test_a_task_that_gives_up_goes_back_and_the_conversation_goes_on() -> None:
    """LiveKit's run raises what the task was completed with, though the agent has dealt with it."""
    call = await run_call(
        agents.AsksAtOnce, [tool_call("give_up"), "Never mind."], "Never.", "Still there?"
    )

    assert call.faults == []
    assert kinds(call.transcript, 1) == ["return ask_size -> asks_at_once"]
    assert call.turns[2].said == "Never mind."
    assert call.results[1] is not None


@pytest.mark.parametrize(
    ("tool", "handoffs"),
    [
        (tool_call("leave"), ["handoff ask_size -> billing"]),
        (
            tool_call("record_and_leave", size=2),
            ["return ask_size -> asks_size", "handoff asks_size -> billing"],
        ),
    ],
)
async def test_a_task_that_hands_over_itself_leads_on(tool: ToolCall, handoffs: list[str]) -> None:
    asked = expecting(("Hello?", expect("ask_size")), ("Two.", expect("billing")))
    script: Script = [tool_call("ask"), tool, "Two, then."]
    call = await run_call(agents.AsksSize, script, "Hello?", "Two.")

    assert kinds(call.transcript, 2) == handoffs
    assert call.turns[2].said.endswith("Billing here.")
    assert [each.outcome for each in decisions(asked, call.transcript)] == ["correct", "correct"]
    assert call.faults == []


async def test_a_task_that_nobody_awaits_is_an_agent_like_any_other() -> None:
    call = await run_call(agents.GivesAway, [tool_call("transfer"), SIZE, "Yes."], "a", "2", "b")

    assert kinds(call.transcript, 1) == ["handoff gives_away -> ask_size"]
    assert [turn.active.id for turn in call.turns[1:]] == ["ask_size"] * 3
    assert all(turn.duration_s < 1 for turn in call.turns)
    assert call.faults == []


async def test_a_single_task_can_be_driven_by_itself() -> None:
    call = await run_call(agents.AskSize, [SIZE], "Two.")

    assert [turn.said for turn in call.turns] == ["How many?", ""]
    assert call.faults == []


async def test_a_spurious_task_is_named_and_one_that_ends_is_no_handoff_to_a_wrong_agent() -> None:
    asked = expecting(
        ("Hello?", expect("asks_size")),
        ("Two.", expect("billing")),
        ("Now.", expect("billing")),
    )
    call = await run_call(
        agents.AsksSize, [tool_call("ask"), SIZE, "Two.", "Yes."], "Hello?", "Two.", "Now."
    )

    found = decisions(asked, call.transcript)
    assert [each.outcome for each in found] == ["spurious", "missed", "missed"]
