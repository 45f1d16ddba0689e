"""What the agents' own code does wrong is a fault of theirs, whatever becomes of the log."""

import asyncio
from typing import Any

import pytest
from livekit.agents import Agent

from handoff_evals.drivers import Call
from handoff_evals.livekit import AgentEntry
from handoff_evals.transcript import AgentError, Fault
from tests.support import crashing
from tests.support.crashing import RAISING, Desk, calls_the_tool
from tests.support.phone import ROOMY, scripted, skipping_waits
from tests.support.silence import SILENCERS, silenced


async def run(found: Any, model: Any = None) -> Call:
    call = Call(AgentEntry.of(found), model or calls_the_tool(), limits=ROOMY)
    with skipping_waits():
        await call.run(scripted("Hello?", "Still there?"))
    return call


def by_agent(call: Call) -> list[Fault]:
    return [fault for fault in call.faults if fault.owner == "agent"]


@pytest.mark.parametrize("agent", RAISING)
@pytest.mark.parametrize("way", ["", *SILENCERS])
async def test_what_an_agent_raises_is_its_fault_however_the_log_is_silenced(
    way: str, agent: type[Agent]
) -> None:
    if way:
        with silenced(way):
            call = await run(agent)
    else:
        call = await run(agent)

    assert {fault.cause for fault in by_agent(call)} == {RAISING[agent]}
    errors = [event for event in call.transcript.events if isinstance(event, AgentError)]
    if agent is not crashing.ReturnsTwoAgents:
        assert errors
        assert all("no database" in error.traceback for error in errors)
        assert len({error.traceback for error in errors}) == len({e.traceback for e in errors})


@pytest.mark.parametrize("way", SILENCERS)
async def test_agents_that_work_have_no_faults_when_the_log_is_silenced(way: str) -> None:
    with silenced(way):
        call = await run(Desk)

    assert call.faults == []


@pytest.mark.parametrize("way", ["disable", "filter", "logger class"])
async def test_a_turn_that_was_interrupted_is_unscored_where_the_log_cannot_be_read(
    way: str,
) -> None:
    call = Call(AgentEntry.of(Desk), calls_the_tool(), limits=ROOMY)
    with silenced(way):
        await call.start()
        turn = asyncio.create_task(call.say("Hello?"))
        await asyncio.sleep(0)
        call.interrupt()
        await turn
        await call.close()

    fault = call.transcript.unscored_because
    assert fault is not None
    assert fault.cause == "silent_log"
    assert "remove `logging.disable(...)`" in fault.detail


@pytest.mark.parametrize(
    ("found", "cause", "said"),
    [
        (crashing.ExitsInTool, "tool_error", "SystemExit: 0"),
        (crashing.ExitsInEnter, "on_enter_error", "SystemExit: 0"),
        (crashing.InterruptsInTool, "tool_error", "KeyboardInterrupt: "),
        (crashing.OddInTool, "tool_error", "OddError: "),
        (crashing.exits_in_factory, "factory_error", "SystemExit: 0"),
    ],
)
async def test_an_exit_that_the_agents_code_asks_for_ends_the_call_as_its_fault(
    found: Any, cause: str, said: str
) -> None:
    call = await run(found)

    (fault,) = call.faults
    assert (fault.owner, fault.cause, fault.detail, fault.ended) == ("agent", cause, said, True)
    (error,) = (event for event in call.transcript.events if isinstance(event, AgentError))
    assert str(crashing.__file__) in error.traceback


async def test_a_model_that_exits_leaves_the_trial_unscored_with_its_traceback() -> None:
    call = await run(Desk, crashing.exits_when_asked())

    fault = call.transcript.unscored_because
    assert fault is not None
    assert (fault.cause, fault.detail) == ("model_raised", "desk: SystemExit: 0")
    (error,) = (event for event in call.transcript.events if isinstance(event, AgentError))
    assert error.where == "model"
    assert str(crashing.__file__) in error.traceback


async def test_a_node_that_hangs_is_the_agents_fault_with_the_line_where_it_waits() -> None:
    call = await run(crashing.HangsInSecondRequest)

    (fault,) = call.faults
    assert (fault.owner, fault.cause, fault.turn, fault.ended) == ("agent", "turn_timeout", 1, True)
    assert "; it waits in llm_node (crashing.py, line " in fault.detail


async def test_an_agent_that_asks_its_model_without_end_is_at_fault_and_not_the_model() -> None:
    answers = calls_the_tool()
    entry = AgentEntry.of(crashing.KeepsAsking)
    call = Call(entry, answers, limits=type(ROOMY)(turn_s=1.0, close_s=0.5, requests=5))
    await call.run(scripted("Hello?"))

    (fault,) = call.faults
    assert (fault.owner, fault.cause, fault.turn) == ("agent", "request_loop", 0)


async def test_an_agent_that_hangs_up_is_at_fault_where_the_caller_had_more_to_say() -> None:
    call = await run(crashing.HangsUp)

    (fault,) = call.faults
    assert (fault.owner, fault.cause, fault.turn) == ("agent", "ended_call", 1)
    assert fault.detail == "the agent ended the call in turn 1, and the caller had more to say"


async def test_an_agent_may_hang_up_when_the_caller_has_said_all() -> None:
    call = Call(AgentEntry.of(crashing.HangsUp), calls_the_tool(), limits=ROOMY)
    await call.run(scripted("Bye."))

    assert call.faults == []


async def test_a_background_task_that_somebody_awaits_is_nobodys_fault() -> None:
    class Awaits(Desk):
        async def on_enter(self) -> None:
            self.later = asyncio.create_task(crashing._raise())

        async def on_exit(self) -> None:
            with pytest.raises(LookupError):
                await self.later

        async def go(self) -> str:  # type: ignore[override]
            with pytest.raises(LookupError):
                await self.later
            return "caught"

    class Catches(Awaits):
        async def on_enter(self) -> None:
            await super().on_enter()
            await self.go()

    call = await run(Catches)

    assert call.faults == []
