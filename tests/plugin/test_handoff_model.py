"""`--handoff-model`."""

from collections.abc import Callable

from tests.plugin.conftest import Project

SUITE = """
scenarios:
  - label: Broken chain
    turns:
      - user: My chain snapped.
        expect: {agent: workshop}
  - label: Opening hours
    turns:
      - user: When do you close?
        expect: {agent: front_desk}
"""

MODELS = """
from livekit.agents import APIStatusError
from handoff_evals import ScriptedLLM


def dead():
    return ScriptedLLM(lambda _: APIStatusError("no key", status_code=401, retryable=False))
"""


def test_a_model_that_hands_nobody_over_fails_where_somebody_should_be(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios(SUITE)
    result = project.run("--handoff-model=never", "-rA")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "turn 1: handoff: missed: expected workshop, active front_desk",
            "(shop:FrontDesk on model never, seed *)",
            "PASSED evals/shop/scenarios.yaml::Opening hours",
        ]
    )


def test_a_model_that_gives_no_answer_is_an_error_and_never_a_failure_or_a_pass(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios(SUITE)
    project.write("my_models.py", MODELS)
    result = project.run("--handoff-model=my_models:dead", "--junitxml=report.xml")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        [
            "_* ERROR at setup of *",
            "UNSCORED: api_status_401: *",
            "Neither passed nor failed: model my_models:dead, seed * gave nothing to judge.",
            "    [[]3[]] caller: *",
            "ERROR evals/shop/scenarios.yaml::* - *UNSCORED*",
        ]
    )
    assert 'errors="2" failures="0"' in (project.path / "report.xml").read_text()


def test_a_model_that_there_is_not_stops_the_run_with_those_that_there_are(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios(SUITE)
    result = project.run("--handoff-model=nonsense")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["no model 'nonsense'; there are:", "*module:function *", "!*nonsense can't be had !*"]
    )
