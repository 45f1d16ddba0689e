"""Who the two agents are: what their models are told, may call, and how each greets."""

from typing import Any

import pytest
from livekit.agents import NOT_GIVEN, Agent

from agents.intake import Caller, IntakeAgent, MembershipAgent, intake_call
from handoff_evals import AgentCallFixture, ScriptedLLM


def intake() -> Agent:
    """The agent that takes the call."""
    return IntakeAgent()


def membership() -> Agent:
    """The agent that the intake hands over to."""
    return MembershipAgent(Caller(name="Maria", age=34))


each_agent = pytest.mark.parametrize("agent", [intake, membership])


async def test_the_intake_takes_the_call(agent_call: AgentCallFixture) -> None:
    call = await agent_call(intake_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "intake_agent")]
    assert isinstance(call.active_agent, IntakeAgent)


@pytest.mark.parametrize(
    ("agent", "says"), [(intake, "Riverside sports club"), (membership, "Maria")]
)
async def test_an_agent_greets_once_and_without_asking_its_model(
    agent_call: AgentCallFixture, agent: Any, says: str
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM([]))
    said = call.opening.expect.next_event(type="message").event().item
    assert said.role == "assistant"
    assert says in (said.text_content or "")
    # Whatever is filled in is there, and no name of it.
    assert "{" not in (said.text_content or "")
    call.opening.expect.no_more_events()
    assert call.opening.model_calls == ()


@pytest.mark.parametrize(
    ("agent", "own", "of_the_other"),
    [
        (intake, "You welcome callers who want to join", "You advise people on membership"),
        (membership, "You advise people on membership", "You welcome callers"),
    ],
)
async def test_an_agents_model_gets_the_instructions_of_that_agent(
    agent_call: AgentCallFixture, agent: Any, own: str, of_the_other: str
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM(["Indeed."]))
    await call.say("Nice weather")
    received = call.received_by(call.active_agent)
    assert [message["role"] for message in received.messages] == ["system", "assistant", "user"]
    assert received.messages[0]["content"].startswith(own)
    received.lacks(of_the_other)


async def test_the_intakes_model_is_told_what_each_tool_is_for_and_what_it_takes(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(intake, llm=ScriptedLLM(["Indeed."]))
    turn = await call.say("Nice weather")
    tools = {tool.name: tool for tool in turn.model_calls[0].tools}
    assert tools.keys() == {"record_name", "record_age"}
    for fact, kind in (("name", "string"), ("age", "integer")):
        tool = tools[f"record_{fact}"]
        assert fact in tool.description
        assert tool.parameters["properties"].keys() == {fact}
        assert tool.parameters["properties"][fact]["type"] == kind
        assert fact in tool.parameters["properties"][fact]["description"]
        assert tool.parameters["required"] == [fact]


async def test_membership_has_no_tools_and_so_no_way_on(agent_call: AgentCallFixture) -> None:
    call = await agent_call(membership, llm=ScriptedLLM(["Indeed."]))
    await call.say("Nice weather")
    assert call.received_by(MembershipAgent).tools == []


@each_agent
async def test_neither_agent_brings_a_voice_of_its_own(
    agent_call: AgentCallFixture, agent: Any
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM([]))
    assert call.active_agent.tts is NOT_GIVEN
