"""What a factory sets in the process is a conversation's own."""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from livekit.agents import inference

from handoff_evals import tool_call
from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.livekit import AgentEntry, ScriptedLLM
from handoff_evals.scenarios import Scenario, ScriptedTurn, Watch
from handoff_evals.transcript import Transcript
from tests.support import patching

SCENARIO = Scenario(label="Any", turns=(ScriptedTurn(user="Look"), ScriptedTurn(user="Again")))
UNTOUCHED = ("nowhere", "none", None, "nothing")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    patching.LOG.clear()
    yield
    left = (
        patching.CITY,
        patching.Desk.office,
        os.environ.get("HANDOFF_EVALS_CITY"),
        patching.SETTINGS["of"]["this call"],
    )
    assert left == UNTOUCHED


def script(*_: Any) -> ScriptedLLM:
    return ScriptedLLM([tool_call("look"), "Seen.", tool_call("look"), "Seen."])


async def run_at_once(number: int, *factories: Callable[..., Any]) -> list[Transcript]:
    drivers = [
        TextDriver(entry=AgentEntry.of(each), model=script, watch=Watch(), limits=Limits())
        for each in factories
    ]
    return await asyncio.gather(
        *(each.run(SCENARIO, seed=0) for _ in range(number) for each in drivers)
    )


async def test_conversations_of_a_factory_that_patches_see_nothing_of_each_other() -> None:
    ran = await run_at_once(12, patching.sets_everything)

    seen = [line.partition(" saw ") for line in patching.LOG]
    assert len(seen) == 24
    assert all(own == found for own, _, found in seen), "each its own"
    assert len({own for own, _, _ in seen}) == 12
    assert not any(each.faults for each in ran)


async def test_a_run_says_that_the_conversations_ran_one_at_a_time_and_why() -> None:
    [*_, ran] = await run_at_once(2, patching.sets_everything)

    [note] = ran.notes
    assert note.startswith(
        "conversations with sets_everything ran one at a time: opening it sets "
        "os.environ['HANDOFF_EVALS_CITY'], tests.support.patching.CITY, "
        "tests.support.patching.Desk.office, tests.support.patching.SETTINGS, which all"
    )


async def test_another_agents_conversations_do_not_run_meanwhile() -> None:
    await run_at_once(5, patching.sets_everything, patching.sets_nothing)

    own = [line for line in patching.LOG if line.startswith("a plain call")]
    assert own == ["a plain call saw none+nothing+nowhere+unset"] * 10


async def test_a_patch_of_livekit_itself_ends_with_its_conversation() -> None:
    before = inference.LLM

    ran = await run_at_once(4, patching.patches_livekit)

    assert inference.LLM is before
    assert "livekit.agents.inference.LLM" in ran[-1].notes[0]


async def test_conversations_of_a_factory_that_sets_nothing_run_at_once() -> None:
    [*_, ran] = await run_at_once(3, patching.sets_nothing)

    assert ran.notes == ()
    order = [line.partition(" saw ")[0] for line in patching.LOG]
    assert len(order) == 6


async def test_a_conversation_that_is_cancelled_makes_room_for_the_next() -> None:
    driver = TextDriver(
        entry=AgentEntry.of(patching.sets_everything),
        model=script,
        watch=Watch(),
        limits=Limits(),
    )
    tasks = [asyncio.create_task(driver.run(SCENARIO, seed=0)) for _ in range(3)]
    await asyncio.sleep(0)
    for each in tasks[:2]:
        each.cancel()

    ran = await tasks[2]

    assert len(ran.turns) == 3
