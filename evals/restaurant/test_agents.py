"""Who the four agents are, what their tools say, and what each is told when it takes the call."""

import pytest
from livekit.agents import Agent

from agents.restaurant import (
    CheckoutAgent,
    GreeterAgent,
    ReservationAgent,
    TakeawayAgent,
    restaurant_call,
)
from handoff_evals import AgentCall, AgentCallFixture, Reply, ScriptedLLM, tool_call

# How each one's instructions begin, and what no other's have.
KNOWN: dict[type[Agent], tuple[str, str]] = {
    GreeterAgent: ("You answer the phone of the trattoria", "closed on Mondays"),
    ReservationAgent: ("You take reservations for the trattoria", "call record_contact and"),
    TakeawayAgent: ("You take takeaway orders for the trattoria", "go on to the checkout"),
    CheckoutAgent: ("You are the checkout of the trattoria", "last four digits of the card"),
}
# By agent and tool, words that its description must have.
TOOLS: dict[type[Agent], dict[str, set[str]]] = {
    GreeterAgent: {
        "to_reservation": {"table", "change or cancel"},
        "to_takeaway": {"order food"},
    },
    ReservationAgent: {
        "record_contact": {"name and phone number"},
        "reserve_table": {"once the caller's name"},
        "to_greeter": {"something else than a table"},
    },
    TakeawayAgent: {
        "set_portions": {"0 takes it off"},
        "to_checkout": {"order is complete"},
        "to_greeter": {"something else than takeaway"},
    },
    CheckoutAgent: {
        "record_contact": {"name and phone number"},
        "pay": {"card on file"},
        "to_takeaway": {"change the order"},
    },
}
ARGUMENTS = {
    "record_contact": {"name": "caller's name", "phone": "digits only"},
    "reserve_table": {"time": "When", "guests": "how many people"},
    "set_portions": {"dish": "on the menu", "portions": "How many portions"},
    "pay": {"last_four_digits": "four digits of the card"},
}
# What a caller's way to each agent is made of.
WAY: dict[type[Agent], list[Reply]] = {
    GreeterAgent: [],
    ReservationAgent: [tool_call("to_reservation")],
    TakeawayAgent: [tool_call("to_takeaway")],
    CheckoutAgent: [
        tool_call("to_takeaway"),
        "What may it be?",
        tool_call("set_portions", dish="lasagne", portions=2),
        "Two lasagne.",
        tool_call("to_checkout"),
    ],
}
each_agent = pytest.mark.parametrize("agent", list(KNOWN), ids=lambda agent: agent.__name__)


async def reach(agent_call: AgentCallFixture, agent: type[Agent]) -> AgentCall:
    """A call that this agent has, and that has been told nothing by its model yet."""
    way = WAY[agent]
    call = await agent_call(
        restaurant_call,
        llm=ScriptedLLM([*way, *(["Yes?"] if way else []), "Indeed."], unused_ok=True),
    )
    for number in range((len(way) + 1) // 2):
        await call.say(f"Please, {number}")
    assert isinstance(call.active_agent, agent)
    return call


async def test_the_greeter_takes_the_call_and_greets_without_asking_its_model(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(restaurant_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "greeter_agent")]
    greeting = call.opening.expect.next_event(type="message").event().item
    assert "Da Nina" in (greeting.text_content or "")
    call.opening.expect.no_more_events()


@each_agent
async def test_an_agents_model_gets_its_instructions_its_tools_and_what_they_are_for(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await reach(agent_call, agent)
    turn = await call.say("Nice weather")
    received = call.received_by(agent)
    assert received.messages[0]["content"].startswith(KNOWN[agent][0])
    assert "{" not in received.messages[0]["content"]
    received.contains(KNOWN[agent][1])
    for other in KNOWN.keys() - {agent}:
        received.lacks(KNOWN[other][0])
    tools = {tool.name: tool for tool in turn.model_calls[-1].tools}
    assert tools.keys() == TOOLS[agent].keys()
    for name, words in TOOLS[agent].items():
        assert all(word in tools[name].description for word in words)
        described = tools[name].parameters.get("properties", {})
        assert described.keys() == ARGUMENTS.get(name, {}).keys()
        for argument, says in ARGUMENTS.get(name, {}).items():
            assert says in described[argument]["description"]


@pytest.mark.parametrize("agent", [GreeterAgent, TakeawayAgent])
async def test_who_talks_about_the_menu_is_told_its_prices(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await reach(agent_call, agent)
    await call.say("Nice weather")
    call.received_by(agent).contains("margherita 9 euros, lasagne 12 euros")


@pytest.mark.parametrize("agent", [ReservationAgent, TakeawayAgent, CheckoutAgent])
async def test_who_takes_over_speaks_once_and_can_call_no_tool_before_the_caller_has_spoken(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await reach(agent_call, agent)
    received = call.received_by(agent)
    assert len(received.requests) == (2 if agent is TakeawayAgent and len(WAY[agent]) > 1 else 1)
    assert received.tools == []
    assert call.turns[-1].said.splitlines()[-1] == "Yes?"


async def test_who_takes_over_is_told_what_is_known_and_the_last_words_of_the_call_once(
    agent_call: AgentCallFixture,
) -> None:
    call = await reach(agent_call, CheckoutAgent)
    notes = [
        message["content"]
        for message in call.received_by(CheckoutAgent).messages
        if message["role"] == "system" and "Known so far" in str(message["content"])
    ]
    facts = "name: unknown; phone: unknown; table: none; cart: 2 lasagne, 24 euros, not paid"
    assert notes == [f"Known so far: {facts}."]
    heard = [
        message["content"]
        for message in call.received_by(CheckoutAgent).messages
        if message["role"] == "user"
    ]
    assert heard == ["Please, 0", "Please, 1", "Please, 2"]


async def test_an_agent_that_gets_the_call_back_heard_nothing_twice_and_has_the_newest_note_only(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(
        restaurant_call,
        llm=ScriptedLLM(
            [
                *(tool_call("to_reservation"), "When?"),
                *(tool_call("to_greeter"), "Yes?"),
                *(tool_call("to_reservation"), "So, when?"),
            ]
        ),
    )
    for said in ("A table", "Something else", "No, the table"):
        await call.say(said)
    messages = call.received_by(ReservationAgent).messages
    heard = [message["content"] for message in messages if message.get("content")]
    assert len(heard) == len(set(heard))
    assert [message["role"] for message in messages].count("system") == 2
    assert {"A table", "Something else", "No, the table", "When?", "Yes?"} <= set(heard)


async def test_an_agent_is_told_the_last_words_of_a_long_call_and_no_more(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(
        restaurant_call,
        llm=ScriptedLLM([*["Indeed."] * 4, tool_call("to_takeaway"), "What may it be?"]),
    )
    for number in range(5):
        await call.say(f"Word {number}")
    call.received_by(TakeawayAgent).contains("Word 4").contains("Word 3").lacks("Word 0")


async def test_no_prompt_and_no_call_of_another_agent_is_kept_in_the_context(
    agent_call: AgentCallFixture,
) -> None:
    call = await reach(agent_call, CheckoutAgent)
    assert {item.type for item in call.active_agent.chat_ctx.items} <= {
        "message",
        "agent_config_update",
    }
    prompts = [
        str(item.instructions)
        for item in call.active_agent.chat_ctx.items
        if item.type == "agent_config_update" and item.instructions
    ]
    assert all(prompt.startswith("You are the checkout") for prompt in prompts)


async def test_the_last_words_before_the_greeter_gets_the_call_back_say_what_was_paid(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(
        restaurant_call,
        llm=ScriptedLLM(
            [
                *(*WAY[CheckoutAgent], "Your name?"),
                *(tool_call("record_contact", name="Ida", phone="5550123"), "Your card?"),
                *(tool_call("pay", last_four_digits="0042"), "24 euros are paid.", "And now?"),
            ]
        ),
    )
    for number in range(3):
        await call.say(f"Please, {number}")
    contact = await call.say("Ida, 5550123")
    recorded = contact.expect.contains_function_call_output().event().item.output
    assert recorded == "Recorded Ida with 5550123."
    turn = await call.say("0042")
    output = turn.expect.contains_function_call_output().event().item.output
    assert output == "24 euros are paid. Say so in one sentence."
    assert turn.said.splitlines() == ["24 euros are paid.", "And now?"]
    assert call.received_by(GreeterAgent).tools == []
