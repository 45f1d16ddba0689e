"""`handoff-evals plan`: what a suite can show, before anything is run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


def test_it_says_what_the_suite_can_show_and_what_to_add(command: Command, project: Path) -> None:
    done = command("plan", "--trials", "3")
    assert done.code == 0, done.err
    assert "2 scenarios, 3 trials of each: 6 conversations of 9 turns in all" in done.out
    assert "no difference larger than 0.1 takes 29 scenarios" in done.out
    assert "To find a loss of 0.1: about " in done.out
    assert not (project / "runs").exists()


def test_the_margin_is_that_of_pyproject(command: Command, project: Path) -> None:
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("[tool.handoff-evals]\nmargin = 0.2\n")
    assert "no difference larger than 0.2 takes" in command("plan").out
    assert "no difference larger than 0.3 takes" in command("plan", "--margin", "0.3").out


def test_it_goes_by_an_earlier_run(command: Command) -> None:
    command("run", "-m", "never", "-m", "oracle", "--out", "mine")
    done = command("plan", "--by", "mine", "-m", "never")
    assert done.code == 0, done.err
    assert "going by that run" in done.out
    assert "Where 50% of the trials pass" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--margin", "2"], "--margin 2: give a share between 0 and 1"),
        (["--by", "nowhere"], "nowhere"),
        (["-s"], "No such option"),
    ],
)
def test_bad_usage_exits_2(command: Command, words: list[str], says: str) -> None:
    done = command("plan", *words)
    assert done.code == 2
    assert says in done.err


def test_of_several_models_one_has_to_be_named(command: Command) -> None:
    command("run", "-m", "never", "-m", "oracle", "--out", "mine")
    done = command("plan", "--by", "mine")
    assert done.code == 2
    assert "has trials of never, oracle; name one with -m" in done.err
