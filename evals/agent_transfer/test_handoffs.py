"""Both ways between the two agents: what happens in which order, and what is carried over.

Nobody's model is real here. `ScriptedLLM` says what each agent's model answers, reply by reply,
so these tests state what the agents' own code does with a handoff that was decided on.
"""

from typing import Any

import pytest
from livekit.agents import Agent, ToolError, mock_tools

from agents.agent_transfer import LongWindedAgent, ShortWindedAgent, transfer_call
from handoff_evals import AgentCallFixture, Received, ScriptedLLM, tool_call

CHANGE = tool_call("change_agent")

both_ways = pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(ShortWindedAgent, LongWindedAgent, id="short-to-long"),
        pytest.param(LongWindedAgent, ShortWindedAgent, id="long-to-short"),
    ],
)
either = pytest.mark.parametrize(
    "agent",
    [pytest.param(ShortWindedAgent, id="short"), pytest.param(LongWindedAgent, id="long")],
)


def told(received: Received) -> list[tuple[str, Any]]:
    """What a model was told besides its agent's own instructions: who said what."""
    return [(message["role"], message.get("content")) for message in received.messages[1:]]


async def greetings(agent_call: AgentCallFixture) -> dict[type[Agent], str]:
    """How each agent greets, whatever the words are."""
    both = (ShortWindedAgent, LongWindedAgent)
    return {agent: (await agent_call(agent, llm=ScriptedLLM([]))).opening.said for agent in both}


def prompts_kept(agent: Agent) -> list[str | None]:
    """The prompts in an agent's context that no model sees, and whoever reads it does."""
    items = agent.chat_ctx.items
    return [item.instructions for item in items if item.type == "agent_config_update"]


@both_ways
async def test_a_change_is_called_carried_out_and_greeted_in_that_order(
    agent_call: AgentCallFixture, old: type[Agent], new: type[Agent]
) -> None:
    greeting = await greetings(agent_call)
    call = await agent_call(old, llm=ScriptedLLM([CHANGE]))

    turn = await call.say("Could you answer the other way?")

    made = turn.expect.next_event().is_function_call(name="change_agent")
    assert made.event().item.arguments == "{}"
    turn.expect.next_event().is_function_call_output(output="", is_error=False)
    turn.expect.next_event().is_agent_handoff(new_agent_type=new)
    said = turn.expect.next_event().is_message(role="assistant")
    assert said.event().item.text_content == greeting[new]
    turn.expect.no_more_events()


@both_ways
async def test_the_old_agent_has_the_call_until_the_change_and_the_new_one_after_it(
    agent_call: AgentCallFixture, old: type[Agent], new: type[Agent]
) -> None:
    call = await agent_call(old, llm=ScriptedLLM([CHANGE, "As you like it."]))
    first = call.active_agent
    assert type(first) is old

    turn = await call.say("Could you answer the other way?")

    turn.expect.handoff(old, new)
    assert type(call.active_agent) is new
    assert call.session.current_agent is call.active_agent
    assert [asked.agent.id for asked in turn.model_calls] == [first.id]
    later = await call.say("Well?")
    assert later.said == "As you like it."
    assert [asked.agent.id for asked in later.model_calls] == [call.active_agent_id]


@both_ways
async def test_the_new_agent_is_told_what_was_said_and_nothing_else(
    agent_call: AgentCallFixture, old: type[Agent], new: type[Agent]
) -> None:
    greeting = await greetings(agent_call)
    call = await agent_call(old, llm=ScriptedLLM(["Because of the air.", CHANGE, "Well, the air."]))
    await call.say("Why is the sky blue?")
    await call.say("Could you answer the other way?")
    await call.say("I mean the sky over Oslo")

    received = call.received_by(new)
    assert told(received) == [
        ("assistant", greeting[old]),
        ("user", "Why is the sky blue?"),
        ("assistant", "Because of the air."),
        ("user", "Could you answer the other way?"),
        ("assistant", greeting[new]),
        ("user", "I mean the sky over Oslo"),
    ]
    received.lacks_instructions_of(old).lacks("change_agent()")
    assert prompts_kept(call.active_agent) == [call.active_agent.instructions]


@both_ways
async def test_there_and_back_and_there_again_forgets_nothing_and_repeats_no_agent(
    agent_call: AgentCallFixture, old: type[Agent], new: type[Agent]
) -> None:
    greeting = await greetings(agent_call)
    model = ScriptedLLM([CHANGE, "One it is.", CHANGE, "Two it is.", CHANGE, "Three it is."])
    call = await agent_call(old, llm=model)
    took_the_call = [call.active_agent]
    for there, then in [("There", "One"), ("Back", "Two"), ("There again", "Three")]:
        await call.say(there)
        took_the_call.append(call.active_agent)
        await call.say(then)

    assert model.left == 0
    assert [type(agent) for agent in took_the_call] == [old, new, old, new]
    # Each is new: one that was kept would know nothing of what was said since.
    assert len({id(agent) for agent in took_the_call}) == 4
    assert told(call.received_by(took_the_call[-1])) == [
        ("assistant", greeting[old]),
        ("user", "There"),
        ("assistant", greeting[new]),
        ("user", "One"),
        ("assistant", "One it is."),
        ("user", "Back"),
        ("assistant", greeting[old]),
        ("user", "Two"),
        ("assistant", "Two it is."),
        ("user", "There again"),
        ("assistant", greeting[new]),
        ("user", "Three"),
    ]


async def test_livekits_handoff_records_are_a_chain_that_begins_with_nobody(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(transfer_call, llm=ScriptedLLM([CHANGE, CHANGE]))
    await call.say("More")
    await call.say("Less")

    short, long = "short_winded_agent", "long_winded_agent"
    recorded = [
        (item.old_agent_id, item.new_agent_id)
        for item in call.session.history.items
        if item.type == "agent_handoff"
    ]
    assert recorded == [(None, short), (short, long), (long, short)]
    assert call.handoffs == recorded


@both_ways
async def test_a_change_that_is_called_twice_in_one_reply_happens_once(
    agent_call: AgentCallFixture, old: type[Agent], new: type[Agent]
) -> None:
    greeting = await greetings(agent_call)
    call = await agent_call(old, llm=ScriptedLLM([[CHANGE, CHANGE]]))
    turn = await call.say("Could you answer the other way?")
    turn.expect.handoff(old, new)
    assert turn.said == greeting[new]


@either
async def test_a_change_that_fails_leaves_the_caller_with_the_agent_that_has_the_call(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    def absent() -> None:
        raise ToolError("The colleague is out.")

    call = await agent_call(agent, llm=ScriptedLLM([CHANGE, "It seems we are alone."]))
    first = call.active_agent
    with mock_tools(agent, {"change_agent": absent}):
        turn = await call.say("Could you answer the other way?")

    turn.expect.next_event().is_function_call(name="change_agent")
    turn.expect.next_event().is_function_call_output(output="The colleague is out.", is_error=True)
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    turn.expect.no_handoff()
    assert call.active_agent is first


@both_ways
async def test_a_change_that_failed_is_not_carried_over_by_the_one_that_follows(
    agent_call: AgentCallFixture, old: type[Agent], new: type[Agent]
) -> None:
    greeting = await greetings(agent_call)

    def absent() -> None:
        raise ToolError("The colleague is out.")

    model = ScriptedLLM([CHANGE, "It seems we are alone.", CHANGE, "As you like it."])
    call = await agent_call(old, llm=model)
    with mock_tools(old, {"change_agent": absent}):
        await call.say("Could you answer the other way?")
    await call.say("And now?")
    await call.say("Well?")

    assert told(call.received_by(new)) == [
        ("assistant", greeting[old]),
        ("user", "Could you answer the other way?"),
        ("assistant", "It seems we are alone."),
        ("user", "And now?"),
        ("assistant", greeting[new]),
        ("user", "Well?"),
    ]


@either
async def test_nothing_changes_when_the_caller_asks_for_nothing(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM(["You are welcome.", "Indeed."]))
    first = call.active_agent
    for said in ("Thank you", "Nice weather"):
        turn = await call.say(said)
        turn.expect.no_handoff()
        turn.expect.next_event().is_message(role="assistant")
        turn.expect.no_more_events()
    assert call.active_agent is first


@both_ways
async def test_a_long_call_is_carried_over_whole(
    agent_call: AgentCallFixture, old: type[Agent], new: type[Agent]
) -> None:
    answers = [f"Answer {number}." for number in range(20)]
    call = await agent_call(old, llm=ScriptedLLM([*answers, CHANGE, "Indeed."]))
    for number in range(20):
        await call.say(f"Question {number}?")
    await call.say("Could you answer the other way?")
    await call.say("Well?")

    words = [text for _, text in told(call.received_by(new))]
    assert words[1:41] == [
        text for number in range(20) for text in (f"Question {number}?", f"Answer {number}.")
    ]
    assert len(words) == 44


async def test_two_calls_at_once_know_nothing_of_each_other(agent_call: AgentCallFixture) -> None:
    one = await agent_call(transfer_call, llm=ScriptedLLM(["Blue.", CHANGE, "Still blue."]))
    other = await agent_call(transfer_call, llm=ScriptedLLM(["Green.", "Still green."]))
    await one.say("What colour is the sky?")
    await other.say("What colour is grass?")
    await one.say("Longer, please")
    await other.say("Sure?")
    await one.say("Sure?")

    assert (one.active_agent_id, other.active_agent_id) == (
        "long_winded_agent",
        "short_winded_agent",
    )
    one.received_by(LongWindedAgent).contains("sky").lacks("grass")
    other.received_by(ShortWindedAgent).contains("grass").lacks("sky")


@either
async def test_a_change_and_a_change_back_in_one_turn_end_where_they_began(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM([CHANGE, CHANGE, "Here I am."]))
    first = call.active_agent
    await call.say("The other one, please")
    await call.say("No, back")
    assert type(call.active_agent) is agent
    assert call.active_agent is not first
    assert (await call.say("Are you there?")).said == "Here I am."
