"""`handoff-evals compare`: what stands in the text, and the same in its JSON."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def run(command: Command, project: Path) -> Path:
    """A run of two models, of which one has a price."""
    done = command("run", "-m", "never", "-m", "oracle", "--trials", "2", "--out", "mine")
    assert done.code == 0, done.err
    manifest = project / "mine" / "manifest.json"
    told = json.loads(manifest.read_text())
    told["prices"] = {"oracle": {"prompt": 2, "completion": 8}}
    manifest.write_text(json.dumps(told))
    return project / "mine"


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the tables, by the first one."""
    cells = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    return {first: rest for first, *rest in cells if rest}


def test_the_text_has_everything_that_a_verdict_needs(
    command: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    done = command("compare", str(run))
    assert done.code == 4, done.err
    found = rows(done.out)
    assert found["accuracy"] == ["0.75", "1.00"]
    intervals = (*found["passed, interval"], *found["accuracy, interval"])
    assert all(re.fullmatch(r"\[0\.\d\d, [01]\.\d\d\]", cell) for cell in intervals)
    assert found["unscored, not run"] == ["0, 0", "0, 0"]
    assert found["pass^2"] == ["0.50 [0.01, 0.99]", "1.00 [0.16, 1.00]"]
    for title in ("first token, median s", "seconds a decision", "tokens a decision"):
        assert all(float(cell) > 0 for cell in found[title]), title
    assert found["seam, median s"][0] == "-"
    assert float(found["seam, median s"][1]) >= 0
    assert found["cost"][0] == found["cost a decision"][0] == "-"
    assert float(found["cost"][1]) == pytest.approx(
        6 * float(found["cost a decision"][1]), rel=0.01
    )
    assert found["star[node=b]"] == ["- 0.00", "1.00 1.00"]
    assert "oracle against never: can't tell" in done.out
    assert "These 2 scenarios: 0 passed less often, 1 more often, 1 as often" in done.out
    assert "Scenarios like these (of Star): the share that passes differs by +0.500 [" in done.out
    assert "All expected decisions: the share that is correct differs by +0.250 [" in done.out
    assert "So few scenarios find no loss 4 times in 5. To find 0.1: about " in done.out
    assert "+1.00 Star / Stays, then b: turn 2: missed / correct" in done.out


def test_the_json_has_the_same_and_all_of_it(command: Command, run: Path) -> None:
    found = json.loads(command("compare", str(run), "--json").out)
    assert found["schema"] == 2
    never, oracle = found["sides"]
    assert [never["name"], oracle["name"]] == ["never", "oracle"]
    summary = oracle["summary"]
    assert summary["accuracy"]["low"] < summary["accuracy"]["high"]
    assert summary["per_agent"]["star[node=b]"] == {"precision": 1, "recall": 1}
    assert summary["trials"]["causes"] == {}
    assert summary["ttft_s"]["median"] > 0
    assert summary["seam_s"]["median"] >= 0
    tokens = summary["tokens"]
    assert summary["cost"] == pytest.approx((tokens["prompt"] * 2 + tokens["completion"] * 8) / 1e6)
    assert oracle["a_decision"] == {
        "seconds": pytest.approx(summary["wall_s"] / 6),
        "tokens": pytest.approx((tokens["prompt"] + tokens["completion"]) / 6),
        "cost": pytest.approx(summary["cost"] / 6),
    }
    assert never["summary"]["cost"] is never["a_decision"]["cost"] is None
    [pair] = found["pairs"]
    assert (pair["a"], pair["b"], pair["verdict"]) == ("never", "oracle", "can't tell")
    difference = pair["overall"]["difference"]
    assert difference["low"] < difference["value"] == 0.5 < difference["high"]
    assert pair["all_decisions"]["value"] == pytest.approx(0.25)
    assert pair["headline"] == "oracle against never: can't tell"
    assert len(pair["sentences"]) == 2
    assert "4 times in 5" in pair["next_step"]
    [differs] = pair["disagreements"]
    assert differs["scenario"] == "Stays, then b"
    assert differs["a"] == ["turn 1: correct", "turn 2: missed"]


def test_a_run_of_one_model_needs_another(command: Command, project: Path) -> None:
    command("run", "-m", "never", "--out", "mine")
    done = command("compare", str(project / "mine"))
    assert done.code == 2
    assert "holds one model, 'never'" in done.err


def test_runs_of_different_suites_are_refused_with_what_differs(
    command: Command, project: Path
) -> None:
    command("run", "-m", "never", "--out", "before")
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(suite.read_text().replace("Stays\n", "Stays put\n"))
    command("run", "-m", "never", "--out", "after")
    done = command("compare", "before", "after")
    assert done.code == 2
    assert "can't be compared: the scenarios of 'Star' are not the same" in done.err
