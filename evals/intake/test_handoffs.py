"""From the intake to membership: when it happens, in which order, and what is carried over.

Nobody's model is real here. `ScriptedLLM` says what each agent's model answers, reply by reply,
so these tests state what the agents' own code does with what the model decided on.
"""

import json
from typing import Any

import pytest
from livekit.agents import ToolError, mock_tools

from agents.intake import Caller, IntakeAgent, MembershipAgent, intake_call
from handoff_evals import (
    AgentCallFixture,
    CallTurn,
    Received,
    Reply,
    ScriptedLLM,
    ToolCall,
    tool_call,
)

NAME = tool_call("record_name", name="Maria")
AGE = tool_call("record_age", age=34)

# The fact that comes first, which one is missing then, and the fact that hands over.
either_order = pytest.mark.parametrize(
    ("first", "missing", "last"),
    [
        pytest.param(NAME, "age", AGE, id="handed-over-by-the-age"),
        pytest.param(AGE, "name", NAME, id="handed-over-by-the-name"),
    ],
)


def tells_missing(turn: CallTurn, missing: str) -> str:
    """The tool's output, which tells the model what to ask for next."""
    output = turn.expect.contains_function_call_output(is_error=False).event().item.output
    assert f"{missing} is still missing" in output
    return str(output)


def greets(turn: CallTurn, name: str) -> bool:
    """Whether membership greets by name, whatever the words are."""
    return name in turn.said.splitlines()[-1]


def told(received: Received) -> list[tuple[str, Any]]:
    """What a model was told besides its agent's own instructions: who said what."""
    return [(message["role"], message.get("content")) for message in received.messages[1:]]


@either_order
async def test_one_fact_alone_hands_nobody_over(
    agent_call: AgentCallFixture, first: ToolCall, missing: str, last: ToolCall
) -> None:
    call = await agent_call(intake_call, llm=ScriptedLLM([first, "And the other thing?"]))
    intake = call.active_agent

    turn = await call.say("Here is one thing about me")

    made = turn.expect.next_event().is_function_call(name=first.name).event().item
    assert json.loads(made.arguments) == json.loads(first.arguments)
    turn.expect.next_event().is_function_call_output(is_error=False)
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    turn.expect.no_handoff()
    tells_missing(turn, missing)
    assert call.active_agent is intake
    assert last.name in call.received_by(IntakeAgent).tools


@either_order
async def test_the_second_fact_is_recorded_handed_over_and_greeted_in_that_order(
    agent_call: AgentCallFixture, first: ToolCall, missing: str, last: ToolCall
) -> None:
    call = await agent_call(intake_call, llm=ScriptedLLM([first, "And the other thing?", last]))
    before = await call.say("Here is one thing about me")
    tells_missing(before, missing)

    turn = await call.say("And here is the other")

    made = turn.expect.next_event().is_function_call(name=last.name).event().item
    assert json.loads(made.arguments) == json.loads(last.arguments)
    turn.expect.next_event().is_function_call_output(output="", is_error=False)
    turn.expect.next_event().is_agent_handoff(new_agent_type=MembershipAgent)
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    assert greets(turn, "Maria")


@either_order
async def test_membership_is_told_what_was_said_and_the_facts_and_nothing_else(
    agent_call: AgentCallFixture, first: ToolCall, missing: str, last: ToolCall
) -> None:
    model = ScriptedLLM([first, "And the other thing?", last, "30 euros a month."])
    call = await agent_call(intake_call, llm=model)
    answer = tells_missing(await call.say("Here is one thing about me"), missing)
    thanks = (await call.say("And here is the other")).said
    await call.say("What does it cost?")

    received = call.received_by(MembershipAgent)
    assert told(received) == [
        ("assistant", call.opening.said),
        ("user", "Here is one thing about me"),
        ("assistant", "And the other thing?"),
        ("user", "And here is the other"),
        ("assistant", thanks),
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
    agent_call: AgentCallFixture, first: ToolCall, missing: str, last: ToolCall
) -> None:
    known = Caller(name="Maria") if missing == "age" else Caller(age=34)
    model = ScriptedLLM([first, "And the other thing?", last, "30 euros a month."])
    call = await agent_call(intake_call, llm=model)
    kept = call.session.userdata
    assert kept == Caller()

    await call.say("Here is one thing about me")
    assert call.session.userdata == known
    await call.say("And here is the other")
    assert call.session.userdata == Caller(name="Maria", age=34)
    await call.say("What does it cost?")
    assert call.session.userdata == Caller(name="Maria", age=34)
    assert call.session.userdata is kept


@either_order
async def test_the_intake_has_the_call_until_the_second_fact_and_membership_after_it(
    agent_call: AgentCallFixture, first: ToolCall, missing: str, last: ToolCall
) -> None:
    model = ScriptedLLM([first, "And the other thing?", last, "30 euros a month.", "From 7 on."])
    call = await agent_call(intake_call, llm=model)
    before = await call.say("Here is one thing about me")
    tells_missing(before, missing)
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
    assert turn.said.startswith("Got both.\n")
    assert greets(turn, "Maria")
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
        (tool_call("record_name", name=""), "name"),
        (tool_call("record_name", name=" \t"), "name"),
        (tool_call("record_age", age=0), "0 is no age"),
        (tool_call("record_age", age=-3), "-3 is no age"),
        (tool_call("record_age", age=121), "121 is no age"),
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
    assert because in output
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
    assert greets(turn, "Maria")
    assert call.session.userdata == Caller(name="Maria", age=age)


@either_order
async def test_a_record_that_fails_hands_nobody_over(
    agent_call: AgentCallFixture, first: ToolCall, missing: str, last: ToolCall
) -> None:
    def down() -> None:
        raise ToolError("The member register does not answer.")

    model = ScriptedLLM([first, "And the other thing?", last, "One more time, please?"])
    call = await agent_call(intake_call, llm=model)
    before = await call.say("Here is one thing about me")
    tells_missing(before, missing)
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


@pytest.mark.parametrize("name", ["Anna Maria van der Berg", "O'Neill", "Zoë Müller-Lüdenscheidt"])
async def test_names_of_several_words_are_recorded_and_said_whole(
    agent_call: AgentCallFixture, name: str
) -> None:
    script: list[Reply] = [tool_call("record_name", name=name), "And your age?", AGE, "Yes."]
    call = await agent_call(intake_call, llm=ScriptedLLM(script))
    await call.say(f"I'm {name}")
    turn = await call.say("34")
    assert greets(turn, name)
    await call.say("Do you have a pool?")
    call.received_by(MembershipAgent).contains(f"You talk to {name}, aged 34")
    assert call.session.userdata == Caller(name=name, age=34)


async def test_an_age_that_the_caller_corrects_is_handed_over_corrected(
    agent_call: AgentCallFixture,
) -> None:
    wrong = tool_call("record_age", age=43)
    model = ScriptedLLM([wrong, "And your name?", AGE, "34, then. Your name?", NAME, "Yes."])
    call = await agent_call(intake_call, llm=model)
    for said in ("43", "No, 34", "Maria", "Do you have a pool?"):
        await call.say(said)
    call.received_by(MembershipAgent).contains("aged 34").lacks("aged 43")
    assert call.session.userdata == Caller(name="Maria", age=34)


@pytest.mark.parametrize(
    ("first", "twice"),
    [
        pytest.param(NAME, (AGE, AGE), id="the-age-twice"),
        pytest.param(AGE, (NAME, NAME), id="the-name-twice"),
        pytest.param(NAME, (AGE, NAME), id="the-age-and-the-name-again"),
        pytest.param(AGE, (NAME, AGE), id="the-name-and-the-age-again"),
    ],
)
async def test_two_tools_that_hand_over_in_one_reply_hand_over_once(
    agent_call: AgentCallFixture, first: ToolCall, twice: tuple[ToolCall, ToolCall]
) -> None:
    call = await agent_call(intake_call, llm=ScriptedLLM([first, "And the other thing?", twice]))
    await call.say("Here is one thing about me")
    turn = await call.say("And here is the other, and the other again")
    turn.expect.handoff(IntakeAgent, MembershipAgent)
    assert turn.said.count("Maria") == 1
    assert call.handoffs[1:] == [("intake_agent", "membership_agent")]
    assert call.session.userdata == Caller(name="Maria", age=34)


async def test_a_long_call_is_carried_over_whole(agent_call: AgentCallFixture) -> None:
    talk = [f"Answer {number}." for number in range(15)]
    model = ScriptedLLM([*talk, NAME, "And your age?", AGE, "30 euros."])
    call = await agent_call(intake_call, llm=model)
    for number in range(15):
        await call.say(f"Question {number}?")
    for said in ("Maria", "34", "What does it cost?"):
        await call.say(said)
    words = [text for _, text in told(call.received_by(MembershipAgent))]
    assert len(words) == 36
    assert words[1:3] == ["Question 0?", "Answer 0."]


async def test_two_calls_at_once_know_nothing_of_each_other(agent_call: AgentCallFixture) -> None:
    one = await agent_call(intake_call, llm=ScriptedLLM([NAME, "And your age?", AGE]))
    other = await agent_call(intake_call, llm=ScriptedLLM([AGE, "And your name?", "Your name?"]))
    await one.say("Maria")
    await other.say("34")
    assert one.session.userdata == Caller(name="Maria")
    assert other.session.userdata == Caller(age=34)
    await one.say("34")
    await other.say("Guess")
    assert (one.active_agent_id, other.active_agent_id) == ("membership_agent", "intake_agent")
    assert other.session.userdata == Caller(age=34)
