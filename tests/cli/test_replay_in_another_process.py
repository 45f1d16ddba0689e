"""What one process recorded is replayed in another one, with another hash seed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handoff_evals.results import RunFolder

ROOT = Path(__file__).parents[2]
SUITE = """
name: Unsteady
agent: tests.support.unsteady:open_call
scenarios:
  - label: A ticket
    turns:
      - user: A ticket, please.
        expect: {agent: desk, calls: [open_ticket, confirm]}
  - label: Signs up
    turns:
      - {user: Sign me up.}
      - {user: It is Ann.}
      - {user: It is Rome.}
      - {user: It is 44.}
"""
CONFIG = r"""
[tool.handoff-evals]
mask = [
  '\bT-[0-9a-f]{8}\b', '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', "'at': ([0-9.]+)",
  'Today is (\w+)',
]
"""


def run(mode: str) -> list[str]:
    """The words of a run that writes to a folder of the mode's name."""
    model = "tests.support.unsteady:play"
    return ["run", "-m", model, "--cassettes", mode, "--quiet", "--out", f"runs/{mode}"]


def test_nothing_is_missed(command: Callable[..., Any], project: Path) -> None:
    (project / "evals" / "star" / "scenarios.yaml").write_text(SUITE)
    (project / "pyproject.toml").write_text(CONFIG)
    # This process has a seed of its own, by chance or from the environment.
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    subprocess.run(
        [sys.executable, "-m", "handoff_evals", *run("record")],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        check=True,
    )

    done = command(*run("replay"))

    assert done.code == 0, done.err
    trials = list(RunFolder.open(project / "runs" / "replay").trials())
    calls = [call for trial in trials for call in trial.transcript.model_calls]
    assert len(calls) == 11
    assert all(call.replayed for call in calls)
