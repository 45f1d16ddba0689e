"""Conversations that leave nothing behind, for the tests of what runs them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from livekit.agents import Agent, llm

from handoff_evals.drivers import Call, Limits
from handoff_evals.livekit import AgentEntry, Reply, Request, ScriptedLLM
from handoff_evals.scenarios import ScriptedTurn, Watch
from handoff_evals.transcript import Event, Turn
from tests.support.clock import skip_waiting

Script = Sequence[Reply] | Callable[[Request], Reply]
ROOMY = Limits(turn_s=60, close_s=60)
"""Nothing in memory takes that long: who passes it hangs."""


class Plain(Agent):
    """Answers."""

    def __init__(self) -> None:
        super().__init__(instructions="You answer.")


@contextmanager
def skipping_waits() -> Iterator[None]:
    """Where nothing is left to do but wait, the running loop's clock jumps ahead.

    So a deadline costs no time, and none passes because the machine is busy.
    """
    undo = skip_waiting(asyncio.get_running_loop())
    try:
        yield
    finally:
        undo()


@asynccontextmanager
async def open_call(
    found: Any,
    script: Script = (),
    *,
    model: llm.LLM[Any] | None = None,
    limits: Limits = ROOMY,
    watch: Watch | None = None,
) -> AsyncIterator[Call]:
    """A call that is closed in the end; no task may be left, and no open session."""
    before = asyncio.all_tasks()
    entry = AgentEntry.of(found)
    call = Call(entry, model or ScriptedLLM(script), limits=limits, watch=watch)
    try:
        yield call
    finally:
        await call.close()
    left = asyncio.all_tasks() - before
    assert not left, [task.get_coro() for task in left]
    assert not call.session._started


async def run_call(found: Any, script: Script, *says: str, limits: Limits = ROOMY) -> Call:
    """Run a whole call, as the driver would, without waiting for its deadlines."""
    with skipping_waits():
        async with open_call(found, script, limits=limits) as call:
            await call.start()
            await speak(call, *says)
    return call


async def speak(call: Call, *says: str) -> None:
    """Say one thing after the other, as long as somebody is there."""
    for words in says:
        if call.over:
            break
        await call.say(words)


def scripted(*says: str) -> list[ScriptedTurn]:
    """Turns in which the caller says one thing after the other."""
    return [ScriptedTurn(user=words) for words in says]


def short_events(turn: Turn) -> list[str]:
    """The turn's events in short: `caller: hi`, `plain: Yes.`, `a -> b`, `t({})`, `t = x`."""
    return [line for event in turn.events if (line := _short(event))]


def _short(event: Event) -> str:
    match event.type:
        case "message":
            return f"{event.agent.label if event.agent else 'caller'}: {event.text}"
        case "agent_handoff":
            return f"{event.old.label if event.old else 'nobody'} -> {event.new.label}"
        case "function_call":
            return f"{event.name}({event.arguments})"
        case "function_call_output":
            return f"{event.name} = {event.output}"
        case "agent_error":
            return f"error in {event.where}: {event.message}"
        case "agent_config_update":
            return ""
