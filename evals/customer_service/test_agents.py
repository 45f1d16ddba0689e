"""Who the four agents are: what their models are told, may call, and how each begins.

Each agent takes a call of its own here, without a handoff before it.
"""

from dataclasses import dataclass, field

import pytest
from livekit.agents import NOT_GIVEN, Agent, inference

from agents.customer_service import (
    BillingAgent,
    CustomerServiceAgent,
    ManagerAgent,
    TechnicalSupportAgent,
    service_call,
)
from handoff_evals import AgentCallFixture, ScriptedLLM

# By name, words that the description of each must have, in whatever order.
BILLING = {"transfer_to_billing": {"billing", "invoices", "refunds", "payments"}}
SUPPORT = {"transfer_to_technical_support": {"technical support", "connection", "router"}}
MANAGER = {"escalate_to_manager": {"manager", "complain"}}
SERVICE = {"transfer_to_customer_service": {"back", "customer service", "opening hours"}}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What makes one agent that agent and no other."""

    agent: type[Agent]
    identity: str
    """How its instructions begin."""
    task: str
    """What of the instructions no other agent has."""
    tools: dict[str, set[str]] = field(default_factory=dict)
    """By name, what the description of each must say."""


KNOWN = [
    Known(
        agent=CustomerServiceAgent,
        identity="You are the friendly customer service of Lumen Line",
        task="If it is unclear what the caller needs, ask before you transfer.",
        tools=BILLING | SUPPORT | MANAGER,
    ),
    Known(
        agent=BillingAgent,
        identity="You are the billing specialist of Lumen Line",
        task="Charges, invoices, refunds and payments are yours.",
        tools=SUPPORT | MANAGER | SERVICE,
    ),
    Known(
        agent=TechnicalSupportAgent,
        identity="You are the technical support of Lumen Line",
        task="ask for one check at a time",
        tools=BILLING | MANAGER | SERVICE,
    ),
    Known(
        agent=ManagerAgent,
        identity="You are the calm and senior manager on duty at Lumen Line",
        task="apologise once, and agree on the next step",
        tools=SERVICE,
    ),
]
each_agent = pytest.mark.parametrize(
    "known", [pytest.param(known, id=known.agent.__name__) for known in KNOWN]
)
each_specialist = pytest.mark.parametrize(
    "agent", [known.agent for known in KNOWN if known.agent is not CustomerServiceAgent]
)


async def test_customer_service_takes_the_call_and_greets_once_without_asking_its_model(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(service_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "customer_service_agent")]
    assert isinstance(call.active_agent, CustomerServiceAgent)
    greeting = call.opening.expect.next_event(type="message").event().item
    assert "Lumen Line" in (greeting.text_content or "")
    call.opening.expect.no_more_events()
    assert call.opening.model_calls == ()


@each_specialist
async def test_a_specialist_begins_with_one_reply_of_its_model_that_can_call_no_tool(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM(["I'm listening."]))
    first_words = call.opening.expect.next_event(type="message").event().item
    assert (first_words.role, first_words.text_content) == ("assistant", "I'm listening.")
    call.opening.expect.no_more_events()
    # With tools, two specialists could pass a caller to and fro for ever.
    assert call.received_by(agent).tools == []


@each_agent
async def test_an_agents_model_gets_the_instructions_of_that_agent(
    agent_call: AgentCallFixture, known: Known
) -> None:
    call = await agent_call(known.agent, llm=ScriptedLLM(lambda _: "Indeed."))
    await call.say("Nice weather")
    received = call.received_by(known.agent)
    assert [message["role"] for message in received.messages].count("system") == 1
    assert received.messages[0]["content"].startswith(known.identity)
    received.contains(known.task)
    # Whatever is filled in is there, and no name of it.
    assert "{" not in received.messages[0]["content"]
    if known.agent is not CustomerServiceAgent:
        received.contains("has just been put through to you")
    for other in KNOWN:
        if other is not known:
            received.lacks(other.identity).lacks(other.task)


@each_agent
async def test_an_agents_model_may_call_the_tools_of_that_agent_and_is_told_what_for(
    agent_call: AgentCallFixture, known: Known
) -> None:
    call = await agent_call(known.agent, llm=ScriptedLLM(lambda _: "Indeed."))
    turn = await call.say("Nice weather")
    described = {tool.name: tool.description for tool in turn.model_calls[-1].tools}
    assert described.keys() == known.tools.keys()
    for name, words in known.tools.items():
        assert {word for word in words if word in described[name]} == words


@each_agent
async def test_the_manager_alone_has_a_voice_of_their_own(
    agent_call: AgentCallFixture, known: Known
) -> None:
    call = await agent_call(known.agent, llm=ScriptedLLM(lambda _: "Indeed."))
    own_voice = isinstance(call.active_agent.tts, inference.TTS)
    assert own_voice == (known.agent is ManagerAgent)
    assert own_voice or call.active_agent.tts is NOT_GIVEN
