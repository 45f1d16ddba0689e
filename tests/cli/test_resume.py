"""`handoff-evals resume` goes on with the agents that a run was begun with, and no others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

AGENTS = """
import json
from pathlib import Path
from livekit.agents import Agent, AgentSession

DATA = json.loads((Path(__file__).parent / "agents.json").read_text())

def open_call(model):
    return Agent(instructions=DATA["desk"]), AgentSession(llm=model)
"""
SUITE = """
name: Data
agent: agents_of_data:open_call
scenarios:
  - {label: One, turns: [{user: Hello, expect: {agent: default_agent}}]}
  - {label: Two, turns: [{user: Hello, expect: {agent: default_agent}}]}
"""


def test_agents_that_are_made_from_a_file_are_not_mixed(
    command: Callable[..., Any], project: Path
) -> None:
    (project / "agents_of_data.py").write_text(AGENTS)
    (project / "agents.json").write_text('{"desk": "You are kind."}')
    (project / "evals" / "star" / "scenarios.yaml").write_text(SUITE)
    assert command("run", "-m", "oracle", "--out", "one").code == 0
    trials = project / "one" / "trials.jsonl"
    first = trials.read_text().splitlines(keepends=True)[0]

    trials.write_text(first)
    assert command("resume", "one").code == 0
    assert len(trials.read_text().splitlines()) == 2

    trials.write_text(first)
    (project / "agents.json").write_text('{"desk": "You are rude."}')
    done = command("resume", "one")
    assert done.code == 2
    assert "'one' can't be resumed, its trials would not compare: of agent" in done.err
    assert "agents.json" in done.err
    assert trials.read_text() == first
