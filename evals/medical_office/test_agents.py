"""Who the desks and the tasks are, what their tools say, and what each desk is told."""

import pytest
from livekit.agents import Agent

from agents.medical_office import (
    BillingAgent,
    BornTask,
    NumberTask,
    SupportAgent,
    TriageAgent,
    medical_call,
)
from handoff_evals import AgentCall, AgentCallFixture, Reply, ScriptedLLM, tool_call

# How each one's instructions begin, and what no other's have.
KNOWN: dict[type[Agent], tuple[str, str]] = {
    TriageAgent: ("You answer the phone of the Lindenhof", "dial 112, and transfer nobody"),
    SupportAgent: ("You are the medical support of the Lindenhof", "Give no diagnosis"),
    BillingAgent: ("You are the billing desk of the Lindenhof", "before you talk about money"),
    BornTask: ("Find out in which year", "call record_year"),
    NumberTask: ("Find out the patient number", "call record_number"),
}
# By agent and tool, words of its description, and of those of its arguments.
TOOLS: dict[type[Agent], dict[str, tuple[str, dict[str, str]]]] = {
    TriageAgent: {
        "transfer_to_support": ("symptoms", {}),
        "transfer_to_billing": ("invoices", {}),
    },
    SupportAgent: {
        "give_appointment": ("day that they accepted", {"day": "day of the week"}),
        "transfer_to_billing": ("invoices", {}),
        "transfer_to_triage": ("back to triage", {}),
    },
    BillingAgent: {
        "balance": ("what the patient owes", {}),
        "transfer_to_support": ("symptoms", {}),
        "transfer_to_triage": ("back to triage", {}),
    },
    BornTask: {"record_year": ("year of birth", {"year": "four digits"})},
    NumberTask: {"record_number": ("patient number", {"number": "four digits"})},
}
ASKED: list[Reply] = [tool_call("transfer_to_billing"), "Yes?", tool_call("balance")]
# What a caller's way to each agent is made of, and how many turns it takes.
WAY: dict[type[Agent], tuple[list[Reply], int]] = {
    TriageAgent: ([], 0),
    SupportAgent: ([tool_call("transfer_to_support"), "Yes?"], 1),
    BillingAgent: ([tool_call("transfer_to_billing"), "Yes?"], 1),
    BornTask: (ASKED, 2),
    NumberTask: ([*ASKED, tool_call("record_year", year=1980)], 3),
}
each_agent = pytest.mark.parametrize("agent", list(KNOWN), ids=lambda agent: agent.__name__)


async def reach(agent_call: AgentCallFixture, agent: type[Agent]) -> AgentCall:
    """A call that this agent has."""
    script, turns = WAY[agent]
    call = await agent_call(medical_call, llm=ScriptedLLM([*script, "Indeed."], unused_ok=True))
    for number in range(turns):
        await call.say(f"Please, {number}")
    assert isinstance(call.active_agent, agent)
    return call


async def test_triage_takes_the_call_and_greets_without_asking_its_model(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(medical_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "triage_agent")]
    greeting = call.opening.expect.next_event(type="message").event().item
    assert "Lindenhof" in (greeting.text_content or "")
    call.opening.expect.no_more_events()


@each_agent
async def test_an_agents_model_gets_its_instructions_its_tools_and_what_they_are_for(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await reach(agent_call, agent)
    turn = await call.say("Nice weather")
    received = call.received_by(agent)
    received.contains(KNOWN[agent][0]).contains(KNOWN[agent][1])
    for other in KNOWN.keys() - {agent}:
        received.lacks(KNOWN[other][0])
    tools = {tool.name: tool for tool in turn.model_calls[-1].tools}
    # The group adds a tool of its own.
    assert tools.keys() - {"out_of_scope"} == TOOLS[agent].keys()
    for name, (purpose, arguments) in TOOLS[agent].items():
        assert purpose in tools[name].description
        described = tools[name].parameters.get("properties", {})
        assert described.keys() == arguments.keys()
        assert all(says in described[key]["description"] for key, says in arguments.items())


@pytest.mark.parametrize("agent", [SupportAgent, BillingAgent])
async def test_a_desk_that_takes_over_speaks_once_and_can_call_no_tool_before_the_caller_spoke(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await reach(agent_call, agent)
    received = call.received_by(agent)
    assert len(received.requests) == 1
    assert received.tools == []
    assert {item.type for item in call.active_agent.chat_ctx.items} <= {
        "message",
        "agent_config_update",
    }
    assert "You answer the phone" not in str(call.active_agent.chat_ctx.to_dict())


async def test_a_desk_is_told_the_last_words_of_a_long_call_and_no_more(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(
        medical_call,
        llm=ScriptedLLM([*["Indeed."] * 4, tool_call("transfer_to_support"), "Yes?"]),
    )
    for number in range(5):
        await call.say(f"Word {number}")
    call.received_by(SupportAgent).contains("Word 4").contains("Word 3").lacks("Word 0")


async def test_a_desk_that_gets_the_call_back_was_told_nothing_twice(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(
        medical_call,
        llm=ScriptedLLM(
            [
                *(tool_call("transfer_to_support"), "What is it?"),
                *(tool_call("transfer_to_triage"), "Yes?"),
                *(tool_call("transfer_to_support"), "So?"),
            ]
        ),
    )
    for words in ("My knee", "Where can I park?", "No, my knee"):
        await call.say(words)
    messages = call.received_by(SupportAgent).messages
    said = [message["content"] for message in messages if message.get("content")]
    assert len(said) == len(set(said))
    assert {"My knee", "What is it?", "Where can I park?", "Yes?", "No, my knee"} <= set(said)


async def test_the_tasks_ask_in_turn_and_billing_says_what_is_owed(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(
        medical_call,
        llm=ScriptedLLM(
            [
                *(*ASKED, tool_call("record_year", year=12), "Which?"),
                *(tool_call("record_year", year=1980),),
                *(tool_call("record_number", number="0000"), "Which?"),
                *(tool_call("record_number", number="7352"), "85 euros."),
            ]
        ),
    )
    await call.say("My invoice")
    asked = await call.say("How much is it?")
    assert asked.said == "In which year were you born?"
    wrong = await call.say("Twelve")
    output = wrong.expect.contains_function_call_output(is_error=True).event().item.output
    assert output == "12 is no year of birth: ask again."
    asked = await call.say("1980")
    assert asked.said == "And what is your patient number?"
    wrong = await call.say("0000")
    output = wrong.expect.contains_function_call_output(is_error=True).event().item.output
    assert output == "Nobody has the number '0000': ask again."
    await call.say("7352")
    assert "The patient owes 85 euros. Say so." in str(call.received_by(BillingAgent).messages)
