"""`handoff-evals baseline`, `run --baseline` and Markdown: gates, files, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

Command = Callable[..., Any]

MODELS = """
from handoff_evals import ScriptedLLM
from livekit.agents import APIStatusError

def deaf():
    return ScriptedLLM(lambda _: "I see.")

def dead():
    return ScriptedLLM(lambda _: APIStatusError("no", status_code=401))
"""


@pytest.fixture(name="kept")
def _kept(command: Command, project: Path) -> Path:
    """The oracle's run as a baseline."""
    keep(command, "-m", "oracle")
    return project / "b.json"


def keep(command: Command, *words: str) -> Any:
    """Run, and make the run the baseline `b.json`."""
    with TemporaryDirectory(dir=".") as folder:
        run = command("run", *words, "--out", f"{folder}/run")
        assert run.code == 0, run.err
        done = command("baseline", f"{folder}/run", "b.json")
    assert done.code == 0, done.err
    return done


def broken(path: Path) -> None:
    """Let the kept run have done what it missed."""
    text = path.read_text().replace('"outcome": "missed"', '"outcome": "correct"')
    path.write_text(text.replace('"status": "failed"', '"status": "passed"'))


def test_a_run_that_does_as_it_did_passes(command: Command, kept: Path) -> None:
    done = command("run", "-m", "oracle", "--baseline", str(kept))
    assert done.code == 0, done.err
    assert "oracle against the baseline: no difference larger than 0.1: 0 newly failing" in done.out


def test_a_decision_that_newly_fails_exits_1_and_is_named(command: Command, project: Path) -> None:
    keep(command, "-m", "never")
    broken(project / "b.json")
    done = command("run", "-m", "never", "--baseline", "b.json")
    assert done.code == 1
    assert "never: regressed against the baseline b.json" in done.err
    assert "worse: Star / Stays, then b, turn 2: correct, now missed" in done.out


def test_json_on_standard_output_stays_json(command: Command, kept: Path) -> None:
    done = command("run", "-m", "oracle", "--baseline", str(kept), "--json")
    assert json.loads(done.out)["schema"] == 2
    assert "oracle against the baseline: no difference larger than 0.1" in done.err


def test_a_newer_run_replaces_what_was_better(command: Command, project: Path) -> None:
    keep(command, "-m", "never")
    broken(project / "b.json")
    done = keep(command, "-m", "never")
    assert "never against the baseline: regressed" in done.out
    assert "b.json: wrote 2 trials of never" in done.out
    assert '"missed"' in (project / "b.json").read_text()


def test_a_flip_of_a_live_model_alone_can_not_be_told_from_chance(
    command: Command, project: Path
) -> None:
    (project / "my_models.py").write_text(MODELS)
    keep(command, "-m", "my_models:deaf")
    broken(project / "b.json")
    done = command("run", "-m", "my_models:deaf", "--baseline", "b.json")
    assert done.code == 4
    assert "my_models:deaf: can't tell against the baseline b.json" in done.err
    assert "my_models:deaf against the baseline: can't tell: 1 newly failing" in done.out
    assert "These 2 scenarios: 1 passed less often, 0 more often, 1 as often" in done.out


def test_a_check_that_is_lost_everywhere_exits_1(command: Command, project: Path) -> None:
    """It is no decision, so that accuracy stays at 1."""
    expected = "{agent: star, where: {node: a}, carries: [zebra]}"
    scenarios = "".join(
        f"  - label: Number {n}\n    turns: [{{user: c={n} t=1 want=a, expect: {expected}}}]\n"
        for n in range(40)
    )
    suite = project / "evals" / "star" / "scenarios.yaml"
    head = "name: Star\nagent: tests.support.star:patient_call\nscenarios:\n"
    suite.write_text(head + scenarios)
    (project / "my_models.py").write_text(MODELS)
    keep(command, "-m", "my_models:deaf")
    kept = project / "b.json"
    assert '"carries"' in kept.read_text()
    kept.write_text(
        kept.read_text()
        .replace('"failed": [{"check": "carries", "turn": 1}], ', "")
        .replace('"status": "failed"', '"status": "passed"')
    )
    words = ("-m", "my_models:deaf", "--baseline", "b.json", "--min-accuracy", "0.9")
    done = command("run", *words)
    assert done.code == 1, done.out
    assert "my_models:deaf against the baseline: regressed (carries): 40 newly failing" in done.out


def test_a_flip_of_replayed_answers_is_a_regression(command: Command, project: Path) -> None:
    (project / "my_models.py").write_text(MODELS)
    keep(command, "-m", "my_models:deaf", "--cassettes", "record")
    broken(project / "b.json")
    words = ("-m", "my_models:deaf", "--baseline", "b.json", "--cassettes", "replay")
    done = command("run", *words)
    assert done.code == 1
    assert "my_models:deaf against the baseline: regressed: 1 newly failing" in done.out


def test_a_changed_scenario_is_left_out_and_the_others_are_compared(
    command: Command, project: Path, kept: Path
) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("c=1 t=1 want=a", "c=2 t=1 want=a"))
    done = command("run", "-m", "oracle", "--baseline", str(kept))
    assert done.code == 0, done.err
    assert "of 2 decisions" in done.out
    assert "not compared: changed since the baseline: Star / Stays" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--baseline", "none.json"], "there is no baseline 'none.json': write it from"),
        (["--baseline", "evals/star/scenarios.yaml"], "not a baseline, because it is not JSON"),
    ],
)
def test_a_baseline_that_is_not_there_exits_2(
    command: Command, project: Path, words: list[str], says: str
) -> None:
    done = command("run", "-m", "oracle", *words)
    assert done.code == 2
    assert says in done.err
    assert not (project / "runs").exists(), "no run was begun"


def test_another_model_is_refused_before_a_trial_is_run(
    command: Command, project: Path, kept: Path
) -> None:
    done = command("run", "-m", "never", "--baseline", str(kept), "--out", "mine")
    assert done.code == 2
    assert "it has nothing of the model 'never', but of 'oracle'" in done.err
    assert not (project / "mine").exists()


def test_a_resumed_run_is_checked_as_well(command: Command, kept: Path) -> None:
    command("run", "-m", "never", "--out", "mine")
    done = command("resume", "mine", "--baseline", str(kept))
    assert done.code == 2
    assert "it has nothing of the model 'never', but of 'oracle'" in done.err


def test_another_suite_is_refused(command: Command, project: Path, kept: Path) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("name: Star", "name: Planet"))
    done = command("run", "-m", "oracle", "--baseline", str(kept))
    assert done.code == 2
    assert "it has nothing of the suite 'Planet', but of 'Star'" in done.err


def test_models_and_parts_of_suites_join_what_is_kept(command: Command, kept: Path) -> None:
    keep(command, "-m", "never", "--only", "then b")
    lines = [line for line in kept.read_text().splitlines() if '"scenario"' in line]
    models = [json.loads(line.strip(" ,"))["model"] for line in lines]
    assert models == ["never", "oracle", "oracle"]


def test_an_invalid_run_is_refused_and_the_file_stays(
    command: Command, project: Path, kept: Path
) -> None:
    before = kept.read_text()
    (project / "my_models.py").write_text(MODELS)
    (project / "pyproject.toml").write_text("[tool.handoff-evals]\nretries = 0\n")
    assert command("run", "-m", "my_models:dead", "--out", "mine").code == 3
    done = command("baseline", "mine", str(kept))
    assert done.code == 3
    assert "no trial was scored (api_status_401 2)" in done.err
    assert f"{kept} was not written" in done.err.replace("\n", "")
    assert kept.read_text() == before


def test_an_unfinished_run_is_refused_with_what_finishes_it(
    command: Command, project: Path
) -> None:
    command("run", "-m", "oracle", "--out", "mine")
    trials = project / "mine" / "trials.jsonl"
    trials.write_text(trials.read_text().splitlines(keepends=True)[0])
    done = command("baseline", "mine", "b.json")
    assert done.code == 3
    assert "1 trials were not run. Finish it first: handoff-evals resume mine" in done.err
    assert not (project / "b.json").exists()
    assert command("resume", "mine").code == 0
    assert command("baseline", "mine", "b.json").code == 0


def test_a_baseline_needs_no_suite_and_asks_no_model(command: Command, project: Path) -> None:
    command("run", "-m", "oracle", "--out", "mine")
    (project / "evals" / "star" / "scenarios.yaml").unlink()
    done = command("baseline", "mine", "b.json")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere", "b.json"], "'nowhere' is no run folder"),
        (["mine", "evals/star/scenarios.yaml"], "not a baseline, because it is not JSON"),
        (["mine", "evals"], "can't be read"),
    ],
)
def test_a_run_or_a_file_that_is_none_exits_2(
    command: Command, words: list[str], says: str
) -> None:
    command("run", "-m", "oracle", "--out", "mine")
    done = command("baseline", *words)
    assert done.code == 2
    assert says in done.err


def test_a_run_appends_to_githubs_step_summary(
    command: Command, project: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "step.md"))
    (project / "step.md").write_text("before\n")
    done = command("run", "-m", "oracle", "--baseline", str(kept))
    assert done.code == 0, done.err
    text = (project / "step.md").read_text()
    assert text.startswith("before\n### Handoffs: no difference larger than 0.1\n")
    assert "| **oracle** | Star | **1.00** |" in text


def test_a_finished_run_is_shown_as_markdown(command: Command, project: Path, kept: Path) -> None:
    command("run", "-m", "oracle", "--out", "mine")
    done = command("show", "mine", "--baseline", str(kept), "--markdown", "out/a.md")
    assert done.code == 0, done.err
    assert "oracle against the baseline: no difference larger than 0.1" in done.out
    text = (project / "out" / "a.md").read_text()
    assert text.startswith("### Handoffs: no difference larger than 0.1\n")
    assert "| **oracle** | Star | **1.00** |" in text
    both = command("show", "mine", "Stays", "--markdown", "b.md")
    assert both.code == 2
    assert "leave out the LABEL" in both.err


def test_the_step_summary_says_first_that_a_gate_failed(
    command: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "step.md"))
    done = command("run", "-m", "never", "--min-accuracy", "0.9")
    assert done.code == 1
    lines = (project / "step.md").read_text().splitlines()
    assert lines[0] == "### Handoffs: a gate failed"
    assert lines[2] == "- never: accuracy 0.750 (observed) is below --min-accuracy 0.9"


def test_a_comparison_is_written_as_markdown(command: Command, project: Path) -> None:
    command("run", "-m", "oracle", "-m", "never", "--out", "mine")
    done = command("compare", "mine", "--markdown", "a.md")
    assert done.code == 4, done.err
    text = (project / "a.md").read_text()
    assert text.startswith("### Handoffs: models compared\n\n- **never against oracle: can't tell")


def test_a_scenario_with_an_id_is_compared_across_a_new_label(
    command: Command, project: Path
) -> None:
    path = project / "evals" / "star" / "scenarios.yaml"
    path.write_text(
        path.read_text().replace("  - label: Stays\n", "  - id: SCN_1\n    label: Stays\n")
    )
    keep(command, "-m", "oracle")
    path.write_text(path.read_text().replace("label: Stays\n", "label: Does not move\n"))
    done = command("run", "-m", "oracle", "--baseline", "b.json")
    assert done.code == 0, done.err
    assert "not compared" not in done.out
