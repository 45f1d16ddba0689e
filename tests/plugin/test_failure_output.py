"""What a stranger reads when a test with a call fails."""

from tests.plugin.conftest import Project

TESTS = """
from handoff_evals import ScriptedLLM, tool_call
from shop import FrontDesk, Workshop


async def test_expectation(agent_call):
    call = await agent_call(FrontDesk(), llm=ScriptedLLM(["Oh dear."]))
    turn = await call.say("My chain snapped")
    turn.expect.handoff(FrontDesk, Workshop)


async def test_plain_assert(agent_call):
    script = ScriptedLLM([tool_call("transfer_to_workshop"), "Which part is it?"])
    call = await agent_call(FrontDesk(), llm=script)
    await call.say("My chain snapped")
    assert call.active_agent_id == "front_desk"


async def test_without_a_call(agent_call):
    assert agent_call is None
"""


def test_a_failure_shows_the_tests_line_and_the_conversation(project: Project) -> None:
    project.write("test_shop.py", TESTS)
    result = project.run("-p", "no:randomly", "--junitxml=report.xml")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            ">*turn.expect.handoff(FrontDesk, Workshop)",
            "E*ConversationError: turn 1: no handoff; expected FrontDesk -> Workshop",
            "E       opening  (* s, then front_desk)",
            "E           [[]0[]] front_desk takes the call",
            "E           [[]2[]] front_desk: Bicycle shop, good morning!",
            "E       turn 1  (* s, then front_desk)",
            "E           [[]3[]] caller: My chain snapped",
            "E       >>> [[]4[]] front_desk: Oh dear.",
            "",
            "test_shop.py:9: ConversationError",
            ">*assert call.active_agent_id == *",
            "E*AssertionError: assert 'workshop' == 'front_desk'",
            "*conversation (marked: what the test asked about last)*",
            "    [[]3[]] caller: My chain snapped",
            ">>> [[]6[]] handoff: front_desk -> workshop",
            "    [[]8[]] workshop: Which part is it?",
            "FAILED test_shop.py::test_expectation - ConversationError: turn 1: no handoff*",
        ]
    )
    shown = result.stdout.str()
    assert shown.count("conversation (marked") == 1, "once a failure, and only where there is one"
    assert "handoff_evals/plugin" not in shown, "no line of the plugin is in the traceback"
    report = (project.path / "report.xml").read_text()
    for case in ("test_expectation", "test_plain_assert"):
        shown = report.partition(f'name="{case}"')[2].partition("</testcase>")[0]
        assert "caller: My chain snapped" in shown, "whoever reads the report sees it too"


def test_a_script_that_is_too_short_is_one_message_and_no_traceback_of_livekits(
    project: Project,
) -> None:
    project.write(
        "test_shop.py",
        """
        from handoff_evals import ScriptedLLM, tool_call
        from shop import FrontDesk


        async def test_shop(agent_call):
            script = ScriptedLLM([tool_call("transfer_to_workshop")])
            call = await agent_call(FrontDesk(), llm=script)
            await call.say("My chain snapped")
        """,
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*turn 1: the script has no reply left: workshop: all 1 of*"])
    assert "Traceback" not in result.stdout.str()
