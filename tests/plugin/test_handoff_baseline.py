"""`--handoff-baseline FILE`: a failure that is known is expected, and a new one fails."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from handoff_evals.checks import Decision, Outcome
from handoff_evals.results import Baseline, TrialKey, TrialResult, scenario_sha256
from handoff_evals.scenarios import load_suite
from tests.plugin.conftest import PRELOADED, Project

SUITE = """
name: Bicycle shop
scenarios:
  - {label: Known, turns: [{user: My chain snapped., expect: {agent: workshop}}]}
  - {label: New, turns: [{user: My brake broke., expect: {agent: workshop}}]}
  - {label: Otherwise, turns: [{user: My bell is off., expect: {agent: workshop}}]}
  - {label: Changed, turns: [{user: My lamp is dark., expect: {agent: workshop}}]}
  - {label: Better, turns: [{user: "When are you open?", expect: {agent: front_desk}}]}
"""
THEN: dict[str, Outcome] = {
    "Known": "missed",
    "New": "correct",
    "Otherwise": "wrong",
    "Changed": "missed",
    "Better": "spurious",
}
OPTIONS = ("--handoff-baseline", "fixtures/baseline.json", "-p", "no:randomly")


@pytest.fixture
def kept(project: Project, scenarios: Callable[[str], None]) -> None:
    """What became of each scenario when nobody was ever handed over."""
    scenarios(SUITE)
    suite = load_suite(project.path / "evals" / "shop" / "scenarios.yaml")
    trials = [
        TrialResult(
            key=TrialKey(suite=suite.name, scenario=each.label, model="never", number=0),
            scenario_sha256=scenario_sha256(each),
            status="passed" if THEN[each.label] == "correct" else "failed",
            decisions=(
                Decision(
                    turn=1,
                    expected="workshop",
                    actual="manager",
                    outcome=THEN[each.label],
                    on_path=True,
                ),
            ),
        )
        for each in suite.scenarios
    ]
    trials[3] = replace(trials[3], scenario_sha256="another")
    Baseline(suites=(), trials=tuple(trials)).write(project.path / "fixtures" / "baseline.json")


@pytest.mark.usefixtures("kept", "preloaded_python")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_fails_as_it_did_is_expected_and_nothing_else(project: Project, workers: str) -> None:
    result = project.run(
        *OPTIONS,
        *PRELOADED,
        "-n",
        workers,
        "--handoff-model",
        "never",
        "-rfxP",
        "--junitxml=report.xml",
    )
    result.assert_outcomes(passed=1, failed=3, xfailed=1)
    result.stdout.fnmatch_lines_random(
        [
            "XFAIL *::Known - *as in the baseline: missed in turn 1",
            "FAILED *::New - *turn 1: handoff: missed*",
            "in the baseline: passed",
            "FAILED *::Otherwise - *",
            "in the baseline: wrong in turn 1 (manager)",
            "FAILED *::Changed - *",
            "the scenario has changed since the baseline",
            "the baseline fixtures/baseline.json is out of date: no longer fails: *",
            "*= handoff baseline is out of date =*",
            "evals/shop/scenarios.yaml::Better: no longer fails: spurious in turn 1 (manager)",
        ]
    )
    cases = list(ET.parse(project.path / "report.xml").iter("testcase"))  # noqa: S314 - our own
    [known] = [case for case in cases if case.get("name") == "Known"]
    properties = {each.get("name"): each.get("value") for each in known.iter("property")}
    assert (properties["handoff_model"], properties["handoff_outcomes"]) == ("never", "missed")
    assert (properties["handoff_seed"] or "").isdigit()
    skipped = known.find("skipped")
    assert skipped is not None
    assert "missed in turn 1" in (skipped.get("message") or "")


@pytest.mark.usefixtures("kept")
def test_runxfail_lets_the_known_failures_fail(project: Project) -> None:
    result = project.run(*OPTIONS, "--handoff-model", "never", "--runxfail", "-k", "Known")
    result.assert_outcomes(failed=1, deselected=4)


@pytest.mark.usefixtures("kept")
def test_a_baseline_of_another_model_stops_the_session(project: Project) -> None:
    result = project.run(*OPTIONS, "--handoff-model", "oracle")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*it has nothing of the model 'oracle', but of 'never'*"])


def test_what_is_no_baseline_is_said_before_any_test(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    scenarios(SUITE)
    result = project.run(*OPTIONS)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *baseline.json*can't be read*"])
