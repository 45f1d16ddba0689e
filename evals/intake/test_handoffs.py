"""From the intake to membership: when it happens, in which order, and what is carried over.

Nobody's model is real here. `ScriptedLLM` says what each agent's model answers, reply by reply,
so these tests state what the agents' own code does with what the model decided on.
"""

import json
from typing import Any

import pytest
from livekit.agents import ToolError, mock_tools

from agents.intake import Caller, IntakeAgent, MembershipAgent, intake_call
from handoff_evals import AgentCallFixture, Received, ScriptedLLM, ToolCall, tool_call

NAME = tool_call("record_name", name="Maria")
AGE = tool_call("record_age", age=34)

WELCOME = "Welcome to the Riverside sports club! May I have your name?"
THANKS = "Thank you, Maria, that is all I need. What would you like to know about the club?"
AGE_IS_MISSING = "The name is recorded. The age is still missing: ask for it."
NAME_IS_MISSING = "The age is recorded. The name is still missing: ask for it."

# The fact that comes first, what the tool answers to it, and the fact that hands over.
either_order = pytest.mark.parametrize(
    ("first", "answer", "last"),
    [
        pytest.param(NAME, AGE_IS_MISSING, AGE, id="handed-over-by-the-age"),
        pytest.param(AGE, NAME_IS_MISSING, NAME, id="handed-over-by-the-name"),
    ],
)


def told(received: Received) -> list[tuple[str, Any]]:
    """What a model was told besides its agent's own instructions: who said what."""
    return [(message["role"], message.get("content")) for message in received.messages[1:]]


@either_order
async def test_one_fact_alone_hands_nobody_over(
    agent_call: AgentCallFixture, first: ToolCall, answer: str, last: ToolCall
) -> None:
    call = await agent_call(intake_call, llm=ScriptedLLM([first, "And the other thing?"]))
    intake = call.active_agent

    turn = await call.say("Here is one thing about me")

    made = turn.expect.next_event().is_function_call(name=first.name).event().item
    assert json.loads(made.arguments) == json.loads(first.arguments)
    turn.expect.next_event().is_function_call_output(output=answer, is_error=False)
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    turn.expect.no_handoff()
    assert call.active_agent is intake
    assert last.name in call.received_by(IntakeAgent).tools


@either_order
async def test_the_second_fact_is_recorded_handed_over_and_greeted_in_that_order(
    agent_call: AgentCallFixture, first: ToolCall, answer: str, last: ToolCall
) -> None:
    call = await agent_call(intake_call, llm=ScriptedLLM([first, "And the other thing?", last]))
    before = await call.say("Here is one thing about me")
    before.expect.contains_function_call_output(output=answer)

    turn = await call.say("And here is the other")

    made = turn.expect.next_event().is_function_call(name=last.name).event().item
    assert json.loads(made.arguments) == json.loads(last.arguments)
    turn.expect.next_event().is_function_call_output(output="", is_error=False)
    turn.expect.next_event().is_agent_handoff(new_agent_type=MembershipAgent)
    greeting = turn.expect.next_event().is_message(role="assistant").event().item
    assert greeting.text_content == THANKS
    turn.expect.no_more_events()


@either_order
async def test_membership_is_told_what_was_said_and_the_facts_and_nothing_else(
    agent_call: AgentCallFixture, first: ToolCall, answer: str, last: ToolCall
) -> None:
    model = ScriptedLLM([first, "And the other thing?", last, "30 euros a month."])
    call = await agent_call(intake_call, llm=model)
    await call.say("Here is one thing about me")
    await call.say("And here is the other")
    await call.say("What does it cost?")

    received = call.received_by(MembershipAgent)
    assert told(received) == [
        ("assistant", WELCOME),
        ("user", "Here is one thing about me"),
        ("assistant", "And the other thing?"),
        ("user", "And here is the other"),
        ("assistant", THANKS),
        ("user", "What does it cost?"),
    ]
    received.contains("You talk to Maria, aged 34: never ask")
    received.lacks_instructions_of(IntakeAgent).lacks(answer).lacks("record_")
    # No model sees these prompts, but whoever reads the context does.
    items = call.active_agent.chat_ctx.items
    prompts = [item.instructions for item in items if item.type == "agent_config_update"]
    assert prompts == [call.active_agent.instructions]
    assert received.tools == []


@either_order
async def test_the_facts_are_in_userdata_one_by_one_and_outlast_the_intake(
    agent_call: AgentCallFixture, first: ToolCall, answer: str, last: ToolCall
) -> None:
    known: dict[str, Caller] = {
        AGE_IS_MISSING: Caller(name="Maria"),
        NAME_IS_MISSING: Caller(age=34),
    }
    model = ScriptedLLM([first, "And the other thing?", last, "30 euros a month."])
    call = await agent_call(intake_call, llm=model)
    kept = call.session.userdata
    assert kept == Caller()

    await call.say("Here is one thing about me")
    assert call.session.userdata == known[answer]
    await call.say("And here is the other")
    assert call.session.userdata == Caller(name="Maria", age=34)
    await call.say("What does it cost?")
    assert call.session.userdata == Caller(name="Maria", age=34)
    assert call.session.userdata is kept


@either_order
async def test_the_intake_has_the_call_until_the_second_fact_and_membership_after_it(
    agent_call: AgentCallFixture, first: ToolCall, answer: str, last: ToolCall
) -> None:
    model = ScriptedLLM([first, "And the other thing?", last, "30 euros a month.", "From 7 on."])
    call = await agent_call(intake_call, llm=model)
    before = await call.say("Here is one thing about me")
    before.expect.contains_function_call_output(output=answer)
    assert isinstance(call.active_agent, IntakeAgent)

    turn = await call.say("And here is the other")

    turn.expect.handoff(IntakeAgent, MembershipAgent)
    assert call.session.current_agent is call.active_agent
    assert [asked.agent.id for asked in turn.model_calls] == ["intake_agent"]
    # The last stop: it keeps the caller, whatever they say.
    for said in ("What does it cost?", "Let me talk to the one before again"):
        later = await call.say(said)
        later.expect.no_handoff()
        assert [asked.agent.id for asked in later.model_calls] == ["membership_agent"]
    assert model.left == 0


async def test_livekits_handoff_records_are_a_chain_that_begins_with_nobody(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(intake_call, llm=ScriptedLLM([NAME, "And your age?", AGE]))
    await call.say("Maria")
    await call.say("34")
    recorded = [
        (item.old_agent_id, item.new_agent_id)
        for item in call.session.history.items
        if item.type == "agent_handoff"
    ]
    assert recorded == [(None, "intake_agent"), ("intake_agent", "membership_agent")]
    assert call.handoffs == recorded


@pytest.mark.parametrize("both", [[NAME, AGE], [AGE, NAME]], ids=["name-first", "age-first"])
async def test_both_facts_in_one_reply_hand_over_once(
    agent_call: AgentCallFixture, both: list[ToolCall]
) -> None:
    # The tool that came first wants an answer, so the intake speaks once more.
    call = await agent_call(intake_call, llm=ScriptedLLM([both, "Got both."]))
    turn = await call.say("Maria, 34")
    turn.expect.handoff(IntakeAgent, MembershipAgent)
    assert turn.said == f"Got both.\n{THANKS}"
    assert call.session.userdata == Caller(name="Maria", age=34)


async def test_a_fact_that_the_caller_corrects_is_handed_over_corrected(
    agent_call: AgentCallFixture,
) -> None:
    wrong = tool_call("record_name", name="Mario")
    model = ScriptedLLM([wrong, "And your age?", NAME, "Maria, then. And your age?", AGE, "Yes."])
    call = await agent_call(intake_call, llm=model)
    for said in ("Mario", "No, Maria", "34", "Do you have a pool?"):
        await call.say(said)
    call.received_by(MembershipAgent).contains("You talk to Maria, aged 34").lacks("Mario,")


@pytest.mark.parametrize(
    ("refused", "because"),
    [
        (tool_call("record_name", name=""), "The name is empty: ask the caller for their name."),
        (tool_call("record_name", name=" \t"), "The name is empty: ask the caller for their name."),
        (
            tool_call("record_age", age=0),
            "0 is no age: ask the caller how many years old they are.",
        ),
        (tool_call("record_age", age=-3), "-3 is no age: "),
        (tool_call("record_age", age=121), "121 is no age: "),
    ],
    ids=["no-name", "blank-name", "age-0", "age-minus-3", "age-121"],
)
async def test_what_is_no_name_and_no_age_is_not_recorded_and_hands_nobody_over(
    agent_call: AgentCallFixture, refused: ToolCall, because: str
) -> None:
    other = AGE if refused.name == "record_name" else NAME
    model = ScriptedLLM([other, "And the other thing?", refused, "Pardon?"])
    call = await agent_call(intake_call, llm=model)
    await call.say("Here is one thing about me")

    turn = await call.say("Mumble")

    output = turn.expect.contains_function_call_output(is_error=True).event().item.output
    assert output.startswith(because)
    turn.expect.no_handoff()
    assert turn.said == "Pardon?"
    expected = Caller(age=34) if other is AGE else Caller(name="Maria")
    assert call.session.userdata == expected


@pytest.mark.parametrize("age", [1, 120])
async def test_the_youngest_and_the_oldest_are_handed_over(
    agent_call: AgentCallFixture, age: int
) -> None:
    padded = tool_call("record_name", name="  Maria ")
    call = await agent_call(
        intake_call, llm=ScriptedLLM([padded, "And your age?", tool_call("record_age", age=age)])
    )
    await call.say("Maria")
    turn = await call.say("My age")
    turn.expect.handoff(IntakeAgent, MembershipAgent)
    assert turn.said == THANKS
    assert call.session.userdata == Caller(name="Maria", age=age)


@either_order
async def test_a_record_that_fails_hands_nobody_over(
    agent_call: AgentCallFixture, first: ToolCall, answer: str, last: ToolCall
) -> None:
    def down() -> None:
        raise ToolError("The member register does not answer.")

    model = ScriptedLLM([first, "And the other thing?", last, "One more time, please?"])
    call = await agent_call(intake_call, llm=model)
    before = await call.say("Here is one thing about me")
    before.expect.contains_function_call_output(output=answer)
    with mock_tools(IntakeAgent, {last.name: down}):
        turn = await call.say("And here is the other")
    turn.expect.next_event().is_function_call(name=last.name)
    turn.expect.next_event().is_function_call_output(
        output="The member register does not answer.", is_error=True
    )
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    turn.expect.no_handoff()


async def test_nobody_hands_over_a_caller_who_tells_nothing(agent_call: AgentCallFixture) -> None:
    call = await agent_call(
        intake_call, llm=ScriptedLLM(["Hello! Your name?", "Indeed. Your name?"])
    )
    intake = call.active_agent
    for said in ("Hello", "Nice weather"):
        turn = await call.say(said)
        turn.expect.no_handoff()
        turn.expect.next_event().is_message(role="assistant")
        turn.expect.no_more_events()
    assert call.active_agent is intake
    assert call.session.userdata == Caller()
