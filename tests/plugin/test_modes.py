"""The fixture under pytest-asyncio's two modes, on whichever event loop a test runs."""

import pytest

from tests.plugin.conftest import Project

TESTS = """
import asyncio

import pytest
import pytest_asyncio
from handoff_evals import ScriptedLLM, tool_call
from shop import FrontDesk, Workshop

loops = []


@pytest.fixture
def script():
    return ScriptedLLM([tool_call("transfer_to_workshop"), "Which part is it?"])


{mark}
async def test_a_call(agent_call, script):
    call = await agent_call(FrontDesk(), llm=script)
    turn = await call.say("My chain snapped")
    turn.expect.handoff(FrontDesk, Workshop)


@pytest_asyncio.fixture
async def at_the_workshop(agent_call, script):
    call = await agent_call(FrontDesk(), llm=script)
    await call.say("My chain snapped")
    return call


{mark}
async def test_a_call_from_a_fixture(at_the_workshop):
    assert at_the_workshop.active_agent_id == "workshop"


class TestInAClass:
    @pytest.mark.asyncio(loop_scope="module")
    @pytest.mark.parametrize("number", [1, 2])
    async def test_a_call_on_the_modules_loop(self, agent_call, script, number):
        loops.append(asyncio.get_running_loop())
        assert len(set(loops)) == 1
        call = await agent_call(FrontDesk(), llm=script)
        await call.say("My chain snapped")
        assert call.active_agent_id == "workshop"


def test_a_call_in_a_loop_of_the_tests_own(agent_call, script):
    async def talk():
        call = await agent_call(FrontDesk(), llm=script)
        await call.say("My chain snapped")
        await call.close()
        return call

    assert asyncio.run(talk()).active_agent_id == "workshop"
"""


@pytest.mark.parametrize(("mode", "mark"), [("auto", ""), ("strict", "@pytest.mark.asyncio")])
def test_the_fixture_works_in_both_modes(project: Project, mode: str, mark: str) -> None:
    """With warnings as errors, so that nothing is left open or unawaited either."""
    project.mode(mode)
    project.write("test_shop.py", TESTS.format(mark=mark))
    project.run("-p", "no:randomly").assert_outcomes(passed=5)
