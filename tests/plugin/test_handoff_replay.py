"""`--handoff-replay`: scenario files answered by cassettes, without a model."""

from collections.abc import Callable

from tests.plugin.conftest import Project

SUITE = """
scenarios:
  - label: A broken chain
    turns:
      - {user: "My chain is broken", expect: {agent: workshop}}
  - label: Opening hours
    turns:
      - {user: "When do you open?", expect: {agent: front_desk}}
"""

MODELS = """
from handoff_evals import ScriptedLLM, tool_call


def reader():
    def answer(request):
        if "broken" in request.last_user_text and "transfer_to_workshop" in request.tool_names:
            return tool_call("transfer_to_workshop")
        return "Which part?"
    return ScriptedLLM(answer)
"""

NO_MODELS = """
raise RuntimeError("no model is needed")
"""

REPLAY = ("--handoff-model=my_models:reader", "--handoff-replay")


def record(project: Project, *more: str) -> None:
    """Run the suite by the command line, which writes the cassettes."""
    words = ("run", "-m", "my_models:reader", "--cassettes", "auto", "-q", *more)
    done = project.command(*words)
    assert done.exit_code == 0, (done.exception, done.stderr)


def recorded(project: Project, scenarios: Callable[[str], None], *more: str) -> None:
    """Record, and take the model away."""
    scenarios(SUITE)
    project.write("my_models.py", MODELS)
    record(project, *more)
    project.write("my_models.py", NO_MODELS)


def test_scenarios_are_answered_by_what_was_recorded(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    recorded(project, scenarios)
    project.run(*REPLAY).assert_outcomes(passed=2)


def test_a_changed_word_of_an_agents_instructions_is_an_error_that_names_it(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    recorded(project, scenarios)
    shop = (project.path / "shop.py").read_text()
    project.write("shop.py", shop.replace("Ask which part", "Say which part"))
    result = project.run(*REPLAY)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*instructions of workshop changed: *[[]-Ask-] {+Say+} which part is broken.*",
            "*record it: --cassettes auto*",
        ]
    )


def test_the_folder_of_the_cassettes_can_be_another(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    project.write("pyproject.toml", '[tool.handoff-evals]\ncassettes = "kept"\n')
    recorded(project, scenarios)
    project.run(*REPLAY).assert_outcomes(passed=2)
    project.run(*REPLAY, "--handoff-cassettes=other").assert_outcomes(errors=2)
    (project.path / "kept").rename(project.path / "other")
    project.run(*REPLAY, "--handoff-cassettes=other").assert_outcomes(passed=2)


def test_a_call_that_no_cassette_is_kept_of_says_so(project: Project) -> None:
    project.write(
        "test_shop.py",
        """
        from shop import FrontDesk
        from handoff_evals import ScriptedLLM

        async def test_by_name(agent_call):
            await agent_call(FrontDesk)

        async def test_scripted(agent_call):
            await agent_call(FrontDesk, llm=ScriptedLLM([]))
        """,
    )
    result = project.run(*REPLAY)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*can't answer with --handoff-replay*"])
