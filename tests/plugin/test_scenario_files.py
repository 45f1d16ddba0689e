"""Scenario files as tests."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from handoff_evals.plugin.scenario_trial import run_scenario, trial_failure
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Suite, Target
from tests.plugin.conftest import PRELOADED, Project

SUITE = """
name: Bicycle shop
scenarios:
  - label: Broken chain
    tags: {route: workshop, difficulty: plain}
    turns:
      - user: Hello?
        expect: {agent: front_desk}
      - user: My chain snapped, it's bike 4471.
        expect: {agent: workshop, carries: ["4471"]}
  - label: Wants a manager
    tags: {route: manager}
    turns:
      - user: Give me a manager.
        expect: {agent: manager}
  - label: Forgotten number
    turns:
      - user: My chain snapped, it's bike 4471.
        expect: {agent: workshop, carries: ["4472"]}
  - label: Angry caller
    instructions: You are angry.
"""

NO_AGENT = """
agent: shop:BackDesk
scenarios:
  - {label: Nobody there, turns: [{user: Hello}]}
"""


@pytest.mark.usefixtures("preloaded_python")
def test_each_scenario_is_a_test_with_any_number_of_workers(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios(SUITE)
    project.write("evals/scenarios.yaml", NO_AGENT)
    result = project.run(*PRELOADED, "-n", "2", "-v", "-rsfE", "--junitxml=report.xml")
    result.assert_outcomes(passed=1, failed=1, skipped=1, errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "*PASSED evals/shop/scenarios.yaml::Broken chain*",
            "*ERROR evals/shop/scenarios.yaml::Wants a manager*",
            "_* Bicycle shop: Wants a manager _*",
            "UNSCORED: oracle: turn 1: no tool of front_desk was found that leads to 'manager'*",
            "    [[]3[]] caller: Give me a manager.",
            "SKIPPED*evals/shop/scenarios.yaml*: no `turns`: needs LiveKit's simulated caller",
            "ERROR evals/shop/scenarios.yaml::Wants a manager - *UNSCORED: oracle*",
            "turn 1: carries: workshop's model received nothing with '4472'",
            "what workshop's model received:",
            "    user: My chain snapped, it's bike 4471.",
            "agent 'shop:BackDesk' can't be imported: AttributeError: *",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert ".py:" not in result.stdout.str(), "no line of Python stands for a scenario"
    cases = {case.get("name"): case for case in _cases(project)}
    properties = {
        each.get("name"): each.get("value") for each in cases["Broken chain"].iter("property")
    }
    assert properties["handoff_model"] == "oracle"
    assert properties["handoff_outcomes"] == "correct correct"
    assert "caller: Give me a manager." in (cases["Wants a manager"].findtext("error") or "")
    assert cases["Angry caller"].find("skipped") is not None


def _cases(project: Project) -> list[ET.Element]:
    return list(ET.parse(project.path / "report.xml").iter("testcase"))  # noqa: S314 - our own


def test_an_exception_comes_before_what_follows_from_it(pytestconfig: pytest.Config) -> None:
    expect = Expectation(agent=Target(id="workshop"))
    scenario = Scenario(
        label="Broken chain", turns=(ScriptedTurn(user="My chain snapped", expect=expect),)
    )
    suite = Suite(name="Shop", agent="tests.plugin.shop:Raising", scenarios=(scenario,))
    trial = run_scenario(suite, scenario, config=pytestconfig, model="oracle")
    lines = trial_failure(trial, agent=suite.agent, plays_scenario=True).splitlines()
    assert lines[0] == "turn 1: agent: tool_error: LookupError: the workshop is closed"
    assert lines[1] == "turn 1: handoff: missed: expected workshop, active raising"
    assert lines[-1] == "LookupError: the workshop is closed"


def test_scenarios_are_chosen_by_label_and_by_tag(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios(SUITE)
    broken = "evals/shop/scenarios.yaml::Broken chain"
    for arguments in (
        ("-k", "broken_chain or manager", "-m", "handoff_tag(route='workshop')"),
        ("-k", "Broken and chain", broken),
    ):
        listed = project.run("--collect-only", "-q", *arguments).stdout.lines
        assert [line for line in listed if "::" in line] == [broken], arguments


def test_a_bad_file_is_an_error_that_names_the_line_and_nothing_else(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios("scenarios:\n  - labl: Broken chain\n    turns: []\n")
    result = project.run("evals")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "_* ERROR collecting evals/shop/scenarios.yaml _*",
            "evals/shop/scenarios.yaml:3: *label*",
            "evals/shop/scenarios.yaml:3: unknown key 'labl' in scenarios: did you mean 'label'*",
            "=* short test summary info =*",
        ],
        consecutive=True,
    )
