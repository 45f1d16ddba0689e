import sys
from types import ModuleType
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, RunContext, function_tool, get_job_context, llm
from livekit.agents.simulation import SimulationContext

from handoff_evals.drivers import Call
from handoff_evals.livekit import AgentEntry, ScriptedLLM
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.scenarios import ConversationExpectation, Scenario, ScriptedTurn
from handoff_evals.transcript import Transcript


class Clerk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Take the order.")

    @function_tool
    async def end_call(self, context: RunContext[dict[str, Any]]) -> str:
        """Hang up."""
        context.session.shutdown()
        return "bye"

    @function_tool
    async def order(self, context: RunContext[dict[str, Any]]) -> str:
        """Order what the scenario says."""
        simulation = get_job_context().simulation_context()
        assert simulation is not None
        context.userdata["ordered"] = simulation.userdata()["wants"]
        return "ordered"


def shop(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[dict[str, Any]]]:
    return Clerk(), AgentSession(llm=model, userdata={})


async def held(*replies: Any, turns: int = 2, on_simulation_end: str = "") -> Transcript:
    scenario = Scenario(
        label="An order",
        turns=(ScriptedTurn(user="Tea, please."),) * turns,
        userdata={"wants": "tea"},
        conversation=ConversationExpectation(on_simulation_end=on_simulation_end),
    )
    call = Call(AgentEntry.of(shop), ScriptedLLM(list(replies)), scenario=scenario)
    await call.run(scenario.turns)
    return call.transcript


async def test_the_caller_ends_a_call_in_which_everything_is_said() -> None:
    assert (await held("Yes.", "Bye.")).ended_by == "caller"


async def test_an_agent_that_hangs_up_in_the_last_turn_ended_the_call() -> None:
    assert (await held("Yes.", tool_call("end_call"), "Bye.")).ended_by == "agent"


@pytest.fixture
def callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def open_orders(context: SimulationContext) -> None:
        ordered = context.job_context.primary_session.userdata.get("ordered")
        if ordered != context.userdata()["wants"]:
            context.fail(f"ordered {ordered!r}")

    def breaks(context: SimulationContext) -> None:
        raise KeyError(context.scenario.label)

    module = ModuleType("end_of_order")
    vars(module).update(open_orders=open_orders, breaks=breaks)
    monkeypatch.setitem(sys.modules, "end_of_order", module)


@pytest.mark.usefixtures("callbacks")
async def test_livekits_callback_sees_the_scenario_and_the_session_and_may_veto() -> None:
    where = "end_of_order:open_orders"
    vetoed = await held("Yes.", "Bye.", on_simulation_end=where)
    ordered = await held(tool_call("order"), "Yes.", "Bye.", on_simulation_end=where)
    assert (vetoed.veto, ordered.veto) == ("ordered None", None)


@pytest.mark.usefixtures("callbacks")
async def test_a_callback_that_raises_is_a_fault_of_the_agents() -> None:
    record = await held("Yes.", "Bye.", on_simulation_end="end_of_order:breaks")
    [fault] = record.faults
    assert (fault.owner, fault.cause) == ("agent", "on_simulation_end")
    assert "KeyError: 'An order'" in fault.detail
