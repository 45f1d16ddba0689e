"""Every private name of livekit's that the harness reads, each with the reason why.

livekit has no public name for these. `tests/livekit/test_internals.py` pins each one, so a
livekit that moves them fails there first. (`_event_ch` of `llm.LLMStream` is not here: a
subclass that implements `_run` has to write to it, as livekit's own plugins do.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    AgentTask,
    JobContext,
    RunResult,
    SpeechCreatedEvent,
    llm,
)
from livekit.agents.simulation import SimulationContext, SimulationVerdict
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.agent_activity import _SpeechHandleContextVar
from livekit.agents.voice.background_audio import PlayHandle

_TASKS: Mapping[str, str] = {
    "_execute_tool": "tool",
    "_llm_inference_task": "llm_node",
    "AgentTask_on_enter": "on_enter",
    "AgentTask_on_exit": "on_exit",
}
"""livekit's tasks that run a piece of the agent's code, by the name of the coroutine or task.

livekit catches what the code raises and logs it; there is no event for it.
"""
LOGGED: Mapping[str, str] = {
    "exception occurred while executing tool": "tool",
    "Error in _llm_inference_task": "llm_node",
    "error occurred during on_user_turn_completed": "on_user_turn_completed",
    "Error in _traceable_on_enter": "on_enter",
    "Error in _traceable_on_exit": "on_exit",
    "expected to receive only one AgentTask from the tool executions": "dropped_handoff",
    "received a tool call with tool_choice set to 'none', ignoring": "ignored_call",
    "speech not done in time after interruption, cancelling the speech arbitrarily.": (
        "interruption_timeout"
    ),
}
"""livekit's words in its log, and what they are about."""
TOOL_OUTPUTS: Mapping[str, str] = {
    "An internal error occurred": "tool",
    "the tool returned more than one agent": "several_agents",
    "the tool returned an invalid output": "invalid_output",
}
"""What livekit tells the model when a tool fails other than by a `ToolError`."""
ARGUMENTS = "Error parsing arguments for "
"""How the `ToolError` begins that livekit raises when arguments do not fit a tool."""


def agents_code_in(task: "asyncio.Task[Any]") -> str | None:
    """Which piece of the agent's code one of livekit's tasks runs, as `on_enter`; None if none."""
    coroutine = getattr(task.get_coro(), "__name__", "")
    return _TASKS.get(coroutine) or _TASKS.get(task.get_name())


def is_started(session: AgentSession[Any]) -> bool:
    """Whether the session runs: there is no public property, and no event for a failed start."""
    return session._started  # noqa: SLF001


def simulation_end_of(found: AgentServer | JobContext) -> Callable[[SimulationContext], Any] | None:
    """The callback that an `rtc_session(on_simulation_end=…)` names; a job gets its server's."""
    return found._simulation_end_fnc  # noqa: SLF001


def set_simulation_end(
    job: JobContext, callback: Callable[[SimulationContext], Any] | None
) -> None:
    """Give a job its server's callback, as livekit's job runner does."""
    job._simulation_end_fnc = callback  # noqa: SLF001


def begin_simulation_end(context: SimulationContext) -> None:
    """Give a simulation its verdict, as LiveKit's simulator does before `on_simulation_end`."""
    context._begin_finalize(  # noqa: SLF001
        simulator_verdict=SimulationVerdict(success=True, reason=""), run=None
    )


def is_closing(session: AgentSession[Any]) -> bool:
    """Whether it is about to close: the `close` event comes when it is over."""
    return session._is_closing()  # noqa: SLF001


def agent_with_the_call(session: AgentSession[Any]) -> Agent | None:
    """The agent whose handoff was announced: `current_agent` may be one further on."""
    activity = session._activity  # noqa: SLF001
    return None if activity is None else activity.agent


def next_agent_waits(session: AgentSession[Any]) -> bool:
    """Whether another agent is about to take over: no event says so."""
    return session._next_activity is not None  # noqa: SLF001


def handoff_task(session: AgentSession[Any]) -> "asyncio.Task[None] | None":
    """The task that carries out a handoff: `wait_for_idle()` does not wait for it."""
    return session._update_activity_atask  # noqa: SLF001


def speech_tasks(session: AgentSession[Any]) -> "list[asyncio.Task[Any]]":
    """The tasks of what is being said or run: `wait_for_idle()` does not wait for all of them.

    Without those of a reply that was begun before the caller's turn was over: where
    `on_user_turn_completed` stops the reply, they stay until the next turn.
    """
    activity = session._activity  # noqa: SLF001
    if activity is None:
        return []
    early = activity._preemptive_generation  # noqa: SLF001
    unused = [] if early is None else early.speech_handle._tasks  # noqa: SLF001
    return [task for task in activity._speech_tasks if task not in unused]  # noqa: SLF001


def replace_model(session: AgentSession[Any], model: llm.LLM[Any]) -> None:
    """Give the session another model: `update_options` of a session takes none."""
    session._llm = model  # noqa: SLF001


def replace_voice(session: AgentSession[Any], *, stt: Any, vad: Any, tts: Any) -> None:
    """Give the session doubles to hear and speak by, and nothing that asks a server.

    As in LiveKit's own simulations, the caller can be heard from the first word on.
    """
    session._stt, session._vad, session._tts = stt, vad, tts  # noqa: SLF001
    session._using_default_vad = False  # noqa: SLF001
    session._interruption_detection = "vad"  # noqa: SLF001
    session._aec_warmup_remaining = 0.0  # noqa: SLF001


def replace_detectors(session: AgentSession[Any], turn_detector: Any) -> None:
    """Give the agent that takes the call a double where it brought a detector of its own.

    livekit resolves both when it makes the activity, before anybody is told of the handoff.
    """
    activity = session._activity  # noqa: SLF001
    if activity is None:
        return
    if activity._interruption_detector is not None:  # noqa: SLF001
        activity._interruption_detector = None  # noqa: SLF001
        activity._interruption_detection_enabled = False  # noqa: SLF001
    detection = activity._turn_detection  # noqa: SLF001
    if detection is not None and not isinstance(detection, str):
        activity.update_options(turn_detection=turn_detector)


def commits_by_hand(session: AgentSession[Any]) -> bool:
    """Whether a turn is over when the app says so: the agent's word stands before the session's."""
    activity = session._activity  # noqa: SLF001
    return activity is not None and activity._turn_detection == "manual"  # noqa: SLF001


def speech_under_way() -> SpeechHandle | None:
    """The speech whose reply the running task makes; None where it makes none."""
    return _SpeechHandleContextVar.get(None)


def begin_run(session: AgentSession[Any], user_input: str | None) -> "RunOfTurn":
    """Have livekit collect what comes of a turn as `AgentSession.run` would."""
    run = RunResult[Any](user_input=user_input, output_type=None, session=session)
    session._global_run_state = run  # noqa: SLF001
    return RunOfTurn(run)


class RunOfTurn:
    """A RunResult that collects until `end`: livekit's own ends with the first reply."""

    def __init__(self, run: RunResult[Any]) -> None:
        self.run = run
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run._watch_handle(self._open)  # noqa: SLF001
        # Where nobody awaits it, asyncio would report how it failed.
        run._done_fut.add_done_callback(lambda done: done.cancelled() or done.exception())  # noqa: SLF001

    def take(self, event: SpeechCreatedEvent) -> None:
        """Collect what comes of a speech."""
        self.run._watch_handle(event.speech_handle)  # noqa: SLF001

    def end(self) -> None:
        """Collect no more."""
        if not self._open.done():
            self._open.set_result(None)


def retrieve_failed_run(session: AgentSession[Any]) -> None:
    """Have asyncio not report a run that was cut off: closing fails it, and nobody awaits it."""
    run = run_of(session)
    if run is not None and not run.done():
        run._done_fut.add_done_callback(asyncio.Future.exception)  # noqa: SLF001


def awaited_by(task: AgentTask[Any]) -> Agent | None:
    """The agent whose code awaits a task; None of a task that nobody awaits."""
    return task._old_agent  # noqa: SLF001


def name_steps(group: Agent, steps: MutableMapping[Agent, str]) -> None:
    """Keep the id of the step of each task that a TaskGroup makes from now on.

    The group itself says which step a task was only when the task is over. Of any other
    agent there is nothing to name.
    """
    for step, factory in getattr(group, "_registered_factories", {}).items():
        factory.task_factory = _kept(factory.task_factory, step, steps)


def _kept(
    make: Callable[[], Agent], step: str, steps: MutableMapping[Agent, str]
) -> Callable[[], Agent]:
    def task() -> Agent:
        made = make()
        steps[made] = step
        return made

    return task


def is_result_of_task(run: RunResult[Any], error: BaseException) -> bool:
    """Whether a run raised what an AgentTask was completed with: nothing broke there."""
    last: Any = run._RunResult__last_speech_handle  # type: ignore[attr-defined]  # noqa: SLF001
    return last is not None and last._maybe_run_final_output is error  # noqa: SLF001


def run_of(session: AgentSession[Any]) -> RunResult[Any] | None:
    """The last run, also where `start` raised what it came to and returned none."""
    return session._global_run_state  # noqa: SLF001


def tasks_of_run(session: AgentSession[Any]) -> "list[asyncio.Task[Any]]":
    """The tasks that the run under way waits for, as those of an `on_enter`."""
    run = run_of(session)
    handles = () if run is None or run.done() else run._handles  # noqa: SLF001
    return [each for each in handles if isinstance(each, asyncio.Task)]


def leave_out_of_run(session: AgentSession[Any], task: "asyncio.Task[Any]") -> None:
    """Have the run under way not wait for a task, as livekit does where an AgentTask is awaited."""
    run = run_of(session)
    if run is not None and run._unwatch_handle(task):  # noqa: SLF001
        run._mark_done_if_needed(None)  # noqa: SLF001


def entrypoint_of(server: AgentServer) -> Callable[[JobContext], Awaitable[None]] | None:
    """The function that takes a server's calls."""
    return server._entrypoint_fnc  # noqa: SLF001


def session_end_of(server: AgentServer) -> Callable[[JobContext], Awaitable[None]] | None:
    """The function that a server calls when a session is over."""
    return server._session_end_fnc  # noqa: SLF001


def agent_name_of(server: AgentServer) -> str:
    """The name that a server's agents are dispatched by."""
    return server._agent_name  # noqa: SLF001


def shutdown_callbacks(job: JobContext) -> list[Callable[[str], Awaitable[None]]]:
    """What is to be called when a job is over."""
    return list(job._shutdown_callbacks)  # noqa: SLF001


def not_playing() -> PlayHandle:
    """The handle of a sound that is over."""
    handle = PlayHandle()
    handle._mark_playout_done()  # noqa: SLF001
    return handle


def remove_folder(job: JobContext) -> None:
    """Remove a job's folder as the worker would: the fake job leaves it to the collector."""
    job._tempdir.cleanup()  # noqa: SLF001


def tool_owner(tool: Any) -> Any:
    """The class of the agent or toolset that a function tool is bound to."""
    return type(tool._instance)  # noqa: SLF001


def model_options(model: Any) -> Any:
    """A model's options, for what a report says of it: plugins keep them in no public place."""
    return getattr(model, "_opts", None)
