"""A scripted reply that nobody asked for fails the test, unless the test allows it."""

import pytest

from tests.plugin.conftest import Project

UNUSED = """
from handoff_evals import ScriptedLLM, tool_call
from shop import FrontDesk


async def test_shop(agent_call):
    script = ScriptedLLM(["Until six.", tool_call("record", bike=4471), "Which part?"])
    call = await agent_call(FrontDesk(), llm=script)
    await call.say("When do you close?")
"""


def test_replies_that_are_left_fail_the_test_and_are_named_with_the_requests(
    project: Project,
) -> None:
    project.write("test_shop.py", UNUSED)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "Unused scripted replies: 2 of 3; nobody asked the model for",
            "    tool_call('record', bike=4471)",
            "    'Which part?'",
            "The requests to a model were:",
            "    turn 1: front_desk -> 'Until six.'",
            "(Remove these replies, or allow them: ScriptedLLM([[]...[]], unused_ok=True))",
            "",
            "opening  (*",
            "    [[]3[]] caller: When do you close?",
            "FAILED test_shop.py::test_shop - Failed: Unused scripted replies: 2 of 3*",
        ],
        consecutive=False,
    )


def test_a_script_may_allow_it(project: Project) -> None:
    project.write("test_shop.py", UNUSED.replace('"Which part?"])', '"Hm?"], unused_ok=True)'))
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("llm", "agent"),
    [
        ("FaultyLLM(script, ModelFault.status(500).at(9))", "FrontDesk()"),
        ("'own'", "Owner(script)"),
        ("'own'", "lambda model: (FrontDesk(), AgentSession(llm=script))"),
    ],
    ids=["behind a FaultyLLM", "an agent's own", "the session's own"],
)
def test_a_script_is_found_wherever_it_answers(project: Project, llm: str, agent: str) -> None:
    project.write(
        "test_shop.py",
        f"""
        from handoff_evals import FaultyLLM, ModelFault, ScriptedLLM
        from livekit.agents import AgentSession
        from shop import FrontDesk


        class Owner(FrontDesk):
            def __init__(self, model):
                super().__init__()
                self._llm = model


        async def test_shop(agent_call):
            script = ScriptedLLM(["Until six.", "Anything else?"])
            call = await agent_call({agent}, llm={llm})
            await call.say("When do you close?")
        """,
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["Unused scripted replies: 1 of 2;*"])


def test_one_script_of_two_calls_is_checked_when_both_are_over(project: Project) -> None:
    project.write(
        "test_shop.py",
        """
        from handoff_evals import ScriptedLLM
        from shop import FrontDesk


        async def test_shop(agent_call):
            script = ScriptedLLM(["Until six.", "As I said."])
            for _ in range(2):
                call = await agent_call(FrontDesk(), llm=script)
                await call.say("When do you close?")
        """,
    )
    project.run().assert_outcomes(passed=1)


def test_a_test_with_an_event_loop_of_its_own_is_checked_too(project: Project) -> None:
    project.write(
        "test_shop.py",
        """
        import asyncio

        from handoff_evals import ScriptedLLM
        from shop import FrontDesk


        def test_shop(agent_call):
            async def talk():
                call = await agent_call(FrontDesk(), llm=ScriptedLLM(["Until six."]))
                await call.close()

            asyncio.run(talk())
        """,
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["Unused scripted replies: 1 of 1;*"])


@pytest.mark.parametrize(
    ("end", "outcome", "line"),
    [
        ("raise KeyError('mine')", "failed", "E*KeyError: 'mine'"),
        ("pytest.skip('not today')", "skipped", "SKIPPED*not today"),
        ("pytest.xfail('known')", "xfailed", "XFAIL*known"),
        ("await call.say('Hm?')", "failed", "E*the script has no reply left*"),
    ],
)
def test_how_the_test_itself_ends_is_what_is_reported(
    project: Project, end: str, outcome: str, line: str
) -> None:
    replies = '["One."]' if "call.say" in end else '["One.", "Two."]'
    project.write(
        "test_shop.py",
        f"""
        import pytest
        from handoff_evals import ScriptedLLM
        from shop import FrontDesk


        async def test_shop(agent_call):
            call = await agent_call(FrontDesk(), llm=ScriptedLLM({replies}))
            await call.say("When do you close?")
            {end}
        """,
    )
    result = project.run("-rA")
    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines([line])
    assert "Unused" not in result.stdout.str()
