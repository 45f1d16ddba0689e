"""Who the desk and its tasks are, what their tools say, and what a task is told."""

import pytest

from agents.front_desk import ConfirmTask, FrontDeskAgent, front_desk_call
from handoff_evals import AgentCallFixture, Reply, ScriptedLLM, tool_call

TOOLS = {
    "free_hours": ("Say which hours are free", {"day": "day of the week"}),
    "book": ("asked for an e-mail", {"day": "day of the week", "hour": "full hour"}),
    "cancel": ("asking whether they are sure", {}),
}
BOOKED: list[Reply] = [
    *(tool_call("book", day="monday", hour=9), "Your address?"),
    *(tool_call("update_email_address", email="ana@example.org"), "Booked."),
]


async def test_it_greets_once_without_asking_its_model(agent_call: AgentCallFixture) -> None:
    call = await agent_call(front_desk_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "front_desk_agent")]
    greeting = call.opening.expect.next_event(type="message").event().item
    assert "Back on Track" in (greeting.text_content or "")
    call.opening.expect.no_more_events()


async def test_its_model_gets_its_instructions_and_tools_that_say_what_they_are_for(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(front_desk_call, llm=ScriptedLLM(["Indeed."]))
    turn = await call.say("Nice weather")
    received = call.received_by(FrontDeskAgent)
    received.contains("You are the front desk of the physiotherapy practice")
    received.contains("Call free_hours before you offer anything")
    tools = {tool.name: tool for tool in turn.model_calls[0].tools}
    assert tools.keys() == TOOLS.keys()
    for name, (purpose, arguments) in TOOLS.items():
        assert purpose in tools[name].description
        described = tools[name].parameters.get("properties", {})
        assert described.keys() == arguments.keys()
        assert all(says in described[key]["description"] for key, says in arguments.items())


async def test_a_task_is_told_what_was_said_and_nothing_of_the_desks_prompt_and_calls(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(front_desk_call, llm=ScriptedLLM(BOOKED[:2]))
    await call.say("Monday at nine")
    assert call.active_agent_id == "get_email_task"
    call.received_by(call.active_agent).contains("Monday at nine").lacks("You are the front desk")
    assert {item.type for item in call.active_agent.chat_ctx.items} <= {
        "message",
        "agent_config_update",
    }
    assert "front desk of" not in str(call.active_agent.chat_ctx.to_dict())


@pytest.mark.parametrize(
    ("yes", "outcome"),
    [
        (True, "The appointment is cancelled. Say so."),
        (False, "The caller keeps monday 9. Say so."),
    ],
)
async def test_the_confirmation_asks_one_question_once_and_the_desk_says_what_came_of_it(
    agent_call: AgentCallFixture, *, yes: bool, outcome: str
) -> None:
    call = await agent_call(
        front_desk_call,
        llm=ScriptedLLM(
            [*BOOKED, tool_call("cancel"), "What?", tool_call("answer", yes=yes), "All right."]
        ),
    )
    await call.say("Monday at nine")
    await call.say("ana@example.org")
    assert "Booked: monday 9. A reminder goes to ana@example.org. Say so." in str(
        call.received_by(FrontDeskAgent).messages
    )
    asked = await call.say("Cancel it")
    assert asked.said == "Shall I really cancel monday 9 o'clock?"
    await call.say("Hm?")
    received = call.received_by(ConfirmTask)
    received.contains("Ask the caller: Shall I really cancel monday 9 o'clock?")
    assert received.tools == ["answer"]
    assert "Whether they said yes" in str(received.requests[-1].call.tools[0].parameters)
    assert "Record what the caller decided" in received.requests[-1].call.tools[0].description
    received.contains("Monday at nine").lacks("You are the front desk")
    await call.say("So be it")
    assert outcome in str(call.received_by(FrontDeskAgent).messages)
