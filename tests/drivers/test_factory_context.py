"""What a factory sets up by context managers holds for the whole conversation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from livekit.agents import Agent, AgentSession, function_tool, llm, mock_tools

from handoff_evals.drivers import Call
from handoff_evals.livekit import AgentEntry, ScriptedLLM
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.transcript import FunctionCallOutput


class Clerk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Look orders up.")

    @function_tool
    async def look_up(self) -> str:
        """Look the order up."""
        raise AssertionError("this would reach out")


def script() -> ScriptedLLM:
    return ScriptedLLM([tool_call("look_up"), "It is on its way."])


def outputs(call: Call) -> list[str]:
    events = call.transcript.events
    return [event.output for event in events if isinstance(event, FunctionCallOutput)]


async def test_mocks_of_an_async_context_manager_are_in_force_in_later_turns() -> None:
    left = []

    @asynccontextmanager
    async def clerk_call(model: llm.LLM[Any]) -> AsyncIterator[tuple[Agent, AgentSession[None]]]:
        with mock_tools(Clerk, {"look_up": lambda: "order 7"}):
            yield Clerk(), AgentSession(llm=model)
        left.append("tidied up")

    call = Call(AgentEntry.of(clerk_call), script())
    await call.start()
    await call.say("Where is my order?")
    await call.close()
    assert outputs(call) == ["order 7"]
    assert left == ["tidied up"]
    assert call.faults == []


async def test_mocks_around_say_are_in_force() -> None:
    call = Call(AgentEntry.of(Clerk), script())
    await call.start()
    with mock_tools(Clerk, {"look_up": lambda: "order 8"}):
        await call.say("Where is my order?")
    await call.close()
    assert outputs(call) == ["order 8"]
