"""`handoff-evals judge`: kept conversations, and what is expected of them today."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture(name="kept")
def _kept(command: Command) -> str:
    """The oracle's run."""
    assert command("run", "-m", "oracle", "--out", "kept", "-q").code == 0
    return "kept"


def edited(project: Path, old: str, new: str) -> None:
    path = project / "evals" / "star" / "scenarios.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_unchanged_files_give_the_same_verdicts_without_a_model(
    command: Command, kept: str
) -> None:
    done = command("judge", kept, "--min-passed", "1", "--min-accuracy", "1")
    assert done.code == 0, done.err
    assert "judged anew from kept: no model was asked" in done.out


def test_what_is_expected_today_decides_and_gates_as_in_a_run(
    command: Command, kept: str, project: Path
) -> None:
    edited(project, "  - label: Stays\n", "  - label: Stays\n    expect: {final: 'star[node=b]'}\n")
    done = command("judge", kept, "--min-accuracy", "1")
    assert done.code == 1
    assert "final, missed: expected star[node=b], active star[node=a]" in " ".join(done.out.split())
    assert "accuracy" in done.err


def test_the_kept_run_stays_as_it_is(command: Command, kept: str, project: Path) -> None:
    before = (project / kept / "trials.jsonl").read_bytes()
    edited(project, "  - label: Stays\n", "  - label: Stays\n    expect: {final: 'star[node=b]'}\n")
    command("judge", kept, "--out", "anew")
    assert (project / kept / "trials.jsonl").read_bytes() == before
    assert (project / "anew" / "summary.json").exists()


def test_a_renamed_scenario_with_an_id_added_is_the_same_conversation(
    command: Command, kept: str, project: Path
) -> None:
    edited(project, "  - label: Stays\n", "  - id: SCN_1\n    label: Stays\n")
    assert command("judge", kept, "--out", "with_id").code == 0
    edited(project, "label: Stays\n", "label: Does not move\n")
    done = command("judge", "with_id")
    assert done.code == 0, done.err
    assert "not judged" not in done.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("want=b", "want=c", "other_words: in turn 2 the caller said 'c=0 t=2 want=b', and now"),
        (
            "where: {node: b}",
            "where: {node: b}, userdata: {paid: true}",
            "not_recorded: the run did not note 'paid'; run it again",
        ),
    ],
)
def test_what_the_conversation_cannot_show_is_unscored(
    command: Command, kept: str, project: Path, old: str, new: str, said: str
) -> None:
    edited(project, old, new)
    done = command("judge", kept)
    assert done.code == 3
    assert said in " ".join(done.out.split())


def test_scenarios_that_only_one_side_has_are_named(
    command: Command, kept: str, project: Path
) -> None:
    edited(project, "label: Stays\n", "label: Another one\n")
    done = command("judge", kept)
    assert "not judged, for no file has them: Star / Stays" in done.err
    assert "not in the run: Star / Another one" in done.err


def test_a_file_of_another_suite_is_refused(command: Command, kept: str, project: Path) -> None:
    edited(project, "label: Stays", "label: Other")
    done_path = project / "other.yaml"
    done_path.write_text("agent: m:A\nscenarios:\n  - label: X\n    turns: [{user: hi}]\n")
    done = command("judge", kept, "--suite", "other.yaml")
    assert done.code == 2
    assert "'kept' has no scenario of other.yaml: its suites are 'Star'" in done.err
