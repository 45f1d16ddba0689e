"""How the time of a command grows with the trials of one scenario, and with the turns of a call.

```
python benchmarks/growth.py [SIZE ...]
```

The exponent is that between the smallest and the largest size: 1 is in proportion.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AGENTS = """
from livekit.agents import Agent, AgentSession
from handoff_evals import ScriptedLLM

def desk(llm=None):
    return Agent(instructions="You are the desk."), AgentSession(llm=llm)

def talks():
    return ScriptedLLM(lambda _: "I see.")
"""
SUITE = """
agent: growing:desk
scenarios:
  - label: Only one
    turns:
      - {user: Hello, expect: {agent: default_agent}}
"""


def seconds(folder: Path, *words: str) -> float:
    """How long a command takes.

    Raises:
        RuntimeError: when it is used wrongly.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "handoff_evals", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode in {2, 3}:
        raise RuntimeError(done.stderr)
    return time.perf_counter() - began


def project(folder: Path) -> None:
    """A suite of one scenario."""
    (folder / "growing.py").write_text(AGENTS)
    (folder / "evals").mkdir()
    (folder / "evals" / "scenarios.yaml").write_text(SUITE)
    (folder / "pyproject.toml").write_text('[tool.handoff-evals]\ncassettes = "kept"\n')


def recording(folder: Path, turns: int) -> Path:
    """A recorded call of so many turns."""
    said = [
        {"type": "message", "role": role, "content": [f"Line {number} of {role}"]}
        for number in range(turns)
        for role in ("user", "assistant")
    ]
    path = folder / f"{turns}.json"
    path.write_text(json.dumps({"items": said}))
    return path


def main() -> None:
    """Print the table."""
    sizes = [int(word) for word in sys.argv[1:]] or [100, 400]
    times: dict[str, list[float]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            project(folder)
            run = ("run", "-m", "growing:talks", "--trials", str(size), "-q")
            commands = {
                "run": (*run, "--out", "run"),
                "record": (*run, "--cassettes", "auto", "--out", "record"),
                "replay": (*run, "--cassettes", "replay", "--out", "replay"),
                "show": ("show", "run"),
                "judge": ("judge", "run", "-q", "--out", "judged"),
                "baseline": ("baseline", "run", "kept.json"),
                "import": ("import", str(recording(folder, size))),
            }
            start = seconds(folder, "--version")
            for command, words in commands.items():
                times.setdefault(command, []).append(seconds(folder, *words) - start)
    print(f"{'':10}", *(f"{size:>8}" for size in sizes), " exponent")
    for command, found in times.items():
        power = math.log(max(found[-1], 1e-3) / max(found[0], 1e-3)) / math.log(
            sizes[-1] / sizes[0]
        )
        print(f"{command:10}", *(f"{each:8.2f}" for each in found), f"{power:9.2f}")


if __name__ == "__main__":
    main()
