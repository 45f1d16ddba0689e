"""`handoff-evals report`, and `--html` of the commands that run something."""

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def runs(command: Command) -> None:
    """Two runs of the same suite."""
    command("run", "-m", "oracle", "--out", "good", "-q")
    command("run", "-m", "never", "--out", "bad", "-q")


@pytest.mark.usefixtures("runs")
def test_it_is_written_into_the_runs_folder_and_opened(
    command: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def opening(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opening)
    done = command("report", "good", "--open")
    assert done.code == 0
    assert "report: good/report.html (0." in done.err
    page = project / "good" / "report.html"
    assert opened == [page.as_uri()]
    assert "In these 2 scenarios oracle passes 2 of 2 trials" in page.read_text()


@pytest.mark.usefixtures("runs")
def test_without_a_browser_it_says_what_to_open(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _url: False)
    assert "no browser was found: open file://" in command("report", "good", "--open").err


@pytest.mark.usefixtures("runs")
def test_of_two_runs_the_second_is_judged(command: Command, project: Path) -> None:
    done = command("report", "good", "bad", "--html", "out/both.html")
    assert done.code == 0, done.err
    page = (project / "out" / "both.html").read_text()
    assert "<title>regressed" in page
    # Models of other names are paired where each run has only one.
    assert "oracle / never" in page
    assert "1 newly failing" in page


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "'nowhere' is no run folder"),
        (["good", "bad", "good"], "3 runs: name one, or two to compare"),
        (["good", "--html", "."], "is a folder: name a file in it, as report.html"),
        (["good", "--html", "good/manifest.json/x"], "can't be written"),
    ],
)
def test_bad_usage_exits_2(command: Command, words: list[str], said: str) -> None:
    done = command("report", *words)
    assert done.code == 2
    assert said in done.err


@pytest.mark.usefixtures("runs")
def test_runs_without_a_model_in_common_can_not_be_paired(command: Command) -> None:
    command("run", "-m", "never", "-m", "random", "--out", "others", "-q")
    done = command("report", "good", "others")
    assert done.code == 2
    assert "have no model in common: oracle; never, random" in done.err


def test_a_run_writes_it_with_what_its_gates_said(command: Command, project: Path) -> None:
    done = command("run", "-m", "never", "--min-accuracy", "1", "--html", "page.html", "-q")
    assert done.code == 1
    page = (project / "page.html").read_text()
    assert "<title>a gate failed" in page
    assert "below --min-accuracy 1" in page
    assert "no gate was set" not in page


def test_a_run_that_no_gate_judged_is_not_shown_as_good(command: Command, project: Path) -> None:
    done = command("run", "-m", "never", "--html", "page.html", "-q")
    assert done.code == 0
    page = (project / "page.html").read_text()
    assert '<section class="verdict plain"' in page
    assert "no gate was set" in page


def test_a_place_that_can_not_be_is_refused_before_anything_runs(
    command: Command, project: Path
) -> None:
    done = command("run", "-m", "never", "--out", "mine", "--html", ".")
    assert done.code == 2
    assert not (project / "mine").exists()
