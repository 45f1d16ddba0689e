"""What is special about the manager: a reason to be called for, and a voice of their own."""

import pytest
from livekit.agents import NOT_GIVEN, Agent, inference

from agents.customer_service import (
    BillingAgent,
    CustomerServiceAgent,
    ManagerAgent,
    TechnicalSupportAgent,
    service_call,
)
from handoff_evals import AgentCallFixture, Reply, ScriptedLLM, tool_call

ESCALATE = tool_call("escalate_to_manager", reason="Third outage within a week")


async def test_the_manager_knows_the_reason_that_the_agent_gave(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(service_call, llm=ScriptedLLM([ESCALATE, "One moment.", "I'm sorry."]))
    await call.say("Your manager, please")
    call.received_by(ManagerAgent).contains("Reason of the escalation: Third outage within a week.")


async def test_a_second_escalation_brings_its_own_reason_to_a_new_manager(
    agent_call: AgentCallFixture,
) -> None:
    again = tool_call("escalate_to_manager", reason="The refund never came")
    back = tool_call("transfer_to_customer_service")
    replies: list[Reply] = [
        ESCALATE,
        "One moment.",
        "I'm sorry.",
        back,
        "Back you go.",
        "Hello again.",
    ]
    model = ScriptedLLM([*replies, again, "One moment.", "I'm sorry once more."])
    call = await agent_call(service_call, llm=model)
    await call.say("Your manager, please")
    first = call.active_agent
    await call.say("That's settled then, thank you")
    await call.say("The manager once more")
    assert isinstance(call.active_agent, ManagerAgent)
    assert call.active_agent is not first
    call.received_by(call.active_agent).contains(
        "Reason of the escalation: The refund never came."
    ).lacks("Third outage within a week")


async def test_an_escalation_without_a_reason_is_refused(agent_call: AgentCallFixture) -> None:
    model = ScriptedLLM([tool_call("escalate_to_manager"), "May I ask why?"])
    # That the model forgot it is a fault of the model, which would fail any other test.
    call = await agent_call(service_call, llm=model, keep_faults=True)
    turn = await call.say("Your manager, please")
    assert [(each.owner, each.cause) for each in call.faults] == [("model", "missing_arguments")]
    turn.expect.contains_function_call_output(is_error=True)
    turn.expect.no_handoff()
    assert turn.said == "May I ask why?"


@pytest.mark.parametrize("agent", [CustomerServiceAgent, BillingAgent, TechnicalSupportAgent])
async def test_an_escalation_takes_a_reason_and_no_other_transfer_takes_anything(
    agent_call: AgentCallFixture, agent: type[Agent]
) -> None:
    call = await agent_call(agent, llm=ScriptedLLM(lambda _: "Indeed."))
    turn = await call.say("Nice weather")
    for tool in turn.model_calls[-1].tools:
        takes = tool.parameters["properties"]
        if tool.name == "escalate_to_manager":
            assert takes.keys() == {"reason"}
            assert takes["reason"]["description"]
            assert tool.parameters["required"] == ["reason"]
        else:
            assert takes == {}


async def test_the_managers_voice_is_in_force_while_the_manager_has_the_call(
    agent_call: AgentCallFixture,
) -> None:
    back = tool_call("transfer_to_customer_service")
    model = ScriptedLLM([ESCALATE, "One moment.", "I'm sorry.", back, "Back you go.", "Hello."])
    call = await agent_call(service_call, llm=model)
    # LiveKit speaks with the agent's own voice, or with the session's where it is not given.
    assert call.session.current_agent.tts is NOT_GIVEN

    await call.say("Your manager, please")
    assert isinstance(call.session.current_agent, ManagerAgent)
    voice = call.session.current_agent.tts
    assert isinstance(voice, inference.TTS)
    assert (voice.model, voice._opts.voice) == ("deepgram/aura-2", "apollo")

    await call.say("That's settled then, thank you")
    assert isinstance(call.session.current_agent, CustomerServiceAgent)
    assert call.session.current_agent.tts is NOT_GIVEN


def test_without_credentials_the_manager_speaks_with_the_sessions_voice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LIVEKIT_API_KEY", raising=False)
    assert ManagerAgent().tts is NOT_GIVEN
    monkeypatch.setenv("LIVEKIT_API_KEY", "a-key")
    monkeypatch.delenv("LIVEKIT_API_SECRET", raising=False)
    assert ManagerAgent().tts is NOT_GIVEN
