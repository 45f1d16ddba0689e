"""Two calls that one test has open, with a factory that sets what the process shares."""

import asyncio

import pytest
from livekit.agents import Agent

from handoff_evals import AgentCallFixture, Reply, ScriptedLLM, tool_call
from tests.support import patching


@pytest.mark.parametrize("together", [True, False])
async def test_each_call_finds_in_the_process_what_its_own_factory_set(
    agent_call: AgentCallFixture,
    together: bool,  # noqa: FBT001
) -> None:
    patching.LOG.clear()
    answers: list[Reply] = [tool_call("look"), "Seen.", tool_call("look"), "Seen."]
    one = await agent_call(patching.sets_everything, llm=ScriptedLLM(answers))
    two = await agent_call(patching.sets_everything, llm=ScriptedLLM(answers))
    plain = await agent_call(patching.sets_nothing, llm=ScriptedLLM(answers[:2]))

    if together:
        await asyncio.gather(one.say("Look"), two.say("Look"), plain.say("Look"))
        await asyncio.gather(two.say("Look"), one.say("Look"))
    else:
        for each in (one, two, plain, one, two):
            await each.say("Look")

    seen = [line.partition(" saw ") for line in patching.LOG]
    assert len(seen) == 5
    assert {found for own, _, found in seen if own == "a plain call"} == {
        "none+nothing+nowhere+unset"
    }
    assert all(own == found for own, _, found in seen if own != "a plain call")
    assert isinstance(one.active_agent, Agent)
    assert patching.CITY == "nowhere"
