"""Who takes the order, and what its tools say."""

from agents.drive_thru import DriveThruAgent, drive_thru_call
from handoff_evals import AgentCallFixture, ScriptedLLM, tool_call

TOOLS = {
    "add_item": ("Add something", {"item": "What it is", "number": "How many more"}),
    "remove_item": ("back off the order", {"item": "What it is", "number": "How many fewer"}),
    "complete_order": ("heard it and agrees", {}),
}


async def test_it_greets_once_without_asking_its_model(agent_call: AgentCallFixture) -> None:
    call = await agent_call(drive_thru_call, llm=ScriptedLLM([]))
    assert call.handoffs == [(None, "drive_thru_agent")]
    greeting = call.opening.expect.next_event(type="message").event().item
    assert "Quick Corner" in (greeting.text_content or "")
    call.opening.expect.no_more_events()


async def test_its_model_gets_the_menu_and_tools_that_say_what_they_are_for(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(drive_thru_call, llm=ScriptedLLM(["Indeed."]))
    turn = await call.say("Nice weather")
    received = call.received_by(DriveThruAgent)
    received.contains("You take orders at the drive-thru").contains("nobody to put a driver")
    received.contains("The menu: burger 6 euros, veggie burger 6 euros, fries 3 euros")
    tools = {tool.name: tool for tool in turn.model_calls[0].tools}
    assert tools.keys() == TOOLS.keys()
    for name, (purpose, arguments) in TOOLS.items():
        assert purpose in tools[name].description
        described = tools[name].parameters.get("properties", {})
        assert described.keys() == arguments.keys()
        assert all(says in described[key]["description"] for key, says in arguments.items())


async def test_the_tools_say_what_the_order_is_now_and_what_it_costs(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(
        drive_thru_call,
        llm=ScriptedLLM(
            [
                *(tool_call("add_item", item="burger", number=2), "Two burgers."),
                *(tool_call("remove_item", item="burger", number=1), "One."),
                *(tool_call("add_item", item="cola", number=0), "How many?"),
                *(tool_call("remove_item", item="fries", number=1), "There are none."),
                *(tool_call("complete_order"), "Six euros."),
            ]
        ),
    )
    outputs = []
    for number in range(5):
        turn = await call.say(f"Please, {number}")
        outputs.append(turn.expect.contains_function_call_output().event().item.output)
    assert outputs == [
        "The order is now: 2 burger, 12 euros.",
        "The order is now: 1 burger, 6 euros.",
        "0 can't be: ask how many.",
        "So much fries is not on the order, which is: 1 burger, 6 euros.",
        "Complete: 1 burger, 6 euros. Say the price, and ask the driver to come to the window.",
    ]
