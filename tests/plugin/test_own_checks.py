"""Checks that a conftest.py adds, in scenario files that pytest runs."""

from collections.abc import Callable, Iterator

import pytest

from tests.plugin.conftest import Project
from tests.support.own_checks import checks_restored

CONFTEST = """
    from handoff_evals import Score, check, reached

    @check("greets_by", expects=str)
    def greets_by(scenario, transcript):
        for number, scripted, turn in reached(scenario, transcript, key="greets_by"):
            wanted = scripted.expect.extra["greets_by"]
            if wanted == "raise":
                raise KeyError("order")
            yield Score(
                status="passed" if wanted in turn.said else "failed",
                reason=f"{turn.active.label} does not say {wanted!r}",
                turn=number,
            )
"""
SUITE = """
name: Bicycle shop
scenarios:
  - label: Greets otherwise
    turns:
      - user: Hello?
        expect: {agent: front_desk, greets_by: "zzz"}
  - label: Check that raises
    turns:
      - user: Hello?
        expect: {agent: front_desk, greets_by: raise}
  - label: Without the key
    turns:
      - user: Hello?
        expect: {agent: front_desk}
"""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with checks_restored():
        yield


def test_a_failed_check_stands_in_the_failure_and_one_that_raises_is_an_error(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    project.write("conftest.py", CONFTEST)
    scenarios(SUITE)

    result = project.run("-rfE")

    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "turn 1: greets_by: front_desk does not say 'zzz'",
            "UNSCORED: check_error: the check 'greets_by' raised KeyError: 'order' (conftest.py:*",
            "Neither passed nor failed (model oracle, seed *).",
            '*raise KeyError("order")',
            "FAILED evals/shop/scenarios.yaml::Greets otherwise - *",
            "ERROR evals/shop/scenarios.yaml::Check that raises - Failed: UNSCORED: check_*",
        ]
    )


def test_a_check_that_can_not_be_had_is_an_error_of_the_file(
    project: Project, scenarios: Callable[[str], None]
) -> None:
    project.write("pyproject.toml", '[tool.handoff-evals]\nchecks = ["no_such_checks"]\n')
    scenarios(SUITE)

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*checks: 'no_such_checks' can't be imported*"])
