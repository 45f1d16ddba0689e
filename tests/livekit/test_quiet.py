"""`quiet` waits until nothing more will happen."""

import asyncio
from typing import Any

from livekit.agents import Agent, AgentSession, AgentTask, function_tool

from handoff_evals.livekit import ScriptedLLM, is_started, quiet
from handoff_evals.livekit.scripted import tool_call
from tests.support.phone import Plain, run_call


class Slow(Plain):
    async def on_enter(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)
        self.session.say("At last.")


class SlowToLeave(Plain):
    async def on_exit(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    @function_tool
    async def transfer(self) -> None:
        """Transfer."""
        self.session.update_agent(Slow())


class Chain(Plain):
    """Hands over on its own, and so does the next one."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    async def on_enter(self) -> None:
        await self.session.say(f"{self.left} to go.")
        if self.left:
            self.session.update_agent(Chain(self.left - 1))


class Deep(AgentTask[str]):
    """A task in a task in a task."""

    def __init__(self, depth: int) -> None:
        super().__init__(instructions="You go deeper.")
        self.depth = depth

    async def on_enter(self) -> None:
        self.complete("deep" if self.depth == 0 else await Deep(self.depth - 1))


class Diver(Plain):
    @function_tool
    async def dive(self) -> str:
        """Go deep."""
        return await Deep(3)


def session() -> AgentSession[Any]:
    return AgentSession(llm=ScriptedLLM([]), vad=None)


async def test_a_session_that_was_not_started_or_is_closed_is_quiet() -> None:
    one = session()
    await quiet(one)
    await one.start(Plain())
    await one.aclose()
    await quiet(one)


async def test_an_agent_that_takes_its_time_to_leave_and_to_enter_is_waited_for() -> None:
    call = await run_call(SlowToLeave, [tool_call("transfer")], "Somebody else, please.")

    assert call.turns[1].active.id == "slow"
    assert call.turns[1].said == "At last."


async def test_handoffs_that_follow_one_another_are_waited_for() -> None:
    call = await run_call(lambda: Chain(4), [])

    assert call.turns[0].said.splitlines() == [f"{left} to go." for left in (4, 3, 2, 1, 0)]
    assert len(call.turns[0].handoffs) == 5


async def test_the_way_back_from_nested_tasks_is_waited_for() -> None:
    call = await run_call(Diver, [tool_call("dive"), "I am back."], "Dive, please.")

    assert call.turns[1].active.id == "diver"
    assert call.turns[1].said == "I am back."
    assert len(call.turns[1].handoffs) == 8


async def test_a_session_that_is_closing_is_waited_for() -> None:
    one = session()
    await one.start(SlowToLeave())
    closing = asyncio.create_task(one.aclose())
    await asyncio.sleep(0)
    await quiet(one)

    assert not is_started(one)
    await closing


async def test_speech_that_no_run_waits_for_is_waited_for() -> None:
    class Later(Plain):
        @function_tool
        async def note(self) -> None:
            """Note it."""
            self.task = asyncio.create_task(self.speak())

        async def speak(self) -> None:
            await asyncio.sleep(0)
            self.session.say("By the way.")

    call = await run_call(Later, [tool_call("note")], "Note it.")

    assert call.turns[1].said == "By the way."


async def test_an_agent_that_is_returned_is_active_when_its_turn_is_over() -> None:
    class Returns(Plain):
        @function_tool
        async def transfer(self) -> Agent:
            """Transfer."""
            return Slow()

    for _ in range(5):
        call = await run_call(Returns, [tool_call("transfer")], "Somebody else, please.")
        assert call.turns[1].active.id == "slow"
        assert call.turns[1].said == "At last."
