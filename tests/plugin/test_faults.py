"""What goes wrong in a call fails the test, unless it is the test's subject."""

import asyncio
from typing import Any

import pytest
from livekit.agents import APIStatusError, function_tool

from handoff_evals import AgentCallFixture, Limits, ScriptedLLM, tool_call
from handoff_evals.plugin.call_fixture import closing
from tests.plugin.shop import FrontDesk, Raising

pytestmark = pytest.mark.usefixtures("no_waiting")

TO_WORKSHOP = tool_call("transfer_to_workshop")
SHORT = Limits(turn_s=1.0, close_s=0.3)


class Hanging(FrontDesk):
    """Its tool never returns."""

    @function_tool
    async def transfer_to_workshop(self) -> None:
        """Transfer the caller to the workshop."""
        await asyncio.Event().wait()


REFUSED = APIStatusError("no key", status_code=401, retryable=False)


@pytest.mark.parametrize(
    ("agent", "script", "said"),
    [
        (Raising, [TO_WORKSHOP, "Sorry."], "the agent's own code failed: tool_error: LookupError"),
        (Hanging, [TO_WORKSHOP], "the agent's own code failed: turn_timeout"),
        (FrontDesk, [[TO_WORKSHOP, TO_WORKSHOP]], "several_handoffs"),
        (FrontDesk, [TO_WORKSHOP], "the script has no reply left: workshop: all 1 of"),
        (FrontDesk, [REFUSED], "the model gave no answer: api_status_401"),
        (FrontDesk, [tool_call("transfer_to_sales"), "Hm."], "the model answered badly: unknown"),
        (FrontDesk, [""], "the model answered badly: empty_reply"),
    ],
)
async def test_a_fault_fails_the_turn_that_it_happens_in(
    agent_call: AgentCallFixture, agent: type[FrontDesk], script: list[Any], said: str
) -> None:
    limits = SHORT if agent is Hanging else None
    call = await agent_call(agent, llm=ScriptedLLM(script), limits=limits)
    with pytest.raises(AssertionError, match=said) as error:
        await call.say("My chain snapped")
    text = str(error.value)
    assert text.startswith("turn 1: ")
    assert "caller: My chain snapped" in text
    assert "\n>>> [" in text


async def test_an_exception_comes_with_the_agents_own_lines(agent_call: AgentCallFixture) -> None:
    call = await agent_call(Raising, llm=ScriptedLLM([TO_WORKSHOP, "Sorry."]))
    with pytest.raises(AssertionError) as error:
        await call.say("My chain snapped")
    traceback = str(error.value).partition("Traceback")[2]
    assert traceback.count("  File ") == 1
    assert 'raise LookupError("the workshop is closed")' in traceback


async def test_a_test_about_faults_keeps_them(agent_call: AgentCallFixture) -> None:
    call = await agent_call(Raising, llm=ScriptedLLM([TO_WORKSHOP, "Sorry."]), keep_faults=True)
    turn = await call.say("My chain snapped")
    assert [fault.cause for fault in call.faults] == ["tool_error"]
    assert turn.said == "Sorry."


async def test_a_turn_that_was_cut_off_has_no_run_result(agent_call: AgentCallFixture) -> None:
    script = ScriptedLLM([TO_WORKSHOP])
    call = await agent_call(Hanging, llm=script, limits=SHORT, keep_faults=True)
    turn = await call.say("My chain snapped")
    with pytest.raises(
        AssertionError, match=r"turn 1 was cut off \(turn_timeout\), so LiveKit has no result"
    ):
        turn.expect.contains_function_call()
    with pytest.raises(RuntimeError, match="the call is over"):
        await call.say("Hello?")


async def test_a_fault_in_closing_fails_the_test_that_passed(
    pytestconfig: pytest.Config,
) -> None:
    class Clinging(FrontDesk):
        async def on_exit(self) -> None:
            await asyncio.Event().wait()

    calls = AgentCallFixture(pytestconfig)

    async def passing() -> None:
        await calls(Clinging, llm=ScriptedLLM([]), limits=SHORT)

    with pytest.raises(pytest.fail.Exception, match=r"closing the call: .*close_timeout"):
        await closing(passing, calls)()


async def test_a_failing_tests_own_error_is_not_hidden_by_closing(
    pytestconfig: pytest.Config,
) -> None:
    calls = AgentCallFixture(pytestconfig)

    async def failing() -> None:
        await calls(FrontDesk, llm=ScriptedLLM([]))
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await closing(failing, calls)()
    with pytest.raises(RuntimeError):
        await calls.calls[0].say("Is anybody there?")
