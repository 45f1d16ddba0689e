"""A check of the user's own, named in pyproject.toml: wherever the results of a run stand."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.own_checks import checks_restored

CHECKS = """
from handoff_evals import Score, check, reached


@check("max_words", expects=int)
def max_words(scenario, transcript):
    for number, scripted, turn in reached(scenario, transcript, key="max_words"):
        words = len(turn.said.split())
        {broken}
        yield Score(
            status="passed" if words <= scripted.expect.extra["max_words"] else "failed",
            reason=f"the caller hears {{words}} words",
            turn=number,
        )
"""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with checks_restored():
        yield


def checks(project: Path, name: str, *, most: int, broken: str = "") -> None:
    (project / f"{name}.py").write_text(CHECKS.format(broken=broken))
    (project / "pyproject.toml").write_text(f'[tool.handoff-evals]\nchecks = ["{name}"]\n')
    expect(project, most)


def expect(project: Path, most: int) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    text = suite.read_text().split(", max_words")[0].removesuffix("\n")
    suite.write_text(f"{text.removesuffix('}')}, max_words: {most}}}\n")


def test_it_stands_in_the_report_the_json_the_markdown_and_the_conversation(
    command: Command, project: Path
) -> None:
    checks(project, "own_shown", most=0)
    done = command("run", "-m", "oracle", "--out", "a")

    assert done.code == 0, done.err
    text = " ".join(done.out.split())
    assert "max_words 0/1" in text
    assert "Star / Stays, turn 1: the caller hears" in text
    summary = json.loads((project / "a" / "summary.json").read_text())["models"]["oracle"]
    assert summary["checks"]["max_words"] == {"passed": 0, "failed": 1, "unscored": 0}
    assert summary["trials"]["failed"] == 1
    assert command("show", "a", "--markdown", "a.md").code == 0
    assert "| max_words | 0/1 |" in (project / "a.md").read_text()
    assert "failed max_words (turn 1): the caller hears" in command("show", "a", "Stays").out


def test_its_failure_is_a_flip_against_the_baseline(command: Command, project: Path) -> None:
    checks(project, "own_kept", most=0)
    assert command("run", "-m", "oracle", "--out", "a").code == 0
    assert command("baseline", "a", "b.json").code == 0
    assert '"max_words"' in (project / "b.json").read_text()

    text = (project / "b.json").read_text()
    healed = text.replace(', "failed": [{"check": "max_words", "turn": 1}]', "")
    assert healed != text
    (project / "b.json").write_text(
        healed.replace('"failed", "decisions"', '"passed", "decisions"')
    )
    done = command("run", "-m", "oracle", "--baseline", "b.json")

    assert done.code == 1
    assert "max_words" in done.out
    assert "oracle: regressed against the baseline" in done.err


def test_a_check_that_raises_leaves_its_trials_unscored(command: Command, project: Path) -> None:
    checks(project, "own_broken", most=0, broken="words / 0")
    done = command("run", "-m", "oracle", "--out", "a")

    assert done.code == 3
    assert "1 of 2 trials are unscored (check_error 1)" in done.err
    assert "the check 'max_words' raised ZeroDivisionError" in " ".join(done.out.split())
    shown = command("show", "a", "Stays").out
    assert "Traceback (most recent call last):" in shown
    assert "words / 0" in shown


def test_a_module_of_checks_that_is_not_there_is_an_error_before_any_call(
    command: Command, project: Path
) -> None:
    (project / "pyproject.toml").write_text('[tool.handoff-evals]\nchecks = ["own_absent"]\n')
    done = command("run", "-m", "oracle")

    assert done.code == 2
    assert "[tool.handoff-evals] checks: 'own_absent' can't be imported" in done.err
