"""Agents that spoil a conversation, each in its own way, and what it must come to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livekit.agents import Agent, AgentTask, function_tool
from livekit.agents.beta.workflows import TaskGroup

from handoff_evals.drivers import Call, Limits
from handoff_evals.livekit.scripted import tool_call
from tests.support.phone import ROOMY, Plain, Script, run_call


async def hanging() -> None:
    await asyncio.Event().wait()


class Greets(Plain):
    async def on_enter(self) -> None:
        self.session.say("Good day, Lumen Line.")


class GreetsByModel(Plain):
    async def on_enter(self) -> None:
        await self.session.generate_reply(instructions="Greet.")


class HangsInTool(Plain):
    @function_tool
    async def look_up(self) -> str:
        """Look something up."""
        await hanging()
        return "found"


class HangsInEnter(Plain):
    async def on_enter(self) -> None:
        await hanging()


class SleepsInEnter(Plain):
    async def on_enter(self) -> None:
        await asyncio.sleep(3600)


class HangsInExit(Plain):
    async def on_exit(self) -> None:
        await hanging()

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer."""
        return Plain()


class LeavesTaskBehind(Plain):
    @function_tool
    async def look_up(self) -> str:
        """Look something up."""
        self.later = asyncio.create_task(hanging())
        return "found"


class SwallowsCancellation(Plain):
    @function_tool
    async def look_up(self) -> str:
        """Look something up."""
        while True:
            try:
                await hanging()
            except asyncio.CancelledError:
                continue


class TakesAMomentToEnd(Plain):
    @function_tool
    async def look_up(self) -> str:
        """Look something up."""
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                raise


class TwoTransfers(Plain):
    @function_tool
    async def to_one(self) -> Agent:
        """One."""
        return Greets()

    @function_tool
    async def to_other(self) -> Agent:
        """Another."""
        return Plain()


class RaisesInEnter(Plain):
    async def on_enter(self) -> None:
        raise LookupError("no greeting")


class RaisesInExit(Plain):
    async def on_exit(self) -> None:
        raise LookupError("no farewell")

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer."""
        return Plain()


class RaisesInTool(Plain):
    @function_tool
    async def look_up(self) -> str:
        """Look something up."""
        return self.deeper()

    def deeper(self) -> str:
        raise LookupError("no such caller")


class CancelsItself(Plain):
    @function_tool
    async def look_up(self) -> str:
        """Look something up."""
        raise asyncio.CancelledError


class PingByTool(Plain):
    async def on_enter(self) -> None:
        self.session.generate_reply()

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer."""
        return PongByTool()


class PongByTool(Plain):
    async def on_enter(self) -> None:
        self.session.generate_reply()

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer."""
        return PingByTool()


class PingByCode(Plain):
    async def on_enter(self) -> None:
        await self.session.say("One moment.")
        self.session.update_agent(PongByCode())


class PongByCode(Plain):
    async def on_enter(self) -> None:
        self.session.update_agent(PingByCode())


class HangsUp(Plain):
    @function_tool
    async def hang_up(self) -> None:
        """End the call."""
        self.session.say("Goodbye!")
        self.session.shutdown()


class ClosesSession(Plain):
    @function_tool
    async def hang_up(self) -> None:
        """End the call."""
        self.closing = asyncio.create_task(self.session.aclose())


class Asks(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="You ask.")

    async def on_enter(self) -> None:
        self.session.generate_reply()

    @function_tool
    async def note(self, answer: str) -> None:
        """Note the answer."""
        self.complete(answer)


class AsksByAnother(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="You have somebody ask.")

    async def on_enter(self) -> None:
        self.complete(f"they said {await Asks()}")


class Host(Plain):
    @function_tool
    async def interview(self) -> str:
        """Interview the caller."""
        return await AsksByAnother()


class GroupHost(Plain):
    @function_tool
    async def interview(self) -> str:
        """Interview the caller."""
        group = TaskGroup(summarize_chat_ctx=False)
        for name in ("first", "second"):
            group.add(Asks, id=name, description=name)
        results: dict[str, Any] = (await group).task_results
        return ", ".join(results.values())


LOOPING = Limits(handoffs=8)
LATE = ("agent", "turn_timeout")


@dataclass(frozen=True, kw_only=True)
class Trap:
    agent: Callable[[], Agent]
    script: Script = ("Yes.", "Yes.")
    limits: Limits = ROOMY
    says: tuple[str, ...] = ("Hello?", "Still there?")
    faults: tuple[tuple[str, str, int], ...] = ()
    """Owner, cause and turn of each fault that it must come to."""

    async def spring(self) -> Call:
        return await run_call(self.agent, self.script, *self.says, limits=self.limits)


TRAPS = {
    "a greeting": Trap(agent=Greets),
    "a hanging tool": Trap(agent=HangsInTool, script=[tool_call("look_up")], faults=((*LATE, 1),)),
    "a hanging on_enter": Trap(agent=HangsInEnter, faults=(("agent", "close_timeout", 3),)),
    "an on_enter that sleeps": Trap(agent=SleepsInEnter, faults=((*LATE, 0),)),
    "an on_exit that hangs at the close": Trap(
        agent=HangsInExit, faults=(("agent", "close_timeout", 3),)
    ),
    "an on_exit that hangs at a handoff": Trap(
        agent=HangsInExit, script=[tool_call("transfer")], faults=((*LATE, 1),)
    ),
    "a task left behind": Trap(
        agent=LeavesTaskBehind, script=[tool_call("look_up"), "Yes.", "Yes."]
    ),
    "a tool that swallows cancellation": Trap(
        agent=SwallowsCancellation,
        script=[tool_call("look_up")],
        faults=((*LATE, 1), ("agent", "close_timeout", 2)),
    ),
    "a tool that awaits while it is cancelled": Trap(
        agent=TakesAMomentToEnd, script=[tool_call("look_up")], faults=((*LATE, 1),)
    ),
    "two handoffs in one reply": Trap(
        agent=TwoTransfers,
        script=[[tool_call("to_one"), tool_call("to_other")], "Yes."],
        faults=(("model", "several_handoffs", 1),),
    ),
    "an unknown tool": Trap(
        agent=Plain,
        script=[tool_call("no_such_tool"), "Oh.", "Yes."],
        faults=(("model", "unknown_tool", 1),),
    ),
    "an empty reply": Trap(agent=Plain, script=["", "Yes."], faults=(("model", "empty_reply", 1),)),
    "an exception in on_enter": Trap(agent=RaisesInEnter, faults=(("agent", "on_enter_error", 0),)),
    "an exception in on_exit": Trap(
        agent=RaisesInExit,
        script=[tool_call("transfer"), "Yes."],
        faults=(("agent", "on_exit_error", 1),),
    ),
    "an exception in on_exit at the close": Trap(
        agent=RaisesInExit, faults=(("agent", "on_exit_error", 3),)
    ),
    "an exception in a tool": Trap(
        agent=RaisesInTool,
        script=[tool_call("look_up"), "Oh.", "Yes."],
        faults=(("agent", "tool_error", 1),),
    ),
    "a tool that cancels itself": Trap(
        agent=CancelsItself, script=[tool_call("look_up"), "Oh.", "Yes."]
    ),
    "a model error": Trap(
        agent=Plain,
        script=[RuntimeError("no weights")],
        faults=(("infrastructure", "model_raised", 1),),
    ),
    "a model error that looks like a deadline": Trap(
        agent=Plain,
        script=[TimeoutError("too slow")],
        faults=(("infrastructure", "api_timeout", 1),),
    ),
    "mutual transfers by a tool": Trap(
        agent=PingByTool,
        script=lambda _: tool_call("transfer"),
        limits=LOOPING,
        faults=(("agent", "handoff_loop", 0),),
    ),
    "mutual transfers by code": Trap(
        agent=PingByCode, limits=LOOPING, faults=(("agent", "handoff_loop", 0),)
    ),
    "a session that hangs up": Trap(agent=HangsUp, script=[tool_call("hang_up")]),
    "a session that is closed by a tool": Trap(agent=ClosesSession, script=[tool_call("hang_up")]),
    "nested tasks": Trap(
        agent=Host,
        script=[tool_call("interview"), "How old?", tool_call("note", answer="34"), "Thanks."],
    ),
    "a group of tasks": Trap(
        agent=GroupHost,
        script=[
            tool_call("interview"),
            "How old?",
            tool_call("note", answer="34"),
            "How tall?",
            tool_call("note", answer="180"),
            "Thanks.",
        ],
        says=("Hello?", "34.", "180."),
    ),
    "a call that ends within nested tasks": Trap(
        agent=Host, script=[tool_call("interview"), "How old?"], says=("Hello?",)
    ),
}
