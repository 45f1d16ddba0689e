import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from livekit.agents import Agent, AgentSession, function_tool, llm, mock_tools

from handoff_evals.drivers import Call, Limits
from handoff_evals.livekit import AgentEntry, Reply, ScriptedLLM
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.scenarios import Watch
from handoff_evals.transcript import AgentError, AgentRef, FunctionCallOutput
from tests.support.phone import (
    ROOMY,
    Plain,
    open_call,
    run_call,
    short_events,
    skipping_waits,
    speak,
)


class Weather(Plain):
    @function_tool
    async def look_up(self, city: str) -> str:
        """Look up the weather."""
        raise LookupError(f"no network to ask about {city}")


class Desk(Plain):
    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic

    @function_tool
    async def transfer(self, topic: str) -> Agent:
        """Transfer to the desk for a topic."""
        self.session.userdata["topics"].append(topic)
        return Desk(topic)


async def test_tools_can_be_mocked_for_a_single_turn() -> None:
    async with open_call(
        Weather,
        [tool_call("look_up", city="Oslo"), "Sunny.", tool_call("look_up", city="Oslo"), "Oh."],
    ) as call:
        await call.start()
        with mock_tools(Weather, {"look_up": lambda: "sunny"}):
            mocked = await call.say("And in Oslo?")
        real = await call.say("And in Oslo?")

    assert short_events(mocked)[2] == "look_up = sunny"
    assert [f.cause for f in call.faults] == ["tool_error"]
    assert any(isinstance(event, AgentError) for event in real.events)


async def test_tools_can_be_mocked_for_a_whole_call() -> None:
    with mock_tools(Weather, {"look_up": lambda city: f"sunny in {city}"}):
        call = await run_call(
            Weather, [tool_call("look_up", city="Oslo"), "Sunny."], "And in Oslo?"
        )

    assert short_events(call.turns[1])[2] == "look_up = sunny in Oslo"
    assert call.faults == []


async def test_calls_at_once_in_one_loop_keep_events_errors_and_tasks_apart() -> None:
    class Hangs(Plain):
        @function_tool
        async def look_up(self) -> str:
            """Look something up."""
            await asyncio.Event().wait()
            return ""

    async def hold(found: Any, script: list[Reply], *says: str) -> Call:
        call = Call(AgentEntry.of(found), ScriptedLLM(script), limits=ROOMY)
        await call.start()
        await speak(call, *says)
        await call.close()
        return call

    before = asyncio.all_tasks()
    with skipping_waits():
        *good, hanging, failing = await asyncio.gather(
            *(hold(Plain, [f"One {n}.", f"Two {n}."], f"{n}?", f"{n}!") for n in range(4)),
            hold(Hangs, [tool_call("look_up")], "Hello?"),
            hold(Weather, [tool_call("look_up", city="Rome"), "Oh."], "And in Rome?"),
        )

    for number, call in enumerate(good):
        assert [short_events(turn) for turn in call.turns[1:]] == [
            [f"caller: {number}?", f"plain: One {number}."],
            [f"caller: {number}!", f"plain: Two {number}."],
        ]
        assert call.faults == []
        assert len(call.transcript.model_calls) == 2
    assert [f.cause for f in hanging.faults] == ["turn_timeout"]
    assert [f.cause for f in failing.faults] == ["tool_error"]
    errors = [e for e in failing.transcript.events if isinstance(e, AgentError)]
    assert [error.message for error in errors] == ["LookupError: no network to ask about Rome"]
    assert not asyncio.all_tasks() - before


async def test_what_the_scenarios_ask_about_is_noted_and_nothing_else() -> None:
    def factory(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Any]]:
        data = {"topics": ["none"], "secret": "x", "odd": object()}
        return Desk("none"), AgentSession(llm=model, userdata=data)

    watch = Watch(
        attributes=frozenset({"topic", "absent"}), userdata=frozenset({"topics", "odd", "no"})
    )
    script: list[Reply] = [tool_call("transfer", topic="claims"), "Hello."]
    async with open_call(factory, script, watch=watch) as call:
        await call.start()
        moved = await call.say("A claim.")

    assert call.turns[0].active == AgentRef(id="desk", attributes={"topic": "none"})
    assert moved.active == AgentRef(id="desk", attributes={"topic": "claims"})
    assert moved.handoffs[0].old == call.turns[0].active
    assert moved.handoffs[0].new == moved.active
    assert call.turns[0].userdata["topics"] == ["none"]
    assert moved.userdata["topics"] == ["none", "claims"]
    assert sorted(moved.userdata) == ["no", "odd", "topics"]
    assert moved.userdata["no"] is None
    assert moved.userdata["odd"].startswith("<object object")


async def test_userdata_may_be_an_object_or_nothing() -> None:
    class Data:
        name = "Maria"

    def factory(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Any]]:
        return Plain(), AgentSession(llm=model, userdata=Data())

    watch = Watch(userdata=frozenset({"name"}))
    async with open_call(factory, [], watch=watch) as call:
        assert (await call.start()).userdata == {"name": "Maria"}
    async with open_call(Plain, [], watch=watch) as call:
        assert (await call.start()).userdata == {}


async def test_livekits_own_results_and_objects_stay_in_reach() -> None:
    async with open_call(Plain, ["Hello."]) as call:
        await call.start()
        await call.say("Hello?")
        assert isinstance(call.session, AgentSession)
        assert isinstance(call.session.current_agent, Plain)

    opening, answered = call.results
    assert opening is not None
    assert opening.events[0].type == "agent_handoff"
    assert answered is not None
    answered.expect.next_event().is_message(role="assistant")


async def test_a_turn_that_was_cut_off_at_its_deadline_has_no_result() -> None:
    class Hangs(Plain):
        async def on_enter(self) -> None:
            await asyncio.sleep(3600)

    async with open_call(Hangs, limits=Limits(turn_s=0.05, close_s=0.05)) as call:
        await call.start()

    assert call.results == [None]
    (fault,) = call.faults
    assert fault.detail.startswith("hangs was not done within 0.05 s; it waits in on_enter (test_")


async def test_an_output_that_is_an_error_says_so() -> None:
    call = await run_call(Weather, [tool_call("look_up", city="Oslo"), "Oh."], "And in Oslo?")

    (output,) = (e for e in call.turns[1].events if isinstance(e, FunctionCallOutput))
    assert output.is_error


async def test_a_message_has_the_metrics_of_its_reply_in_seconds() -> None:
    call = await run_call(Plain, ["Hello."], "Hello?")

    reply = call.turns[1].events[-1]
    assert reply.type == "message"
    assert 0 <= reply.metrics["llm_node_ttft"] < ROOMY.turn_s
    assert 0 < call.turns[1].duration_s < ROOMY.turn_s


@pytest.mark.parametrize("error", [ValueError("no database"), TimeoutError("no database")])
async def test_a_factory_that_raises_is_a_fault_of_the_agents_and_of_no_deadline(
    error: Exception,
) -> None:
    def factory(_: llm.LLM[Any]) -> Agent:
        raise error

    call = Call(AgentEntry.of(factory), ScriptedLLM([]), limits=ROOMY)
    turn = await call.start()
    assert call.over
    await call.close()

    assert [(f.owner, f.cause, f.detail, f.turn) for f in call.faults] == [
        ("agent", "factory_error", f"{type(error).__name__}: no database", 0)
    ]
    assert turn.active.id == "nobody"


async def test_an_exception_while_the_users_context_closes_is_a_fault_of_the_close() -> None:
    @asynccontextmanager
    async def factory(_: llm.LLM[Any]) -> AsyncIterator[Agent]:
        yield Plain()
        raise ValueError("still in use")

    call = await run_call(factory, ["Yes."], "Hello?")

    assert [(f.owner, f.cause, f.detail) for f in call.faults] == [
        ("agent", "close_error", "ValueError: still in use")
    ]


async def test_a_call_that_has_not_started_has_no_session_and_can_be_closed() -> None:
    call = Call(AgentEntry.of(Plain), ScriptedLLM([]))
    with pytest.raises(RuntimeError, match=r"await start\(\) first"):
        _ = call.session
    assert not call.over

    await call.close()

    assert call.transcript.turns == ()
    assert call.faults == []


async def test_a_call_can_be_closed_twice() -> None:
    async with open_call(Plain, ["Yes."]) as call:
        await call.start()
        await call.close()

    assert call.over
    assert call.faults == []


async def test_a_turn_that_is_cancelled_from_outside_leaves_nothing() -> None:
    class Hangs(Plain):
        @function_tool
        async def look_up(self) -> str:
            """Look something up."""
            started.set()
            await asyncio.Event().wait()
            return ""

    started = asyncio.Event()
    with skipping_waits():
        conversation = asyncio.create_task(run_call(Hangs, [tool_call("look_up")], "Hello?"))
        await started.wait()
        conversation.cancel()
        with pytest.raises(asyncio.CancelledError):
            await conversation

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_agents_that_are_kept_and_entered_again_are_noted_each_time() -> None:
    class Keeps(Plain):
        @function_tool
        async def transfer(self) -> Agent:
            """Transfer to the other one."""
            others: dict[Agent, Agent] = self.session.userdata
            return others[self]

    def factory(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Any]]:
        one, other = Keeps(), Keeps()
        return one, AgentSession(llm=model, userdata={one: other, other: one})

    script: list[Reply] = [tool_call("transfer"), tool_call("transfer"), "Back again."]
    call = await run_call(factory, script, "Next!", "Back!", "Hello?")

    assert [len(turn.handoffs) for turn in call.turns] == [1, 1, 1, 0]
    assert call.turns[3].said == "Back again."
    assert [len(turn.model_calls) for turn in call.turns] == [0, 1, 1, 1]
    assert call.faults == []
    first, second, again = (agent for agent, _ in call.entered)
    assert first is again
    assert first is not second


async def test_arguments_of_a_wrong_kind_are_the_models_fault() -> None:
    class Clerk(Plain):
        @function_tool
        async def book(self, kind: Literal["massage", "sauna"]) -> str:
            """Book."""
            return kind

    call = await run_call(Clerk, [tool_call("book", kind="yoga"), "Sorry."], "Yoga, please.")

    (fault,) = call.faults
    assert (fault.owner, fault.cause) == ("model", "invalid_arguments")
    assert fault.detail.startswith("Error parsing arguments for `book`: 1 validation error")
    assert fault.detail.endswith("input_value='yoga', input_type=str]")


async def test_a_property_that_raises_is_shown_and_spoils_nothing() -> None:
    class Caller:
        @property
        def name(self) -> str:
            raise LookupError("no name")

    def opened(model: Any) -> Any:
        return Plain(), AgentSession(llm=model, userdata=Caller())

    watch = Watch(userdata=frozenset({"name", "nmae"}))
    async with open_call(opened, ["Yes."], watch=watch) as call:
        await call.start()
        turn = await call.say("Hello?")

    assert turn.userdata == {"name": "LookupError: no name"}
