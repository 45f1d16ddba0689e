"""`--workers`: conversations in worker processes, and agents that end them."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

_AGENTS = """
import ctypes
import os

from livekit.agents import Agent, function_tool


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(id="desk", instructions="You answer.")

    @function_tool
    async def go(self) -> str:
        self.harm()
        return "gone"

    def harm(self) -> None:
        pass


class ClosesItsFiles(Desk):
    def harm(self) -> None:
        os.closerange(3, 200)


class IsKilled(Desk):
    def harm(self) -> None:
        ctypes.CDLL(None).kill(os.getpid(), 9)


class Crashes(Desk):
    def harm(self) -> None:
        ctypes.string_at(0)
"""
_SUITE = """
name: {agent}
agent: harmful:{agent}
scenarios:
  - {{label: {agent}, turns: [{{user: "Hello?", expect: {{agent: desk}}}}]}}
"""


def write(project: Path, *agents: str) -> None:
    (project / "harmful.py").write_text(_AGENTS)
    (project / "evals" / "star" / "scenarios.yaml").unlink()
    for agent in agents:
        path = project / "evals" / agent / "scenarios.yaml"
        path.parent.mkdir()
        path.write_text(_SUITE.format(agent=agent))


def causes(project: Path) -> dict[str, list[str]]:
    lines = (project / "r" / "trials.jsonl").read_text().splitlines()
    trials = [json.loads(line) for line in lines]
    assert len({trial["key"]["scenario"] for trial in trials}) == len(trials)
    return {
        trial["key"]["scenario"]: [fault["cause"] for fault in trial["transcript"]["faults"]]
        for trial in trials
    }


@pytest.mark.usefixtures("preloaded_python")
def test_a_worker_that_dies_costs_the_trial_that_ended_it_and_no_other(
    command: Command, project: Path
) -> None:
    write(project, "Desk", "ClosesItsFiles", "Crashes", "IsKilled")

    done = command(
        *("run", "-m", "tests.support.crashing:calls_the_tool", "--out", "r", "--workers", "2")
    )

    assert done.code == 3  # what was killed is unscored
    assert causes(project) == {
        "Desk": [],
        "ClosesItsFiles": ["ended_process"],
        "Crashes": ["ended_process"],
        "IsKilled": ["worker_killed"],
    }
    assert "1 of 4 trials are unscored (worker_killed 1)" in done.err


@pytest.mark.parametrize("written", ["0", "-1", "many"])
def test_a_number_of_workers_that_is_none_is_bad_input(command: Command, written: str) -> None:
    done = command("run", "-m", "oracle", f"--workers={written}")

    assert done.code == 2
    assert f"--workers {written!r}: write a number from 1 up, or `auto`" in done.err
