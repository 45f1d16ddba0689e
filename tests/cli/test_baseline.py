"""`handoff-evals run --baseline` and `--markdown`: gates, files and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
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
    """The oracle's run, kept."""
    done = command("run", "-m", "oracle", "--baseline", "b.json", "--update-baseline")
    assert done.code == 0, done.err
    return project / "b.json"


def broken(path: Path) -> None:
    """Let the kept run have done what it missed."""
    text = path.read_text().replace('"outcome": "missed"', '"outcome": "correct"')
    path.write_text(text.replace('"status": "failed"', '"status": "passed"'))


def test_a_run_that_does_as_it_did_passes(command: Command, kept: Path) -> None:
    done = command("run", "-m", "oracle", "--baseline", str(kept))
    assert done.code == 0, done.err
    assert "oracle against the baseline: no difference larger than 0.1: 0 newly failing" in done.out


def test_a_decision_that_newly_fails_exits_1_and_is_named(command: Command, project: Path) -> None:
    command("run", "-m", "never", "--baseline", "b.json", "--update-baseline")
    broken(project / "b.json")
    done = command("run", "-m", "never", "--baseline", "b.json")
    assert done.code == 1
    assert "never: regressed against the baseline b.json" in done.err
    assert "worse: Star / Stays, then b, turn 2: correct, now missed" in done.out


def test_json_on_standard_output_stays_json(command: Command, kept: Path) -> None:
    done = command("run", "-m", "oracle", "--baseline", str(kept), "--json")
    assert json.loads(done.out)["schema"] == 1
    assert "oracle against the baseline: no difference larger than 0.1" in done.err


def test_an_update_accepts_what_has_become_worse(command: Command, project: Path) -> None:
    command("run", "-m", "never", "--baseline", "b.json", "--update-baseline")
    broken(project / "b.json")
    done = command("run", "-m", "never", "--baseline", "b.json", "--update-baseline")
    assert done.code == 0, done.err
    assert "never against the baseline: regressed" in done.out
    assert '"missed"' in (project / "b.json").read_text()


def test_a_flip_of_a_live_model_alone_can_not_be_told_from_chance(
    command: Command, project: Path
) -> None:
    (project / "my_models.py").write_text(MODELS)
    model = ("run", "-m", "my_models:deaf", "--baseline", "b.json")
    command(*model, "--update-baseline")
    broken(project / "b.json")
    done = command(*model)
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
    model = ("run", "-m", "my_models:deaf", "--baseline", "b.json")
    assert command(*model, "--update-baseline").code == 0
    kept = project / "b.json"
    assert '"carries"' in kept.read_text()
    kept.write_text(
        kept.read_text()
        .replace('"failed": [{"check": "carries", "turn": 1}], ', "")
        .replace('"status": "failed"', '"status": "passed"')
    )
    done = command(*model, "--min-accuracy", "0.9")
    assert done.code == 1, done.out
    assert "my_models:deaf against the baseline: regressed (carries): 40 newly failing" in done.out


def test_a_flip_of_replayed_answers_is_a_regression(command: Command, project: Path) -> None:
    (project / "my_models.py").write_text(MODELS)
    model = ("run", "-m", "my_models:deaf", "--baseline", "b.json", "--tapes", "tapes")
    command(*model, "--update-baseline", "--cassettes", "record")
    broken(project / "b.json")
    done = command(*model, "--cassettes", "replay")
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
        (["--baseline", "none.json"], "there is no baseline 'none.json': add --update-baseline"),
        (["--update-baseline"], "name it by --baseline FILE"),
        (["--baseline", "evals/star/scenarios.yaml"], "not a baseline, for it is no JSON"),
    ],
)
def test_a_baseline_that_is_not_there_exits_2(
    command: Command, project: Path, words: list[str], says: str
) -> None:
    done = command("run", "-m", "oracle", *words)
    assert done.code == 2
    assert says in done.err
    assert not (project / "runs").exists(), "no run was begun"


def test_another_model_is_refused_before_the_run(
    command: Command, project: Path, kept: Path
) -> None:
    done = command("run", "-m", "never", "--baseline", str(kept), "--out", "mine")
    assert done.code == 2
    assert "it has nothing of the model 'never', but of 'oracle'" in done.err
    assert not (project / "mine").exists()


def test_a_run_that_is_taken_up_is_checked_as_well(command: Command, kept: Path) -> None:
    command("run", "-m", "never", "--out", "mine")
    done = command("run", "--resume", "mine", "--baseline", str(kept))
    assert done.code == 2
    assert "it has nothing of the model 'never', but of 'oracle'" in done.err


def test_another_suite_is_refused(command: Command, project: Path, kept: Path) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("name: Star", "name: Planet"))
    done = command("run", "-m", "oracle", "--baseline", str(kept))
    assert done.code == 2
    assert "it has nothing of the suite 'Planet', but of 'Star'" in done.err


def test_models_and_parts_of_suites_join_what_is_kept(command: Command, kept: Path) -> None:
    update = ("--baseline", str(kept), "--update-baseline")
    command("run", "-m", "never", *update, "--only", "then b")
    lines = [line for line in kept.read_text().splitlines() if '"scenario"' in line]
    models = [json.loads(line.strip(" ,"))["model"] for line in lines]
    assert models == ["never", "oracle", "oracle"]


def test_an_invalid_run_is_never_kept(command: Command, project: Path) -> None:
    (project / "my_models.py").write_text(MODELS)
    words = ("--retries", "0", "--baseline", "b.json", "--update-baseline")
    done = command("run", "-m", "my_models:dead", *words)
    assert done.code == 3
    assert not (project / "b.json").exists()


def test_the_markdown_is_written_and_appended_to_githubs_summary(
    command: Command, project: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "step.md"))
    (project / "step.md").write_text("before\n")
    done = command("run", "-m", "oracle", "--baseline", str(kept), "--markdown", "out/a.md")
    assert done.code == 0, done.err
    text = (project / "out" / "a.md").read_text()
    assert text.startswith("### Handoffs: no difference larger than 0.1\n")
    assert "| **oracle** | Star | **1.00** |" in text
    assert (project / "step.md").read_text() == f"before\n{text}\n"


def test_the_markdown_says_first_that_a_gate_failed(command: Command, project: Path) -> None:
    done = command("run", "-m", "never", "--min-accuracy", "0.9", "--markdown", "a.md")
    assert done.code == 1
    lines = (project / "a.md").read_text().splitlines()
    assert lines[0] == "### Handoffs: a gate failed"
    assert lines[2] == "- never: accuracy 0.667 is below --min-accuracy 0.9"


def test_a_comparison_is_written_as_markdown(command: Command, project: Path) -> None:
    command("run", "-m", "oracle", "-m", "never", "--out", "mine")
    done = command("compare", "mine", "--markdown", "a.md")
    assert done.code == 4, done.err
    text = (project / "a.md").read_text()
    assert text.startswith("### Handoffs: models compared\n\n- **never against oracle: can't tell")
