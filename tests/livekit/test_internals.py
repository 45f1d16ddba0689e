"""Pins every private name of livekit's that the harness reads: a new livekit fails here first."""

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    AgentTask,
    JobContext,
    RunResult,
    ToolError,
    function_tool,
)
from livekit.agents.llm import utils
from livekit.agents.voice import agent_activity, generation, speech_handle, tool_executor

from handoff_evals.livekit import ScriptedLLM, internals, text_job
from handoff_evals.livekit.scripted import tool_call
from tests.support.phone import Plain, open_call
from tests.support.task_agents import AsksAtOnce, AskSize, BooksInSteps


def session() -> AgentSession[Any]:
    return AgentSession(llm=ScriptedLLM([]), vad=None)


async def test_a_session_that_was_not_started_has_no_agent_and_no_task() -> None:
    fresh = session()
    assert internals.is_started(fresh) is False
    assert internals.is_closing(fresh) is False
    assert internals.handoff_task(fresh) is None
    assert internals.agent_with_the_call(fresh) is None
    assert internals.next_agent_waits(fresh) is False
    assert internals.speech_tasks(fresh) == []
    internals.retrieve_failed_run(fresh)


async def test_a_session_that_runs_shows_the_agent_that_has_the_call() -> None:
    async with open_call(Plain, ["Yes."]) as call:
        await call.start()
        assert internals.is_started(call.session) is True
        assert internals.agent_with_the_call(call.session) is call.session.current_agent
        assert internals.speech_tasks(call.session) == []


async def test_a_sessions_model_can_be_replaced() -> None:
    one, other = session(), ScriptedLLM([])
    internals.replace_model(one, other)
    assert one.llm is other


async def test_the_tasks_that_run_the_agents_code_are_known_by_their_names() -> None:
    class Other(Plain):
        async def on_enter(self) -> None:
            seen.append(("on_enter", _current()))

        async def on_exit(self) -> None:
            seen.append(("on_exit", _current()))

        @function_tool
        async def go(self) -> Agent:
            """Go."""
            seen.append(("tool", _current()))
            return Plain()

        async def llm_node(self, *given: Any) -> Any:
            seen.append(("llm_node", _current()))
            async for chunk in Agent.default.llm_node(self, *given):
                yield chunk

    seen: list[tuple[str, str | None]] = []
    async with open_call(Other, [tool_call("go"), "Yes."]) as call:
        await call.start()
        await call.say("Hello?")

    assert {where for where, _ in seen} == {"on_enter", "on_exit", "tool", "llm_node"}
    assert [where for where, _ in seen] == [found for _, found in seen]


def _current() -> str | None:
    task = asyncio.current_task()
    return None if task is None else internals.agents_code_in(task)


def test_livekit_still_logs_and_tells_models_what_is_read() -> None:
    modules = (generation, agent_activity, speech_handle, tool_executor, utils)
    source = "".join(inspect.getsource(module) for module in modules)
    for words in (*internals.LOGGED, *internals.TOOL_OUTPUTS):
        assert words.removeprefix("Error in ") in source
    assert f'"{internals.ARGUMENTS}' in source


def test_a_tool_tells_whose_it_is_and_a_model_its_options() -> None:
    class Owner(Plain):
        @function_tool
        async def go(self) -> None:
            """Go."""

    assert internals.tool_owner(Owner().go) is Owner
    assert internals.model_options(SimpleNamespace(_opts=1)) == 1
    assert internals.model_options(object()) is None
    assert "_tempdir" in inspect.getsource(JobContext)


async def test_a_task_says_who_awaits_it_and_a_group_which_step_a_task_is() -> None:
    async with open_call(BooksInSteps, [tool_call("book"), "Your name?"]) as call:
        await call.start()
        await call.say("A table.")
        group, step = (agent for agent, _ in call.entered[1:])
        steps: dict[Agent, str] = {}
        internals.name_steps(group, steps)
        again = group._registered_factories["size"].task_factory()  # type: ignore[attr-defined]

    assert isinstance(group, AgentTask)
    assert isinstance(step, AgentTask)
    assert internals.awaited_by(step) is group
    assert internals.awaited_by(AskSize()) is None
    assert steps == {again: "size"}
    internals.name_steps(step, steps)  # not a group: nothing to name


async def test_a_run_waits_for_an_on_enter_until_it_is_left_out() -> None:
    class Waits(Plain):
        async def on_enter(self) -> None:
            await asyncio.Event().wait()

    one = session()
    assert internals.run_of(one) is None
    assert internals.tasks_of_run(one) == []
    start = asyncio.create_task(one.start(Waits(), capture_run=True))
    for _ in range(100):
        await asyncio.sleep(0)
    [waits] = internals.tasks_of_run(one)
    assert internals.agents_code_in(waits) == "on_enter"
    internals.leave_out_of_run(one, waits)
    assert await start is internals.run_of(one)
    waits.cancel()
    await one.aclose()


async def test_a_run_that_raises_what_a_task_was_completed_with_says_so() -> None:
    async with open_call(AsksAtOnce, [tool_call("give_up")]) as call:
        await call.start()
        run: RunResult[Any] = call.session.run(user_input="Never.")
        with pytest.raises(ToolError) as given_up:
            await run
        assert internals.is_result_of_task(run, given_up.value)
        assert not internals.is_result_of_task(run, ValueError("another"))


async def test_a_session_hears_and_speaks_by_what_it_is_given() -> None:
    one, stt, vad, tts = session(), object(), object(), object()
    internals.replace_voice(one, stt=stt, vad=vad, tts=tts)
    assert (one.stt, one.vad, one.tts) == (stt, vad, tts)
    assert one.interruption_detection == "vad"
    assert internals.commits_by_hand(one) is False
    internals.replace_detectors(one, object())


async def test_a_run_of_a_turn_collects_until_it_is_ended() -> None:
    turn = internals.begin_run(session(), "Hello?")
    assert turn.run.done() is False
    turn.end()
    await asyncio.sleep(0)
    assert turn.run.done() is True


async def test_no_speech_is_under_way_outside_of_a_reply() -> None:
    assert internals.speech_under_way() is None


async def test_a_servers_functions_and_name_are_read() -> None:
    async def takes_calls(ctx: JobContext) -> None:
        """Take a call."""

    async def ended(ctx: JobContext) -> None:
        """The session is over."""

    server = AgentServer()
    assert internals.entrypoint_of(server) is None
    server.rtc_session(takes_calls, agent_name="desk", on_session_end=ended)

    assert internals.entrypoint_of(server) is takes_calls
    assert internals.session_end_of(server) is ended
    assert internals.agent_name_of(server) == "desk"


async def test_a_jobs_shutdown_callbacks_are_read_and_take_the_reason() -> None:
    heard: list[str] = []

    async def bye(reason: str) -> None:
        heard.append(reason)

    with text_job() as job:
        job.add_shutdown_callback(bye)
        for callback in internals.shutdown_callbacks(job):
            await callback("over")

    assert heard == ["over"]


async def test_a_sound_that_is_not_played_is_over() -> None:
    handle = internals.not_playing()

    assert handle.done()
    await handle


async def test_a_job_tells_of_the_first_session_that_starts_before_its_agent_does() -> None:
    """Livekit sets `JobContext._primary_agent_session` first, and then starts the agent."""
    seen: list[object] = []
    with text_job() as job:
        job.on_session = lambda started: seen.append(started.history.items == [])
        async with session() as one:
            await one.start(Plain())

    assert seen == [True]
