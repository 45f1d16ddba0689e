"""What a kill in the middle of recording leaves behind."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCENARIOS = 20
REQUESTS = 6 * SCENARIOS
"""Two a turn: one for the handoff, one for the new agent's words."""
KILLS = 2

MODELS = """
from handoff_evals import ScriptedLLM, tool_call


def obedient():
    def answer(request):
        print("asked", flush=True)
        want = request.last_user_text.rpartition("=")[2]
        there = f"to_{want}"
        return tool_call(there) if there in request.tool_names else "Here I am."
    return ScriptedLLM(answer)
"""


def write_project(folder: Path) -> None:
    """A suite of twenty scenarios, and a model that does as it is told."""
    scenarios: list[dict[str, Any]] = [
        {
            "label": f"conversation {number}",
            "turns": [
                {"user": f"c={number} t={turn} want={node}", "expect": {"where": {"node": node}}}
                for turn, node in enumerate("bca")
            ],
        }
        for number in range(SCENARIOS)
    ]
    for scenario in scenarios:
        for turn in scenario["turns"]:
            turn["expect"]["agent"] = "star"
    suite = {"name": "Star", "agent": "tests.support.star:patient_call", "scenarios": scenarios}
    (folder / "evals").mkdir()
    (folder / "evals" / "scenarios.yaml").write_text(yaml.safe_dump(suite))
    (folder / "my_models.py").write_text(MODELS)


def start(folder: Path, mode: str, *more: str) -> subprocess.Popen[str]:
    """Start the command line in the folder."""
    main = "from handoff_evals.cli.main import main; main()"
    words = ["run", "-m", "my_models:obedient", "--cassettes", mode, *more]
    return subprocess.Popen(
        [sys.executable, "-c", main, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(folder: Path) -> list[bytes]:
    """All lines of the cassette files."""
    return [
        line
        for path in sorted((folder / "fixtures").rglob("*.jsonl"))
        for line in path.read_bytes().splitlines(keepends=True)
    ]


def places(folder: Path) -> Counter[Any]:
    """What is recorded, and how often."""
    return Counter(
        (path.name, entry["key"], entry["occurrence"])
        for path in (folder / "fixtures").rglob("*.jsonl")
        for entry in map(json.loads, path.read_text().splitlines())
    )


@pytest.mark.usefixtures("preloaded_python")
def test_a_kill_while_recording_breaks_no_cassette_and_nothing_is_recorded_twice(
    tmp_path: Path,
) -> None:
    write_project(tmp_path)
    random = Random(7)
    for kill in range(KILLS):
        with start(tmp_path, "auto", "--out", f"killed{kill}") as recording:
            assert recording.stdout is not None
            for _ in range(random.randint(1, REQUESTS // KILLS)):
                assert recording.stdout.readline() == "asked\n"
            recording.kill()
        # At most the last line of a file may be cut short, and it is no exchange.
        assert all(json.loads(line) for line in lines(tmp_path) if line.endswith(b"\n"))

    before = len(lines(tmp_path))
    with start(tmp_path, "auto", "--out", "whole") as whole:
        _, told = whole.communicate()
    assert whole.returncode == 0, told
    recorded = places(tmp_path)
    assert before < len(recorded) == REQUESTS
    assert set(recorded.values()) == {1}

    with start(tmp_path, "replay", "--out", "again") as again:
        _, told = again.communicate()
    assert again.returncode == 0, told
    assert f"{REQUESTS} answers replayed, 0 requests asked a model" in told
