"""What a failing expectation tells."""

import pytest
from livekit.agents import Agent, AgentTask, function_tool

from handoff_evals import AgentCall, AgentCallFixture, Reply, ScriptedLLM, tool_call
from handoff_evals.errors import UsageError
from tests.plugin.shop import FrontDesk, Workshop

TO_WORKSHOP = tool_call("transfer_to_workshop")
BACK = tool_call("transfer_to_front_desk")


def _marked(error: pytest.ExceptionInfo[AssertionError]) -> list[str]:
    """The marked lines of a message, without mark and number."""
    lines = str(error.value).splitlines()
    return [line.partition("] ")[2] or line for line in lines if line.startswith(">>>")]


async def _at_the_workshop(agent_call: AgentCallFixture, *then: Reply) -> AgentCall:
    call = await agent_call(FrontDesk, llm=ScriptedLLM([TO_WORKSHOP, "Which part?", *then]))
    await call.say("My chain snapped, it's bike 4471")
    return call


async def test_a_missing_handoff_marks_what_the_agent_said_instead(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM(["Oh dear."]))
    turn = await call.say("My chain snapped")
    with pytest.raises(AssertionError) as error:
        turn.expect.handoff(FrontDesk, Workshop)
    text = str(error.value)
    assert text.startswith("turn 1: no handoff; expected FrontDesk -> Workshop\n")
    assert "tools that front_desk's model could call: transfer_to_workshop" in text
    assert _marked(error) == ["front_desk: Oh dear."]


async def test_an_announced_handoff_that_never_came_is_a_phantom(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM(["I am transferring you to the workshop."]))
    turn = await call.say("My chain snapped")
    with pytest.raises(
        AssertionError, match=r"turn 1: no handoff, though .* announces a transfer \(phantom\)"
    ):
        turn.expect.handoff(FrontDesk, Workshop)


async def test_another_handoff_is_marked_and_the_expected_one_is_found(
    agent_call: AgentCallFixture,
) -> None:
    call = await _at_the_workshop(agent_call, BACK)
    turn = await call.say("Never mind")
    with pytest.raises(AssertionError) as error:
        turn.expect.handoff(FrontDesk, Workshop)
    text = str(error.value)
    assert text.startswith("turn 2: workshop -> front_desk; expected FrontDesk -> Workshop\n")
    assert "turn 1 has it: [6] handoff: front_desk -> workshop" in text
    assert _marked(error) == ["handoff: workshop -> front_desk"]


async def test_a_handoff_too_many_is_a_detour(agent_call: AgentCallFixture) -> None:
    class Hasty(Workshop):
        async def on_enter(self) -> None:
            self.session.generate_reply()

    class Desk(FrontDesk):
        @function_tool
        async def transfer_to_workshop(self) -> Agent:
            """Transfer the caller to the workshop."""
            return Hasty()

    call = await agent_call(Desk, llm=ScriptedLLM([TO_WORKSHOP, BACK]))
    turn = await call.say("Hello?")
    with pytest.raises(AssertionError, match="turn 1: a detour, desk -> hasty, hasty -> ") as error:
        turn.expect.handoff(Desk, FrontDesk)
    assert _marked(error) == ["handoff: desk -> hasty", "handoff: hasty -> front_desk"]


async def test_an_unwanted_handoff_is_marked(agent_call: AgentCallFixture) -> None:
    call = await _at_the_workshop(agent_call)
    with pytest.raises(
        AssertionError, match="front_desk -> workshop; expected no handoff"
    ) as error:
        call.turns[1].expect.no_handoff()
    assert _marked(error) == ["handoff: front_desk -> workshop"]


async def test_the_entrance_is_a_handoff_from_nobody(agent_call: AgentCallFixture) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM([]))
    call.opening.expect.handoff(None, FrontDesk)
    with pytest.raises(AssertionError, match="nobody -> front_desk; expected nobody -> Workshop"):
        call.opening.expect.handoff(None, Workshop)


async def test_livekits_assertions_mark_the_nearest_event(agent_call: AgentCallFixture) -> None:
    call = await _at_the_workshop(agent_call)
    with pytest.raises(AssertionError) as error:
        call.turns[1].expect.contains_function_call(name="transfer_to_sales")
    assert "turn 1: Expected call name 'transfer_to_sales', got 'transfer_to_workshop'" in str(
        error.value
    )
    assert _marked(error) == ["front_desk calls transfer_to_workshop({})"]


async def test_livekits_assertions_name_the_turn_where_there_is_one(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM(["Sorry?", TO_WORKSHOP, "Which part?"]))
    turn = await call.say("Mumble")
    await call.say("My chain snapped")
    # What a turn tells is what was known when it was over.
    with pytest.raises(AssertionError, match="turn 1: there is no function call") as error:
        turn.expect.contains_function_call(name="transfer_to_workshop")
    assert _marked(error) == ["front_desk: Sorry?"]
    with pytest.raises(AssertionError, match=r"turn 1 has one: \[4\] front_desk: Sorry") as error:
        call.turns[2].expect[0:0].contains_message(role="assistant")


async def test_livekits_cursor_marks_the_event_that_it_stands_at(
    agent_call: AgentCallFixture,
) -> None:
    call = await _at_the_workshop(agent_call)
    expect = call.turns[1].expect
    expect.next_event().is_function_call(name="transfer_to_workshop")
    with pytest.raises(AssertionError, match="turn 1: Expected ChatMessageEvent") as error:
        expect.next_event().is_message(role="assistant")
    assert _marked(error) == ["transfer_to_workshop gives: ''"]
    with pytest.raises(AssertionError, match="turn 1: Expected no more events") as error:
        expect.no_more_events()
    assert _marked(error) == ["handoff: front_desk -> workshop"]


async def test_what_livekits_run_result_misses_is_pointed_out(agent_call: AgentCallFixture) -> None:
    """Where tasks are nested, run() returns before the caller is back at the first agent."""

    class Colour(AgentTask[str]):
        def __init__(self) -> None:
            super().__init__(instructions="Ask which colour the bike is to have.")

        async def on_enter(self) -> None:
            self.session.generate_reply()

        @function_tool
        async def record_colour(self, colour: str) -> None:
            """Record the colour."""
            self.complete(colour)

    class Order(AgentTask[str]):
        def __init__(self) -> None:
            super().__init__(instructions="Take down the order of a new bike.")

        async def on_enter(self) -> None:
            self.complete(await Colour())

    class Sales(Agent):
        def __init__(self) -> None:
            super().__init__(instructions="You sell bikes.")

        @function_tool
        async def order(self) -> str:
            """Order a bike."""
            return await Order()

    red = tool_call("record_colour", colour="red")
    call = await agent_call(
        Sales, llm=ScriptedLLM([tool_call("order"), "Colour?", red, "Ordered."])
    )
    await call.say("A new bike, please")
    turn = await call.say("Red")
    assert turn.handoffs == [("colour", "order"), ("order", "sales")]
    assert turn.said == "Ordered."
    with pytest.raises(AssertionError, match=r"RunResult ended before .*order -> sales") as error:
        turn.expect.contains_agent_handoff(new_agent_type=Sales)
    assert _marked(error) == ["task over: colour -> order"]
    turn.expect.handoff("colour", Sales)
    turn.expect.handoff("order", Sales)
    with pytest.raises(AssertionError, match="expected no handoff"):
        turn.expect.no_handoff()


async def test_context_that_is_missing_is_shown_where_it_was_said(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM([TO_WORKSHOP, "Which?", "I see."]))
    await call.say("My chain snapped")
    await call.say("It's bike 4471")
    received = call.received_by(Workshop)
    received.contains("4471").contains("BIKE 4471")
    with pytest.raises(AssertionError) as error:
        received.first.contains("4471")
    text = str(error.value)
    assert text.startswith("the model of Workshop received nothing with '4471'")
    assert "its only request, in turn 1:\n    system: You are the mechanic" in text
    assert _marked(error) == ["caller: It's bike 4471"]


async def test_context_that_is_too_much_is_marked_in_the_request(
    agent_call: AgentCallFixture,
) -> None:
    call = await _at_the_workshop(agent_call)
    with pytest.raises(AssertionError, match="the model of Workshop received 'chain'") as error:
        call.received_by(Workshop).lacks("chain")
    assert _marked(error) == [">>> user: My chain snapped, it's bike 4471"]


async def test_instructions_passed_on_in_part_are_a_leak(agent_call: AgentCallFixture) -> None:
    class Leaky(FrontDesk):
        @function_tool
        async def transfer_to_workshop(self) -> Agent:
            """Transfer the caller to the workshop."""
            context = self.chat_ctx.copy(exclude_instructions=True)
            note = "Note: You are the front desk of a bicycle  shop. Be kind."
            context.add_message(role="system", content=note)
            return Workshop(chat_ctx=context)

    call = await agent_call(Leaky, llm=ScriptedLLM([TO_WORKSHOP, "Hello?"]))
    await call.say("My chain snapped")
    with pytest.raises(AssertionError, match="received instructions of Leaky") as error:
        call.received_by(Workshop).lacks_instructions_of(Leaky)
    assert _marked(error) == [
        ">>> system: Note: You are the front desk of a bicycle shop. Be kind."
    ]


async def test_nothing_is_said_of_an_agent_that_was_never_asked(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM(["Until six."]))
    with pytest.raises(AssertionError, match="FrontDesk received nothing: its model was never"):
        call.received_by(FrontDesk)
    await call.say("When do you close?")
    with pytest.raises(AssertionError, match="taken by front_desk; did you mean 'front_desk'"):
        call.received_by("fron_desk")
    with pytest.raises(UsageError, match="Workshop are not known"):
        call.received_by(FrontDesk).lacks_instructions_of(Workshop)
    call.received_by(FrontDesk).lacks_instructions_of(Workshop())
    with pytest.raises(UsageError, match="can't show a leak"):
        call.received_by(FrontDesk).lacks_instructions_of(FrontDesk)


async def test_what_was_received_can_be_looked_at(agent_call: AgentCallFixture) -> None:
    call = await _at_the_workshop(agent_call)
    received = call.received_by("workshop")
    assert received.tools == ["transfer_to_front_desk"]
    assert received.messages[0]["role"] == "system"
    assert "bike 4471" in received.text
