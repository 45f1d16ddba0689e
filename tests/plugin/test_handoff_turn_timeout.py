"""`--handoff-turn-timeout`, and `turn_timeout` of pyproject.toml."""

import pytest

from tests.plugin.conftest import Project

HANGING = """
import asyncio

from shop import FrontDesk


class Stuck(FrontDesk):
    async def on_enter(self):
        await asyncio.sleep(3600)
"""


@pytest.mark.parametrize(
    ("setting", "options"),
    [
        ("", ["--handoff-turn-timeout=0.2"]),
        ("[tool.handoff-evals]\nturn_timeout = 0.2\n", []),
        ("[tool.handoff-evals]\nturn_timeout = 50.0\n", ["--handoff-turn-timeout=0.2"]),
    ],
)
@pytest.mark.usefixtures("no_waiting")
def test_it_or_the_setting_ends_a_turn_that_hangs(
    project: Project, setting: str, options: list[str]
) -> None:
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
    if setting:
        project.write("pyproject.toml", setting)
    result = project.run(*options, "-p", "no:randomly")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "the opening: agent: turn_timeout: stuck was not done within 0.2 s*",
            "E*the agent's own code failed: turn_timeout: stuck was not done within 0.2 s*",
        ]
    )
