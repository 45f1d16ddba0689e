"""Agents whose own code raises, exits, hangs or hangs up, each at one place; and models that exit.

Each agent is one word away: the model `calls_the_tool` calls `go` once in each turn.
"""

import asyncio
import os
import sys
import time
from typing import Any

from livekit.agents import Agent, AgentTask, function_tool, llm

from handoff_evals import ScriptedLLM, tool_call
from handoff_evals.livekit import Reply, Request


class Desk(Agent):
    """Answers."""

    def __init__(self) -> None:
        super().__init__(id="desk", instructions="You answer.")

    @function_tool
    async def go(self) -> str:
        """Go."""
        return "gone"


class RaisesInTool(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        raise LookupError("no database")


class RaisesInEnter(Desk):
    async def on_enter(self) -> None:
        raise LookupError("no database")


class RaisesInExit(Desk):
    async def on_exit(self) -> None:
        raise LookupError("no database")

    @function_tool
    async def go(self) -> Agent:
        """Go."""
        return Desk()


class RaisesInNode(Desk):
    async def llm_node(self, *_: Any) -> Any:
        raise LookupError("no database")
        yield  # type: ignore[unreachable]  # it makes this a generator


class _Task(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="You ask.")

    async def on_enter(self) -> None:
        raise LookupError("no database")


class RaisesInTask(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        return await _Task()


class RaisesInBackground(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        self.later = asyncio.create_task(_raise())
        return "gone"


async def _raise() -> None:
    raise LookupError("no database")


class ReturnsTwoAgents(Desk):
    @function_tool
    async def go(self) -> Any:
        """Go."""
        return Desk(), Desk()


RAISING: dict[type[Agent], str] = {
    RaisesInTool: "tool_error",
    RaisesInEnter: "on_enter_error",
    RaisesInExit: "on_exit_error",
    RaisesInNode: "llm_node_error",
    RaisesInTask: "on_enter_error",
    RaisesInBackground: "background_task_error",
    ReturnsTwoAgents: "several_agents_returned",
}
"""The agents that raise, and the cause of the fault that each must come to."""


class ExitsInTool(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        sys.exit(0)


class ExitsInEnter(Desk):
    async def on_enter(self) -> None:
        sys.exit(0)


class BlocksInTool(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        time.sleep(600)  # noqa: ASYNC251 - it must block
        return "gone"


class LeavesInTool(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        os._exit(0)


class StopsTheLoopInTool(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        asyncio.get_running_loop().stop()
        os.chdir("/")
        return "gone"


class InterruptsInTool(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        raise KeyboardInterrupt


class OddInTool(Desk):
    @function_tool
    async def go(self) -> str:
        """Go."""
        raise OddError


class OddError(BaseException):
    """Of no usual kind."""


def exits_in_factory(_: llm.LLM[Any]) -> Agent:
    sys.exit(0)


class HangsInSecondRequest(Desk):
    """Its `llm_node` never returns from the second request on."""

    requests = 0

    async def llm_node(self, *given: Any) -> Any:
        self.requests += 1
        if self.requests > 1:
            await asyncio.Event().wait()
        async for chunk in Agent.default.llm_node(self, *given):
            yield chunk


class KeepsAsking(Desk):
    async def on_enter(self) -> None:
        while True:
            await self.session.generate_reply()


class HangsUp(Desk):
    @function_tool
    async def go(self) -> None:
        """Go."""
        self.session.say("Goodbye.")
        self.session.shutdown()


def calls_the_tool() -> ScriptedLLM:
    return ScriptedLLM(_answer)


def _answer(request: Request) -> Reply:
    last = request.last_item
    asked = isinstance(last, llm.ChatMessage) and last.role == "user"
    return tool_call("go") if asked and "go" in request.tool_names else "Yes."


class _Exits(ScriptedLLM):
    def chat(self, **_: Any) -> Any:
        sys.exit(0)


def exits_when_asked() -> ScriptedLLM:
    return _Exits([])


def exits_when_made() -> ScriptedLLM:
    sys.exit(0)
