"""When nothing more will happen until the caller speaks again.

`run()` returns early where AgentTasks are nested: the handoff back and the reply
come moments later. livekit has no event for "all is quiet", so this looks at the
few fields that tell; `tests/livekit/test_quiet.py` pins them.
"""

import asyncio
from typing import Any

from livekit.agents import AgentSession, AgentTask
from livekit.agents.voice.agent_activity import ActivityClosedError

# A task that is woken by another one's end shows itself within a few rounds of
# the event loop; nothing that is in memory takes longer.
_ROUNDS = 8
_PAUSE_S = 0.001


async def quiet(session: AgentSession[Any]) -> None:
    """Wait until the session is quiescent or closed. It sets no deadline: the caller does."""
    calm = 0
    while calm < _ROUNDS and session._started:  # noqa: SLF001 - see the module's docstring
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
    return not (_transitions(session) or _speeches(session) or _returning(session))


def _transitions(session: AgentSession[Any]) -> "list[asyncio.Task[None]]":
    task = session._update_activity_atask  # noqa: SLF001 - see the module's docstring
    return [task] if task is not None and not task.done() else []


def _speeches(session: AgentSession[Any]) -> "list[asyncio.Task[object]]":
    activity = session._activity  # noqa: SLF001 - see the module's docstring
    if activity is None:
        return []
    return [task for task in activity._speech_tasks if not task.done()]  # noqa: SLF001


def _returning(session: AgentSession[Any]) -> bool:
    """Whether an AgentTask is over and the agent that awaits it has not resumed yet."""
    activity = session._activity  # noqa: SLF001 - see the module's docstring
    if activity is None:
        return False
    agent = activity.agent
    return session._next_activity is not None or (  # noqa: SLF001
        isinstance(agent, AgentTask) and agent.done()
    )


async def _next_change(session: AgentSession[Any]) -> None:
    waiting = {*_transitions(session), *_speeches(session)}
    if waiting:
        # A short limit, since an agent may hand over while one of these waits for it.
        await asyncio.wait(waiting, timeout=0.02, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(_PAUSE_S)
