"""In pytest too, what an agent raises fails the test, however the log is silenced."""

from typing import Any

import pytest
from livekit.agents import Agent

from tests.support.crashing import RAISING, ExitsInTool, RaisesInBackground, calls_the_tool
from tests.support.silence import SILENCERS, silenced

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.mark.parametrize("way", SILENCERS)
@pytest.mark.parametrize("agent", [agent for agent in RAISING if agent is not RaisesInBackground])
async def test_what_an_agent_raises_fails_the_turn(
    agent_call: Any, way: str, agent: type[Agent]
) -> None:
    async def talk() -> None:
        session = await agent_call(agent, llm=calls_the_tool())
        await session.say("Hello?")

    with silenced(way), pytest.raises(AssertionError, match=RAISING[agent]):
        await talk()


async def test_an_agent_that_exits_fails_the_test_and_not_the_run(agent_call: Any) -> None:
    session = await agent_call(ExitsInTool, llm=calls_the_tool())
    with pytest.raises(AssertionError, match="tool_error: SystemExit: 0"):
        await session.say("Hello?")
