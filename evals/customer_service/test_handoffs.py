"""Every way that a call can take: what happens in which order, and what is carried over.

Nobody's model is real here. `ScriptedLLM` says what each agent's model answers, reply by reply,
so these tests state what the agents' own code does with a handoff that was decided on.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from livekit.agents import Agent, ToolError, mock_tools

from agents.customer_service import (
    BillingAgent,
    CustomerServiceAgent,
    ManagerAgent,
    TechnicalSupportAgent,
    service_call,
)
from handoff_evals import (
    AgentCall,
    AgentCallFixture,
    Received,
    Reply,
    ScriptedLLM,
    ToolCall,
    tool_call,
)

TO_BILLING = tool_call("transfer_to_billing")
TO_SUPPORT = tool_call("transfer_to_technical_support")
TO_MANAGER = tool_call("escalate_to_manager", reason="Third outage within a week")
TO_SERVICE = tool_call("transfer_to_customer_service")


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One tool of one agent, and where it leads."""

    old: type[Agent]
    tool: ToolCall
    new: type[Agent]


EDGES = {
    "service-to-billing": Edge(old=CustomerServiceAgent, tool=TO_BILLING, new=BillingAgent),
    "service-to-support": Edge(
        old=CustomerServiceAgent, tool=TO_SUPPORT, new=TechnicalSupportAgent
    ),
    "service-to-manager": Edge(old=CustomerServiceAgent, tool=TO_MANAGER, new=ManagerAgent),
    "billing-to-support": Edge(old=BillingAgent, tool=TO_SUPPORT, new=TechnicalSupportAgent),
    "billing-to-manager": Edge(old=BillingAgent, tool=TO_MANAGER, new=ManagerAgent),
    "billing-back-to-service": Edge(old=BillingAgent, tool=TO_SERVICE, new=CustomerServiceAgent),
    "support-to-billing": Edge(old=TechnicalSupportAgent, tool=TO_BILLING, new=BillingAgent),
    "support-to-manager": Edge(old=TechnicalSupportAgent, tool=TO_MANAGER, new=ManagerAgent),
    "support-back-to-service": Edge(
        old=TechnicalSupportAgent, tool=TO_SERVICE, new=CustomerServiceAgent
    ),
    "manager-back-to-service": Edge(old=ManagerAgent, tool=TO_SERVICE, new=CustomerServiceAgent),
}
each_edge = pytest.mark.parametrize(
    "edge", [pytest.param(edge, id=name) for name, edge in EDGES.items()]
)

# Whom the tool names to the agent that leaves, by who takes over.
NAMED: dict[type[Agent], str] = {
    BillingAgent: "Billing",
    TechnicalSupportAgent: "Technical support",
    ManagerAgent: "The manager",
    CustomerServiceAgent: "Customer service",
}
# How a call comes from customer service to the agent that an edge starts from.
WAY_TO = {BillingAgent: TO_BILLING, TechnicalSupportAgent: TO_SUPPORT, ManagerAgent: TO_MANAGER}
ID: dict[type[Agent], str] = {
    BillingAgent: "billing_agent",
    TechnicalSupportAgent: "technical_support_agent",
    ManagerAgent: "manager_agent",
    CustomerServiceAgent: "customer_service_agent",
}
# One call that takes every way.
TOUR = [
    "service-to-billing",
    "billing-to-support",
    "support-to-billing",
    "billing-to-manager",
    "manager-back-to-service",
    "service-to-support",
    "support-to-manager",
    "manager-back-to-service",
    "service-to-manager",
    "manager-back-to-service",
    "service-to-billing",
    "billing-back-to-service",
    "service-to-support",
    "support-back-to-service",
]


def transfer(tool: ToolCall, first_words: str = "How can I help?") -> list[Reply]:
    """What the models answer in one transfer: the call, the last words, the first ones."""
    return [tool, "One moment.", first_words]


async def at(agent_call: AgentCallFixture, agent: type[Agent], *then: Reply) -> AgentCall:
    """A call that has come to an agent; `then` is what the models answer from there on."""
    way = transfer(WAY_TO[agent], "Go on, please.") if agent in WAY_TO else []
    call = await agent_call(service_call, llm=ScriptedLLM([*way, *then]))
    if way:
        await call.say("I call about contract 4471")
    return call


def told(received: Received) -> list[tuple[str, Any]]:
    """What a model was told besides its agent's own instructions: who said what."""
    return [(message["role"], message.get("content")) for message in received.messages[1:]]


def prompts_kept(agent: Agent) -> list[str | None]:
    """The prompts in an agent's context that no model sees, and whoever reads it does."""
    items = agent.chat_ctx.items
    return [item.instructions for item in items if item.type == "agent_config_update"]


@each_edge
async def test_a_transfer_is_called_announced_and_carried_out_in_that_order(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    call = await at(agent_call, edge.old, *transfer(edge.tool))

    turn = await call.say("Somebody else, please")

    made = turn.expect.next_event().is_function_call(name=edge.tool.name).event().item
    assert json.loads(made.arguments) == json.loads(edge.tool.arguments)
    told_to_say = turn.expect.next_event().is_function_call_output(is_error=False)
    assert told_to_say.event().item.output.startswith(f"{NAMED[edge.new]} ")
    last_words = turn.expect.next_event().is_message(role="assistant").event().item
    assert last_words.text_content == "One moment."
    turn.expect.next_event().is_agent_handoff(new_agent_type=edge.new)
    first_words = turn.expect.next_event().is_message(role="assistant").event().item
    assert first_words.text_content == "How can I help?"
    turn.expect.no_more_events()


@each_edge
async def test_the_old_agent_speaks_until_the_transfer_and_the_new_one_after_it(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    call = await at(agent_call, edge.old, *transfer(edge.tool), "I see.")
    first = call.active_agent
    assert type(first) is edge.old

    turn = await call.say("Somebody else, please")

    turn.expect.handoff(edge.old, edge.new)
    new = call.active_agent
    assert type(new) is edge.new
    assert call.session.current_agent is new
    # The call, its last words, and the new agent's first: whose model was asked for them.
    assert [asked.agent.id for asked in turn.model_calls] == [first.id, first.id, new.id]
    later = await call.say("Thanks for taking me")
    assert [asked.agent.id for asked in later.model_calls] == [new.id]


@each_edge
async def test_the_new_agent_is_told_what_was_said_and_nothing_else(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    call = await at(agent_call, edge.old, *transfer(edge.tool))
    await call.say("Somebody else, please")

    before = [("user", "I call about contract 4471"), ("assistant", "Go on, please.")]
    received = call.received_by(call.active_agent)
    assert told(received) == [
        ("assistant", call.opening.said),
        *(before if edge.old in WAY_TO else []),
        ("user", "Somebody else, please"),
    ]
    received.lacks_instructions_of(edge.old).lacks(edge.tool.name)
    assert prompts_kept(call.active_agent) == [call.active_agent.instructions]


@each_edge
async def test_a_transfer_that_fails_leaves_the_caller_with_the_agent_that_has_the_call(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    def busy() -> None:
        raise ToolError("All of them are on the phone.")

    call = await at(agent_call, edge.old, edge.tool, "I'm afraid nobody is free.")
    first = call.active_agent
    with mock_tools(edge.old, {edge.tool.name: busy}):
        turn = await call.say("Somebody else, please")

    turn.expect.next_event().is_function_call(name=edge.tool.name)
    turn.expect.next_event().is_function_call_output(
        output="All of them are on the phone.", is_error=True
    )
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    turn.expect.no_handoff()
    assert call.active_agent is first


async def test_a_transfer_that_failed_is_not_carried_over_by_the_one_that_follows(
    agent_call: AgentCallFixture,
) -> None:
    def busy() -> None:
        raise ToolError("All of them are on the phone.")

    # Support has the tool that failed too, so livekit would keep the call in its context.
    script = [TO_MANAGER, "I'm afraid nobody is free.", *transfer(TO_SUPPORT)]
    call = await at(agent_call, BillingAgent, *script)
    with mock_tools(BillingAgent, {"escalate_to_manager": busy}):
        await call.say("Your manager, please")
    await call.say("Then somebody for my router")

    received = call.received_by(TechnicalSupportAgent)
    assert [words for _, words in told(received)[-3:]] == [
        "Your manager, please",
        "I'm afraid nobody is free.",
        "Then somebody for my router",
    ]
    received.lacks("escalate_to_manager").lacks("on the phone")


@pytest.mark.parametrize(
    "agent", [CustomerServiceAgent, BillingAgent, TechnicalSupportAgent, ManagerAgent]
)
async def test_nobody_transfers_a_caller_who_asks_for_nothing(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await at(agent_call, agent, "You are welcome.", "Indeed.")
    first = call.active_agent
    for said in ("Thank you", "Nice weather"):
        turn = await call.say(said)
        turn.expect.no_handoff()
        turn.expect.next_event().is_message(role="assistant")
        turn.expect.no_more_events()
    assert call.active_agent is first


@pytest.mark.parametrize(
    ("way_out", "agent"),
    [
        pytest.param(TO_BILLING, BillingAgent, id="billing"),
        pytest.param(TO_SUPPORT, TechnicalSupportAgent, id="support"),
        pytest.param(TO_MANAGER, ManagerAgent, id="manager"),
    ],
)
async def test_who_comes_back_is_greeted_no_second_time_and_can_be_transferred_again(
    agent_call: AgentCallFixture, way_out: ToolCall, agent: type[Agent]
) -> None:
    out, back = transfer(way_out, "Go on, please."), transfer(TO_SERVICE, "Here we are again.")
    model = ScriptedLLM([*out, *back, *out])
    call = await agent_call(service_call, llm=model)
    took_the_call = [call.active_agent]
    for said in ("Out", "Back", "Out again"):
        await call.say(said)
        took_the_call.append(call.active_agent)

    assert model.left == 0
    # Each is new: one that was kept would know nothing of what was said since.
    assert len({id(each) for each in took_the_call}) == 4
    assert [type(each) for each in took_the_call[1:]] == [agent, CustomerServiceAgent, agent]
    assert told(call.received_by(took_the_call[-1])) == [
        ("assistant", call.opening.said),
        ("user", "Out"),
        ("assistant", "Go on, please."),
        ("user", "Back"),
        ("assistant", "Here we are again."),
        ("user", "Out again"),
    ]


async def test_livekits_handoff_records_are_a_chain_over_a_call_that_takes_every_way(
    agent_call: AgentCallFixture,
) -> None:
    tour = [EDGES[name] for name in TOUR]
    assert set(TOUR) == set(EDGES)
    model = ScriptedLLM([part for edge in tour for part in transfer(edge.tool, "Yes?")])
    call = await agent_call(service_call, llm=model)
    for name in TOUR:
        await call.say(name)

    recorded = [
        (item.old_agent_id, item.new_agent_id)
        for item in call.session.history.items
        if item.type == "agent_handoff"
    ]
    stops = [ID[CustomerServiceAgent], *(ID[edge.new] for edge in tour)]
    assert recorded == list(zip([None, *stops], stops, strict=False))
    assert call.handoffs == recorded
    assert told(call.received_by(call.active_agent)) == [
        ("assistant", call.opening.said),
        *(part for name in TOUR[:-1] for part in [("user", name), ("assistant", "Yes?")]),
        ("user", TOUR[-1]),
    ]


TWO_STEPS = {
    "billing-support-service": (TO_BILLING, TO_SUPPORT, TO_SERVICE),
    "billing-manager-service": (TO_BILLING, TO_MANAGER, TO_SERVICE),
    "support-billing-service": (TO_SUPPORT, TO_BILLING, TO_SERVICE),
    "support-manager-service": (TO_SUPPORT, TO_MANAGER, TO_SERVICE),
}


@pytest.mark.parametrize("way", TWO_STEPS.values(), ids=list(TWO_STEPS))
async def test_the_way_back_after_two_steps_brings_all_that_was_said(
    agent_call: AgentCallFixture, way: tuple[ToolCall, ...]
) -> None:
    script = [reply for tool in way for reply in transfer(tool, "Yes?")]
    call = await agent_call(service_call, llm=ScriptedLLM([*script, "We are open until eight."]))
    for number in range(len(way)):
        await call.say(f"Step {number}")
    await call.say("Your opening hours?")

    assert isinstance(call.active_agent, CustomerServiceAgent)
    assert told(call.received_by(call.active_agent)) == [
        ("assistant", call.opening.said),
        *(part for n in range(3) for part in (("user", f"Step {n}"), ("assistant", "Yes?"))),
        ("user", "Your opening hours?"),
    ]


@pytest.mark.parametrize(
    ("onwards", "agent"), [(TO_SUPPORT, TechnicalSupportAgent), (TO_BILLING, BillingAgent)]
)
async def test_who_comes_back_may_go_on_in_the_same_turn(
    agent_call: AgentCallFixture, onwards: ToolCall, agent: type[Agent]
) -> None:
    # Customer service speaks with its tools at hand when a caller comes back.
    model = ScriptedLLM(
        [*transfer(TO_MANAGER, "Yes?"), TO_SERVICE, "One moment.", *transfer(onwards, "Your turn.")]
    )
    call = await agent_call(service_call, llm=model)
    await call.say("Your manager, please")
    turn = await call.say("That's settled. Now the other thing")

    assert model.left == 0
    assert type(call.active_agent) is agent
    assert call.handoffs[-2:] == [
        ("manager_agent", "customer_service_agent"),
        ("customer_service_agent", ID[agent]),
    ]
    assert turn.said == "One moment.\nOne moment.\nYour turn."
    call.received_by(agent).contains("Now the other thing")


async def test_a_specialist_of_whom_two_are_called_in_one_reply_is_not_changed(
    agent_call: AgentCallFixture,
) -> None:
    # LiveKit carries out neither of two; the caller must not be lost over it.
    model = ScriptedLLM([(TO_BILLING, TO_SUPPORT), "Which one do you mean?"])
    call = await agent_call(service_call, llm=model, keep_faults=True)
    turn = await call.say("Billing and support")
    turn.expect.no_handoff()
    assert isinstance(call.active_agent, CustomerServiceAgent)
    assert turn.said == "Which one do you mean?"


async def test_a_long_call_is_carried_over_whole(agent_call: AgentCallFixture) -> None:
    talk = [f"Answer {number}." for number in range(20)]
    call = await agent_call(service_call, llm=ScriptedLLM([*talk, *transfer(TO_BILLING)]))
    for number in range(20):
        await call.say(f"Question {number}?")
    await call.say("The bill, then")
    words = [text for _, text in told(call.received_by(BillingAgent))]
    assert len(words) == 42
    assert words[1:3] == ["Question 0?", "Answer 0."]


async def test_two_calls_at_once_know_nothing_of_each_other(agent_call: AgentCallFixture) -> None:
    one = await agent_call(service_call, llm=ScriptedLLM([*transfer(TO_BILLING), "45 euros."]))
    other = await agent_call(service_call, llm=ScriptedLLM([*transfer(TO_SUPPORT), "Unplug it."]))
    await one.say("My bill is wrong")
    await other.say("My router blinks")
    await one.say("How much?")
    await other.say("What now?")
    one.received_by(BillingAgent).contains("bill is wrong").lacks("router blinks")
    other.received_by(TechnicalSupportAgent).contains("router blinks").lacks("bill is wrong")
    assert (one.active_agent_id, other.active_agent_id) == (
        "billing_agent",
        "technical_support_agent",
    )
