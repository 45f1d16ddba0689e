from typing import TYPE_CHECKING, Any

from livekit.agents import Agent, AgentSession, function_tool, inference, llm

from agents.customer_service import BillingAgent, CustomerServiceAgent
from agents.triage import Carry, triage_call
from handoff_evals.livekit.scripted import tool_call
from tests.support.phone import Plain, run_call, short_events

if TYPE_CHECKING:
    from handoff_evals.livekit import Reply


class Summarises(Plain):
    @function_tool
    async def transfer(self) -> Agent:
        """Transfer with a summary."""
        model = self.session.llm
        assert isinstance(model, llm.LLM)
        order = llm.ChatContext.empty()
        order.add_message(role="user", content="Sum it up.")
        summary = (await model.chat(chat_ctx=order).collect()).text
        carried = llm.ChatContext.empty()
        carried.add_message(role="system", content=summary)
        return Told(carried)


class Told(Agent):
    def __init__(self, chat_ctx: llm.ChatContext) -> None:
        super().__init__(instructions="You were told.", chat_ctx=chat_ctx)

    async def on_enter(self) -> None:
        self.session.generate_reply()


class BringsEverything(Agent):
    def __init__(self) -> None:
        super().__init__(
            instructions="You bring your own models.",
            stt="deepgram/nova-3",
            llm="openai/gpt-4o",
            tts=inference.TTS("deepgram/aura-2", voice="apollo"),
        )

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer to another one like it."""
        return BringsEverything()


async def test_the_billing_agents_model_receives_what_was_said_and_not_the_old_instructions() -> (
    None
):
    script: list[Reply] = [
        "Good morning!",
        tool_call("transfer_to_billing"),
        "Billing takes over now.",
        "I see the two payments for order 4471.",
    ]
    call = await run_call(
        CustomerServiceAgent, script, "Good morning.", "I was charged twice, it's order 4471."
    )

    turn = call.turns[2]
    assert short_events(turn) == [
        "caller: I was charged twice, it's order 4471.",
        "transfer_to_billing({})",
        short_events(turn)[2],
        "customer_service_agent: Billing takes over now.",
        "customer_service_agent -> billing_agent",
        "billing_agent: I see the two payments for order 4471.",
    ]
    first = next(each for each in turn.model_calls if each.agent.id == "billing_agent")
    assert first.after_handoffs == 1
    assert [(m["role"], m["content"]) for m in first.messages] == [
        ("system", BillingAgent().instructions),
        ("assistant", "Thank you for calling Lumen Line! How can I help?"),
        ("user", "Good morning."),
        ("assistant", "Good morning!"),
        ("user", "I was charged twice, it's order 4471."),
        *[(m["role"], m["content"]) for m in first.messages[5:]],
    ]
    assert "4471" in first.received_text
    assert str(CustomerServiceAgent().instructions) not in first.received_text
    assert call.faults == []


async def test_the_model_calls_say_who_asked_and_with_which_tools() -> None:
    script: list[Reply] = [
        tool_call("transfer_to_billing"),
        "Billing takes over now.",
        "Hello.",
        "Yes.",
    ]
    call = await run_call(CustomerServiceAgent, script, "A refund, please.", "Are you there?")

    asked = [
        (each.agent.id, sorted(tool.name for tool in each.tools))
        for each in call.transcript.model_calls
    ]
    service = ["escalate_to_manager", "transfer_to_billing", "transfer_to_technical_support"]
    billing = [
        "escalate_to_manager",
        "transfer_to_customer_service",
        "transfer_to_technical_support",
    ]
    assert asked == [
        ("customer_service_agent", service),
        ("customer_service_agent", service),
        ("billing_agent", []),  # it enters without tools
        ("billing_agent", billing),
    ]
    assert {each.model for each in call.transcript.model_calls} == {"scripted"}


async def test_agents_that_bring_models_of_livekit_inference_answer_by_the_runs_model() -> None:
    script: list[Reply] = ["Hello.", tool_call("transfer"), "I am another."]
    call = await run_call(BringsEverything, script, "Hello?", "Somebody else, please.", "Hello?")

    assert [turn.said for turn in call.turns] == ["", "Hello.", "", "I am another."]
    assert len(call.transcript.handoffs) == 2
    assert {each.model for each in call.transcript.model_calls} == {"scripted"}
    assert call.faults == []


async def test_a_factory_with_a_session_of_its_own_answers_by_the_runs_model_too() -> None:
    def factory() -> tuple[Agent, AgentSession[Any]]:
        session = AgentSession[Any](
            llm="openai/gpt-4o", stt="deepgram/nova-3", tts="deepgram/aura-2:apollo"
        )
        return Plain(), session

    call = await run_call(factory, ["Hello."], "Hello?")

    assert call.turns[1].said == "Hello."
    assert call.turns[1].model_calls[0].model == "scripted"


async def test_what_an_agents_code_asks_the_sessions_model_is_told_apart_from_its_replies() -> None:
    call = await run_call(
        Summarises,
        [tool_call("transfer"), "They want a refund.", "About your refund."],
        "A refund.",
    )

    asked = call.turns[1].model_calls
    assert [(each.purpose, each.agent.id) for each in asked] == [
        ("reply", "summarises"),
        ("direct", "summarises"),
        ("reply", "told"),
    ]
    assert asked[1].received_text == "Sum it up."
    assert asked[1].text == "They want a refund."
    assert "They want a refund." in asked[2].received_text


async def test_an_example_agents_summary_is_a_direct_request_too() -> None:
    def factory(model: llm.LLM[Any]) -> Any:
        return triage_call(model, carry=Carry.SUMMARY)

    script: list[Reply] = [
        "Go on.",
        tool_call("transfer_to_claims"),
        "Their window is broken.",
        "I am sorry.",
    ]
    call = await run_call(factory, script, "Hello.", "My window is broken.")

    assert [(each.purpose, each.agent.id) for each in call.turns[2].model_calls] == [
        ("reply", "triage_agent"),
        ("direct", "triage_agent"),
        ("reply", "specialist_agent"),
    ]
