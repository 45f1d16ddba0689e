"""livekit's limit of tool calls in one reply: named where it ends them."""

import pytest
from livekit.agents import Agent, AgentSession, function_tool, llm

from handoff_evals.checks import score
from handoff_evals.livekit import Reply
from handoff_evals.livekit.scripted import tool_call
from tests.support.conversations import expects, scenario
from tests.support.phone import Plain, run_call

pytestmark = pytest.mark.usefixtures("no_waiting")


class Looks(Plain):
    @function_tool
    async def look(self) -> str:
        """Look."""
        return "nothing yet"

    @function_tool
    async def go(self) -> Agent:
        """Hand over."""
        return Plain()


def open_looks(model: llm.LLM[object]) -> tuple[Agent, AgentSession[None]]:
    return Looks(), AgentSession(llm=model, max_tool_steps=2)


LOOK = tool_call("look")


@pytest.mark.parametrize("script", [[LOOK, LOOK, "So."], [LOOK, LOOK, tool_call("go"), "So."]])
async def test_as_many_calls_as_are_allowed_are_no_fault(script: list[Reply]) -> None:
    call = await run_call(open_looks, script, "Go.")
    assert call.faults == []


async def test_the_limit_is_the_reason_of_a_handoff_that_it_prevents() -> None:
    call = await run_call(open_looks, [LOOK, LOOK, LOOK, tool_call("go")], "Go.")

    assert [fault.cause for fault in call.faults] == ["forbidden_call", "max_tool_steps"]
    asked = scenario(expects("plain"))
    [failed] = [each for each in score(asked, call.transcript) if each.name == "handoff"]
    assert failed.reason == (
        "missed: expected plain, active looks; looks called tools in 3 replies running, and "
        "livekit allowed no more (max_tool_steps=2): AgentSession(max_tool_steps=...) sets it"
    )
