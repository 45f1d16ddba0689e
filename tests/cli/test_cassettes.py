"""Cassettes across commands: `resume` replays as the run did, `cassettes prune` tidies up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]

MODELS = """
from pathlib import Path
from handoff_evals import ScriptedLLM

def deaf():
    if Path("offline").exists():
        raise AssertionError("a model was asked")
    return ScriptedLLM(lambda _: "I see.")
"""
MODEL = ("-m", "offline_models:deaf")


@pytest.fixture(name="recorded")
def _recorded(command: Command, project: Path) -> Path:
    """The folder of the cassettes, with what the model answered to the whole suite."""
    (project / "offline_models.py").write_text(MODELS)
    (project / "pyproject.toml").write_text('[tool.handoff-evals]\ncassettes = "kept"\n')
    done = command("run", *MODEL, "--cassettes", "auto")
    assert done.code == 0, done.err
    return project / "kept"


def lines(folder: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.jsonl"))


@pytest.mark.usefixtures("recorded")
def test_a_replayed_run_that_was_stopped_is_resumed_offline(
    command: Command, project: Path
) -> None:
    whole = command("run", *MODEL, "--cassettes", "replay", "--out", "mine")
    assert whole.code == 0, whole.err
    trials = project / "mine" / "trials.jsonl"
    trials.write_text(trials.read_text().splitlines(keepends=True)[0])
    (project / "offline").touch()
    (project / "pyproject.toml").unlink()  # the run's own folder of cassettes counts

    done = command("resume", "mine")

    assert done.code == 0, done.err
    assert "answers replayed, 0 requests asked a model" in done.err
    assert len(trials.read_text().splitlines()) == 2


def test_what_nothing_asks_for_is_removed_and_the_rest_still_replays(
    command: Command, project: Path, recorded: Path
) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("c=1 t=1 want=a", "c=2 t=1 want=a"))
    command("run", *MODEL, "--cassettes", "auto")
    before = lines(recorded)
    (project / "offline").touch()

    told = command("cassettes", "prune", *MODEL, "--dry-run")
    assert told.code == 0, told.err
    assert "unused exchanges 1" in told.out
    assert lines(recorded) == before

    done = command("cassettes", "prune", *MODEL)
    assert done.code == 0, done.err
    assert "removed exchanges 1" in done.out
    assert lines(recorded) == before - 1
    assert command("run", *MODEL, "--cassettes", "replay").code == 0


def test_what_can_not_be_replayed_is_kept(command: Command, project: Path, recorded: Path) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("c=1 t=1 want=a", "c=2 t=1 want=a"))
    before = lines(recorded)
    done = command("cassettes", "prune", *MODEL)
    assert done.code == 0, done.err
    assert "1 of 2 trials can't be replayed" in done.err
    assert lines(recorded) == before


def test_a_model_without_cassettes_is_refused(command: Command) -> None:
    done = command("cassettes", "prune", "-m", "never")
    assert done.code == 2
    assert "no cassettes are kept of never" in done.err
