"""A user's model with the name of a reference model, in a run and its reports."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Command = Callable[..., Any]


def test_a_run_on_a_model_named_like_a_reference_shows_its_failures_and_leaves_room_for_chance(
    command: Command, project: Path
) -> None:
    (project / "never_answers.py").write_text(
        "from handoff_evals import ScriptedLLM\n"
        "def oracle(): return ScriptedLLM(lambda request: 'I see.')\n"
    )
    words = ("run", "-m", "never_answers:oracle", "-m", "never")
    command(*words, "--out", "mine")
    command("baseline", "mine", "b.json")
    kept = project / "b.json"
    kept.write_text(kept.read_text().replace('"outcome": "missed"', '"outcome": "correct"'))
    done = command(*words, "--baseline", "b.json")
    command("show", "mine", "--markdown", "mine.md")

    shown = [line for line in done.out.splitlines() if line.endswith(": what went wrong")]
    assert shown == ["never_answers:oracle: what went wrong"]
    _, failed = (project / "mine.md").read_text().split("What went wrong")
    rows = [line.split(" | ")[0] for line in failed.splitlines() if "handoff: " in line]
    assert rows == ["| never_answers&#58;oracle"]
    assert "never: regressed against the baseline" in done.err
    assert "never_answers:oracle: can't tell against the baseline" in done.err
    traits = json.loads((project / "mine/manifest.json").read_text())["traits"]
    assert [traits[each]["reference"] for each in ("never_answers:oracle", "never")] == [
        False,
        True,
    ]
