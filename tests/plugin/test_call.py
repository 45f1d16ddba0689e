"""What a test can ask of a call; the fixture is the plugin's own."""

import asyncio
from typing import Any

import pytest
from livekit.agents import AgentSession, RunResult, function_tool
from livekit.agents.voice.run_result import RunAssert

from handoff_evals import AgentCallFixture, ScriptedLLM, tool_call
from handoff_evals.errors import AgentImportError, ModelError, UsageError
from tests.plugin.shop import FrontDesk, Teller, Workshop, with_userdata

TO_WORKSHOP = tool_call("transfer_to_workshop")


async def test_a_call_follows_the_caller_from_one_agent_to_the_next(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(FrontDesk(), llm=ScriptedLLM([TO_WORKSHOP, "Which part is it?"]))
    assert call.opening.said == "Bicycle shop, good morning!"

    turn = await call.say("My chain snapped, it's bike 4471")

    turn.expect.contains_function_call(name="transfer_to_workshop")
    turn.expect.handoff("front_desk", Workshop)
    turn.expect.handoff(FrontDesk, "workshop")
    assert turn.said == "Which part is it?"
    assert call.active_agent_id == turn.active_agent_id == "workshop"
    assert isinstance(call.active_agent, Workshop)
    call.received_by(Workshop).contains("4471").lacks_instructions_of(FrontDesk)
    assert call.handoffs == [(None, "front_desk"), ("front_desk", "workshop")]
    assert call.faults == []


async def test_livekits_own_objects_stay_in_reach(agent_call: AgentCallFixture) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM(["Until six."]))
    turn = await call.say("When do you close?")
    assert isinstance(call.session, AgentSession)
    assert isinstance(turn.result, RunResult)
    assert isinstance(turn.expect, RunAssert)
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    assert [event.type for event in turn.events] == ["message", "message"]


@pytest.mark.parametrize("agent", [FrontDesk, "tests.plugin.shop:FrontDesk"])
async def test_an_agent_is_given_as_a_class_or_by_name(
    agent_call: AgentCallFixture, agent: Any
) -> None:
    call = await agent_call(agent, llm="never")
    turn = await call.say("My chain snapped")
    turn.expect.no_handoff()
    assert call.active_agent_id == "front_desk"


async def test_an_agent_is_given_as_a_function_that_makes_its_session(
    agent_call: AgentCallFixture,
) -> None:
    call = await agent_call(with_userdata, llm=ScriptedLLM([]))
    assert call.session.userdata == {"shop": "Main Street"}


async def test_what_is_no_agent_is_refused_with_what_would_be_one(
    agent_call: AgentCallFixture,
) -> None:
    with pytest.raises(AgentImportError, match="must be an Agent class"):
        await agent_call(42, llm=ScriptedLLM([]))  # type: ignore[arg-type]  # what is tested


async def test_without_a_model_the_test_is_asked_for_one(agent_call: AgentCallFixture) -> None:
    with pytest.raises(ModelError, match="who answers"):
        await agent_call(FrontDesk)


async def test_one_test_may_have_several_calls_at_once(agent_call: AgentCallFixture) -> None:
    first = await agent_call(FrontDesk, llm=ScriptedLLM([TO_WORKSHOP, "Yes?"]))
    second = await agent_call(FrontDesk, llm=ScriptedLLM(["Until six."]))
    await first.say("My chain snapped")
    await second.say("When do you close?")
    assert [first.active_agent_id, second.active_agent_id] == ["workshop", "front_desk"]


async def test_instances_of_one_class_are_told_apart(agent_call: AgentCallFixture) -> None:
    loans = Teller("loans")
    savings = tool_call("pass_on", topic="savings")
    call = await agent_call(loans, llm=ScriptedLLM([savings, "How much?"]))

    turn = await call.say("I'd like to put something by")
    turn.expect.handoff(loans, "teller[topic=savings]")
    with pytest.raises(AssertionError, match="teller -> teller; expected"):
        turn.expect.handoff("teller[topic=savings]", loans)
    assert call.handoffs == [(None, "teller"), ("teller", "teller")]

    await call.say("Fifty a month")
    call.received_by("teller[topic=savings]").contains("fifty").lacks("for loans only")
    call.received_by(loans).lacks("fifty").lacks_instructions_of("teller[topic=savings]")


class Later(FrontDesk):
    """Hands over when the caller says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.there = asyncio.Event()

    @function_tool
    async def call_back(self) -> str:
        """Let somebody take over soon."""
        self.soon = asyncio.create_task(self._hand_over())
        return "Soon."

    async def _hand_over(self) -> None:
        await self.go.wait()
        self.session.update_agent(Replacement(self.there))


class Replacement(Teller):
    """Tells when it has the call."""

    def __init__(self, there: asyncio.Event) -> None:
        super().__init__()
        self.there = there

    async def on_enter(self) -> None:
        self.there.set()


async def test_who_has_the_call_is_told_as_of_now(agent_call: AgentCallFixture) -> None:
    later = Later()
    call = await agent_call(later, llm=ScriptedLLM([tool_call("call_back"), "One moment."]))
    await call.say("Somebody else, please")
    assert call.active_agent_id == "later"

    later.go.set()
    await later.there.wait()

    assert call.active_agent_id == "replacement"
    assert call.handoffs == [(None, "later"), ("later", "replacement")]


@pytest.mark.parametrize("llm", [["Hi."], ScriptedLLM])
async def test_what_is_no_model_is_refused(agent_call: AgentCallFixture, llm: Any) -> None:
    with pytest.raises(ModelError, match=r"is no model: pass an instance of livekit's LLM, as "):
        await agent_call(FrontDesk(), llm=llm)


async def test_what_everything_contains_is_refused(agent_call: AgentCallFixture) -> None:
    call = await agent_call(FrontDesk(), llm=ScriptedLLM(["Yes."]))
    await call.say("Hello?")

    with pytest.raises(UsageError, match="is in everything"):
        call.received_by(FrontDesk).contains(" ")
