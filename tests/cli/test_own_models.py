"""`--model own`: each agent answers by its own model, and the run says by which."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]

AGENTS = """
import re
from livekit.agents import AgentSession
from handoff_evals import ScriptedLLM, tool_call
from tests.support.star import Star

class Named(ScriptedLLM):
    def __init__(self, name, script):
        super().__init__(script)
        self.name = name

    @property
    def model(self):
        return self.name

def routes(request):
    node = re.search(r"node=(.)", request.chat_ctx.messages()[0].text_content)[1]
    wanted = re.search(r"want=(.)", request.last_user_text)[1]
    return "Here." if wanted == node else tool_call(f"to_{wanted}")

def call():
    first = Star("a")
    first.update_options(llm=Named("large", routes))
    return first, AgentSession(llm=Named("small", lambda request: "Here."))
"""
SUITE = """
name: Own
agent: own_agents:call
scenarios:
  - label: Through b to c
    turns:
      - user: "c=0 t=1 want=a"
        expect: {agent: star, where: {node: a}}
      - user: "c=0 t=2 want=b"
        expect: {agent: star, where: {node: b}}
      - user: "c=0 t=3 want=c"
        expect: {agent: star, where: {node: c}}
"""


@pytest.fixture
def suite(project: Path) -> str:
    (project / "own_agents.py").write_text(AGENTS)
    path = project / "own.yaml"
    path.write_text(SUITE)
    return str(path)


def test_the_run_says_which_model_made_each_decision(
    command: Command, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    done = command("run", suite, "-m", "own", "--out", "mine")
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert ["star[node=a]", "large", "2", "2", "(1.00)"] in lines
    assert ["star[node=b]", "small", "1", "0", "(0.00)"] in lines
    [failed] = [line for line in done.out.splitlines() if "Through b to c, turn 3" in line]
    assert failed.endswith("[small]")

    summary = json.loads(Path("mine/summary.json").read_text())
    assert summary["models"]["own"]["deciders"] == [
        {"agent": "star[node=a]", "model": "large", "decisions": 2, "correct": 2},
        {"agent": "star[node=b]", "model": "small", "decisions": 1, "correct": 0},
    ]
    assert {each["asked"] for each in summary["failures"] if each["name"] == "handoff"} == {"small"}


def test_a_model_that_stands_in_for_all_needs_no_such_table(command: Command) -> None:
    done = command("run", "-m", "oracle", "--out", "mine")
    assert "which model decided" not in done.out
    summary = json.loads(Path("mine/summary.json").read_text())
    assert {each["model"] for each in summary["models"]["oracle"]["deciders"]} == {"oracle"}
