"""When a run is over, and when a session is quiescent: livekit has no event for either."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from livekit.agents import AgentSession, AgentTask, RunResult
from livekit.agents.voice.agent_activity import ActivityClosedError

from handoff_evals.livekit.internals import (
    agent_with_the_call,
    awaited_by,
    handoff_task,
    is_result_of_task,
    is_started,
    leave_out_of_run,
    next_agent_waits,
    run_of,
    speech_tasks,
    tasks_of_run,
)
from handoff_evals.livekit.tasks import current_tasks

_ROUNDS = 8
_PAUSE_S = 0.001
# How soon, and then how often, to look whether an `on_enter` waits for the caller.
_FIRST_LOOK_S, _LAST_LOOK_S = 0.02, 0.25


async def result_when_quiet(
    session: AgentSession[Any], run: Awaitable[RunResult[Any]]
) -> RunResult[Any]:
    """Wait for a run and until the session is quiescent. It sets no deadline: the caller does.

    A run that raises what an AgentTask was completed with is over like any other: whoever
    awaits the task gets it.
    """
    running = asyncio.ensure_future(run)
    try:
        await _over(session, running)
        result = running.result()
    except Exception as error:
        kept = run_of(session)
        if kept is None or not is_result_of_task(kept, error):
            raise
        result = kept
    finally:
        running.cancel()
    await quiet(session)
    return result


async def _over(session: AgentSession[Any], running: "asyncio.Future[Any]") -> None:
    """Wait until a run is over, but for an `on_enter` that waits for the caller."""
    calm, pause = 0, _FIRST_LOOK_S
    while not running.done():
        waiting = [task for task in tasks_of_run(session) if _waits_for_caller(task)]
        if waiting and is_started(session) and await _idle(session):
            calm += 1
            await asyncio.sleep(0)
        else:
            calm = 0
            await asyncio.wait({running}, timeout=pause)
            pause = min(2 * pause, _LAST_LOOK_S)
        if calm == _ROUNDS:
            calm = 0
            for task in waiting:
                leave_out_of_run(session, task)


async def quiet(session: AgentSession[Any]) -> None:
    """Wait until the session is quiescent or closed. It sets no deadline: the caller does."""
    calm = 0
    if (conversation := current_tasks()) is not None:
        conversation.look_again()
    while calm < _ROUNDS and is_started(session):
        if await _idle(session):
            calm += 1
            await asyncio.sleep(0)
        else:
            calm = 0
            await _next_change(session)


async def _idle(session: AgentSession[Any]) -> bool:
    try:
        await session.wait_for_idle()
    except ActivityClosedError:
        return False  # between two agents, or closing
    return not (_running(session) or _returning(session))


def _running(session: AgentSession[Any]) -> "list[asyncio.Task[Any]]":
    task = handoff_task(session)
    tasks = [*speech_tasks(session), *([] if task is None else [task])]
    return [task for task in tasks if not task.done() and not _waits_for_caller(task)]


def _waits_for_caller(task: "asyncio.Task[Any]") -> bool:
    conversation = current_tasks()
    return conversation is not None and conversation.waits_for_caller(task)


def _returning(session: AgentSession[Any]) -> bool:
    """Whether an AgentTask is over and the agent that awaits it has not resumed yet."""
    agent = agent_with_the_call(session)
    if agent is None:
        return False
    over = isinstance(agent, AgentTask) and agent.done() and awaited_by(agent) is not None
    return next_agent_waits(session) or over


async def _next_change(session: AgentSession[Any]) -> None:
    waiting = _running(session)
    if waiting:
        # A short limit, since an agent may hand over while one of these waits for it.
        await asyncio.wait(waiting, timeout=0.02, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(_PAUSE_S)
