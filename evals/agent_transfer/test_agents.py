"""Who the two agents are: what their models are told, may call, and how each greets."""

import pytest
from livekit.agents import NOT_GIVEN, Agent

from agents.agent_transfer import LongWindedAgent, ShortWindedAgent, transfer_call
from handoff_evals import AgentCallFixture, ScriptedLLM

either = pytest.mark.parametrize(
    "agent",
    [pytest.param(ShortWindedAgent, id="short"), pytest.param(LongWindedAgent, id="long")],
)


async def test_the_short_winded_agent_takes_the_call(agent_call: AgentCallFixture) -> None:
    call = await agent_call(transfer_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "short_winded_agent")]
    assert isinstance(call.active_agent, ShortWindedAgent)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        pytest.param(ShortWindedAgent, "short-winded", id="short"),
        pytest.param(LongWindedAgent, "long-winded", id="long"),
    ],
)
async def test_an_agent_greets_once_as_who_it_is_and_without_asking_its_model(
    agent_call: AgentCallFixture, agent: type[Agent], name: str
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM([]))
    said = call.opening.expect.next_event(type="message").event().item
    call.opening.expect.no_more_events()
    assert said.role == "assistant"
    assert name in (said.text_content or "")
    assert call.opening.model_calls == ()


@pytest.mark.parametrize(
    ("agent", "own", "asked_for", "of_the_other"),
    [
        pytest.param(ShortWindedAgent, "of few words", "longer", "likes to explain", id="short"),
        pytest.param(LongWindedAgent, "likes to explain", "brief", "of few words", id="long"),
    ],
)
async def test_an_agents_model_gets_the_instructions_of_that_agent(
    agent_call: AgentCallFixture, agent: type[Agent], own: str, asked_for: str, of_the_other: str
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM(["Indeed."]))
    await call.say("Nice weather")
    received = call.received_by(agent)
    assert [message["role"] for message in received.messages] == ["system", "assistant", "user"]
    assert own in received.messages[0]["content"]
    # When it is to call its tool.
    received.contains("call change_agent").contains(asked_for).lacks(of_the_other)


@pytest.mark.parametrize(
    ("agent", "leads_to", "asked_for"),
    [
        pytest.param(ShortWindedAgent, "long-winded agent", "longer", id="short"),
        pytest.param(LongWindedAgent, "short-winded agent", "shorter", id="long"),
    ],
)
async def test_the_one_tool_says_whom_it_leads_to_and_when_to_call_it(
    agent_call: AgentCallFixture, agent: type[Agent], leads_to: str, asked_for: str
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM(["Indeed."]))
    turn = await call.say("Nice weather")
    [tool] = turn.model_calls[0].tools
    assert tool.name == "change_agent"
    assert leads_to in tool.description
    assert asked_for in tool.description
    assert tool.parameters["properties"] == {}


@either
async def test_neither_agent_brings_a_voice_of_its_own(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM([]))
    assert call.active_agent.tts is NOT_GIVEN
    assert call.active_agent.stt is NOT_GIVEN
