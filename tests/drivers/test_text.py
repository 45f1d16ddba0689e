import asyncio
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, function_tool, llm

from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.livekit import AgentEntry, Reply, ScriptedLLM
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.scenarios import Scenario, ScriptedTurn, Watch
from tests.support.phone import ROOMY, Plain, short_events, skipping_waits


class Fragile(Plain):
    @function_tool
    async def hang_up(self) -> None:
        """End the call."""
        self.session.shutdown()


class Closing(ScriptedLLM):
    """Knows whether it was closed."""

    closed = False

    async def aclose(self) -> None:
        """Close."""
        self.closed = True


def scenario(*says: str) -> Scenario:
    return Scenario(label="Any", turns=tuple(ScriptedTurn(user=words) for words in says))


def driver(found: Any, *script: Reply, model: llm.LLM[Any] | None = None) -> TextDriver:
    return TextDriver(
        entry=AgentEntry.of(found),
        model=lambda _scenario, _seed: model or ScriptedLLM(script),
        watch=Watch(),
        limits=ROOMY,
    )


async def test_each_turn_of_the_scenario_is_spoken_in_its_order() -> None:
    record = await driver(Plain, "One.", "Two.").run(scenario("First?", "Second?"), seed=0)

    assert [turn.user for turn in record.turns] == [None, "First?", "Second?"]
    assert [turn.said for turn in record.turns] == ["", "One.", "Two."]
    assert record.faults == ()


async def test_each_conversation_is_a_new_one() -> None:
    one = driver(Plain, "One.")
    records = [await one.run(scenario("First?"), seed=0) for _ in range(2)]

    assert short_events(records[0].turns[1]) == short_events(records[1].turns[1])
    assert len(records[1].turns[1].model_calls[0].messages) == 2


async def test_a_conversation_that_is_over_is_not_spoken_into() -> None:
    record = await driver(Fragile, tool_call("hang_up")).run(scenario("Bye.", "Hello?"), seed=0)

    assert [turn.user for turn in record.turns] == [None, "Bye."]
    (fault,) = record.faults
    assert (fault.owner, fault.cause, fault.turn, fault.ended) == ("agent", "ended_call", 1, False)
    assert fault.detail == "the agent ended the call in turn 1, and the caller had more to say"


async def test_the_model_is_made_from_the_scenario_and_the_seed() -> None:
    asked: list[tuple[str, int]] = []

    def make(one: Scenario, seed: int) -> llm.LLM[Any]:
        asked.append((one.label, seed))
        return ScriptedLLM([])

    made = TextDriver(entry=AgentEntry.of(Plain), model=make, watch=Watch(), limits=ROOMY)
    await made.run(scenario(), seed=42)

    assert asked == [("Any", 42)]


async def test_a_model_that_cannot_be_made_leaves_the_trial_unscored() -> None:
    def make(_scenario: Scenario, _seed: int) -> llm.LLM[Any]:
        raise OSError("no weights")

    made = TextDriver(entry=AgentEntry.of(Plain), model=make, watch=Watch(), limits=ROOMY)
    record = await made.run(scenario("First?"), seed=0)

    assert record.turns == ()
    fault = record.unscored_because
    assert fault is not None
    assert fault.cause == "no_model"
    assert fault.detail.startswith("OSError: no weights (test_text.py, line ")


async def test_the_model_is_closed_with_the_conversation() -> None:
    model = Closing(["One."])
    await driver(Plain, model=model).run(scenario("First?"), seed=0)

    assert model.closed


async def test_userdata_of_one_conversation_is_not_that_of_the_next() -> None:
    class Counts(Plain):
        async def on_enter(self) -> None:
            self.session.userdata["calls"] += 1

    def factory(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Any]]:
        return Counts(), AgentSession(llm=model, userdata={"calls": 0})

    made = TextDriver(
        entry=AgentEntry.of(factory),
        model=lambda _scenario, _seed: ScriptedLLM([]),
        watch=Watch(userdata=frozenset({"calls"})),
        limits=ROOMY,
    )
    records = [await made.run(scenario(), seed=0) for _ in range(2)]

    assert [record.turns[0].userdata for record in records] == [{"calls": 1}, {"calls": 1}]


async def test_a_conversation_that_is_cancelled_is_closed_all_the_same() -> None:
    class Hangs(Plain):
        async def on_enter(self) -> None:
            entered.set()
            await asyncio.Event().wait()

    entered = asyncio.Event()
    made = TextDriver(
        entry=AgentEntry.of(Hangs),
        model=lambda _scenario, _seed: ScriptedLLM([]),
        watch=Watch(),
        limits=ROOMY,
    )
    with skipping_waits():
        task = asyncio.create_task(made.run(scenario(), seed=0))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Pondering(Plain):
    """Takes forty seconds for each turn."""

    @function_tool
    async def ponder(self) -> str:
        """Think."""
        await asyncio.sleep(40)
        return "Done."


async def test_a_conversation_has_a_deadline_beside_its_turns() -> None:
    script: list[Reply] = [part for _ in range(3) for part in (tool_call("ponder"), "So.")]
    made = TextDriver(
        entry=AgentEntry.of(Pondering),
        model=lambda _scenario, _seed: ScriptedLLM(script),
        watch=Watch(),
        limits=Limits(turn_s=60, call_s=100, close_s=60),
    )
    with skipping_waits():
        record = await made.run(scenario("First?", "Second?", "Third?"), seed=0)

    assert [turn.said for turn in record.turns] == ["", "So.", "So.", ""]
    [fault] = record.faults
    assert (fault.owner, fault.cause, fault.turn) == ("agent", "turn_timeout", 3)
    assert "the 100 s of the conversation" in fault.detail
