"""`--handoff-turn-timeout`."""

import pytest

from tests.plugin.conftest import Project

HANGING = """
import asyncio

from shop import FrontDesk


class Stuck(FrontDesk):
    async def on_enter(self):
        await asyncio.Event().wait()
"""


@pytest.mark.usefixtures("no_waiting")
def test_it_ends_a_turn_that_hangs_in_scenarios_and_in_calls(project: Project) -> None:
    project.write("stuck.py", HANGING)
    project.write(
        "evals/scenarios.yaml",
        """
        agent: stuck:Stuck
        scenarios:
          - {label: Hello, turns: [{user: Hello}]}
        """,
    )
    project.write(
        "test_stuck.py",
        """
        from handoff_evals import ScriptedLLM
        from stuck import Stuck


        async def test_hello(agent_call):
            await agent_call(Stuck, llm=ScriptedLLM([]))
        """,
    )
    result = project.run("--handoff-turn-timeout=0.2", "-p", "no:randomly")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "the opening: agent: turn_timeout: stuck was not done within 0.2 s*",
            "E*the agent's own code failed: turn_timeout: stuck was not done within 0.2 s*",
        ]
    )
