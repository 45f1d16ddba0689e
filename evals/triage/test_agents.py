"""Who the agents are: what their models are told, may call, and how each begins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from livekit.agents import NOT_GIVEN, Agent, AgentSession, llm

from agents.triage import Caller, SpecialistAgent, Topic, TriageAgent, triage_call
from handoff_evals import AgentCall, AgentCallFixture, ScriptedLLM, ToolCall, tool_call

# By name, words that the description of each must have, in whatever order.
WAY_BACK = {"transfer_to_triage": {"back", "triage", "topic"}}
WAYS_ON = {
    "transfer_to_claims": {"claims", "damage", "loss"},
    "transfer_to_policies": {"policies", "changes", "cancels", "cover"},
    "transfer_to_payments": {"payments", "premiums", "direct debits", "invoices"},
    "transfer_to_front_desk": {"front desk", "opening hours", "addresses", "directions"},
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What makes one agent that agent and no other."""

    way: str | None
    """The tool that leads to it from triage, which takes the call."""
    identity: str
    """How its instructions begin."""
    task: str
    """What else its instructions say and no other agent's."""
    tools: dict[str, set[str]]
    """By name, what the description of each must say."""


KNOWN = {
    "triage": Known(
        way=None,
        identity="You answer the phone of Harbour Insurance",
        task="put callers through to the right desk",
        tools=WAYS_ON,
    ),
    "claims": Known(
        way="transfer_to_claims",
        identity="You are the claims specialist of Harbour Insurance",
        task="who deals with reporting a damage or a loss",
        tools=WAY_BACK,
    ),
    "policies": Known(
        way="transfer_to_policies",
        identity="You are the policies specialist of Harbour Insurance",
        task="who deals with taking out, changing or cancelling cover",
        tools=WAY_BACK,
    ),
    "payments": Known(
        way="transfer_to_payments",
        identity="You are the payments specialist of Harbour Insurance",
        task="who deals with premiums, direct debits and invoices",
        tools=WAY_BACK,
    ),
    "front-desk": Known(
        way="transfer_to_front_desk",
        identity="You are the front desk of Harbour Insurance",
        task="at 12 Quay Street",
        tools=WAY_BACK,
    ),
}
each_agent = pytest.mark.parametrize(
    "known", [pytest.param(known, id=name) for name, known in KNOWN.items()]
)


async def at(agent_call: AgentCallFixture, known: Known) -> AgentCall:
    """A call in which that agent's model was asked, with all of its tools."""
    way: list[ToolCall | str] = []
    if known.way is not None:
        way = [tool_call(known.way), "How can I help?"]
    call = await agent_call(triage_call, llm=ScriptedLLM([*way, "Indeed."]))
    if way:
        await call.say("Somebody else, please")
    await call.say("Nice weather")
    return call


def specialist(topic: Topic) -> Callable[[llm.LLM[Any]], tuple[Agent, AgentSession[Caller]]]:
    """A specialist who takes a call of their own."""
    return lambda model: (
        SpecialistAgent(topic),
        AgentSession[Caller](llm=model, userdata=Caller()),
    )


async def test_triage_takes_the_call_and_greets_once_without_asking_its_model(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(triage_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "triage_agent")]
    assert isinstance(call.active_agent, TriageAgent)
    greeting = call.opening.expect.next_event(type="message").event().item
    assert "Harbour Insurance" in (greeting.text_content or "")
    call.opening.expect.no_more_events()
    assert call.opening.model_calls == ()


@pytest.mark.parametrize("topic", ["claims", "policies", "payments"])
async def test_a_specialist_begins_with_one_reply_of_its_model_that_can_call_no_tool(
    agent_call: AgentCallFixture, topic: Topic
) -> None:
    call = await agent_call(specialist(topic), llm=ScriptedLLM(["I'm listening."]))
    first_words = call.opening.expect.next_event(type="message").event().item
    assert (first_words.role, first_words.text_content) == ("assistant", "I'm listening.")
    call.opening.expect.no_more_events()
    # With tools, two agents could pass a caller to and fro for ever.
    assert call.received_by(SpecialistAgent).tools == []
    assert call.session.userdata == Caller(topics=[topic])


@each_agent
async def test_an_agents_model_gets_the_instructions_of_that_agent(
    agent_call: AgentCallFixture, known: Known
) -> None:
    call = await at(agent_call, known)
    received = call.received_by(call.active_agent)
    assert [message["role"] for message in received.messages].count("system") == 1
    assert received.messages[0]["content"].startswith(known.identity)
    received.contains(known.task)
    # Whatever is filled in is there, and no name of it.
    assert "{" not in received.messages[0]["content"]
    for other in KNOWN.values():
        if other is not known:
            received.lacks(other.identity).lacks(other.task)


@each_agent
async def test_an_agents_model_may_call_the_tools_of_that_agent_and_is_told_what_for(
    agent_call: AgentCallFixture, known: Known
) -> None:
    call = await at(agent_call, known)
    offered = call.turns[-1].model_calls[-1].tools
    assert {tool.name for tool in offered} == known.tools.keys()
    for tool in offered:
        words = known.tools[tool.name]
        assert {word for word in words if word in tool.description} == words
        assert tool.parameters["properties"] == {}


async def test_triage_tells_its_model_what_each_specialist_deals_with(
    agent_call: AgentCallFixture,
) -> None:
    call = await at(agent_call, KNOWN["triage"])
    received = call.received_by(TriageAgent)
    received.contains("claims: reporting a damage or a loss, and following a claim")
    received.contains("policies: taking out, changing or cancelling cover")
    received.contains("payments: premiums, direct debits and invoices")


@each_agent
async def test_no_agent_brings_a_voice_of_its_own(
    agent_call: AgentCallFixture, known: Known
) -> None:
    call = await at(agent_call, known)
    assert call.active_agent.tts is NOT_GIVEN
