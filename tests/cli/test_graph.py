"""`handoff-evals graph`: who hands over to whom, and what the suites ask about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.shapes import FLOW, FLOW_JSON, source

Command = Callable[..., Any]

AGENTS = '''
from livekit.agents import Agent, function_tool


class Front(Agent):
    def __init__(self):
        super().__init__(instructions="You are the front desk.")

    @function_tool
    async def to_billing(self):
        """Transfer to billing."""
        return Billing(chat_ctx=self.chat_ctx)


class Billing(Agent):
    def __init__(self, chat_ctx=None):
        super().__init__(instructions="You are billing.", chat_ctx=chat_ctx)

    @function_tool
    async def back(self):
        """Transfer back."""
        return Front()
'''
SUITE = """
name: Desk
agent: desk_agents:Front
scenarios:
  - label: Billing
    turns:
      - user: I want to pay.
        expect: {agent: billing}
"""


@pytest.fixture
def desk(project: Path) -> Path:
    (project / "desk_agents.py").write_text(AGENTS)
    (project / "evals" / "star" / "scenarios.yaml").write_text(SUITE)
    return project


@pytest.mark.usefixtures("desk")
def test_without_an_agent_it_draws_those_of_the_suites_and_what_they_ask_about(
    command: Command,
) -> None:
    done = command("graph")
    assert done.code == 0, done.err
    assert done.out.startswith("desk_agents:Front: 2 agents, 2 edges")
    assert "-> front (no scenario)" in done.out
    assert "by to_billing, context: self.chat_ctx" in done.out


@pytest.mark.usefixtures("desk")
def test_too_little_coverage_exits_with_1_and_says_what_is_missing(command: Command) -> None:
    done = command("graph", "--min-coverage", "0.9")
    assert done.code == 1
    assert "coverage 0.200 is below --min-coverage 0.9" in done.err
    assert "edge billing -> front" in done.err
    assert command("graph", "--min-coverage", "0.2").code == 0


def test_what_the_source_does_not_tell_a_rehearsal_shows(command: Command, project: Path) -> None:
    (project / "flow_graph.py").write_text(source(FLOW))
    (project / "flow.json").write_text(source(FLOW_JSON))
    done = command("graph", "flow_graph.py:server")
    assert "-> flow_agent[node=sales]\n       by goto_sales" in done.out
    read = command("graph", "flow_graph:server", "--no-rehearsal")
    assert "goto_sales" not in read.out


@pytest.mark.usefixtures("desk")
def test_the_format_goes_by_the_ending_of_the_file(command: Command, desk: Path) -> None:
    for name, begins in (("g.svg", "<svg"), ("g.dot", "digraph"), ("g.mmd", "flowchart")):
        assert command("graph", "desk_agents:Front", "--out", f"new/{name}").code == 0
        assert (desk / "new" / name).read_text().startswith(begins)


@pytest.mark.usefixtures("desk")
def test_a_run_adds_its_traffic(command: Command) -> None:
    assert command("run", "-m", "never", "--out", "mine").code == 0
    done = command("graph", "--run", "mine")
    assert "-> billing; 0 taken, 1 missed" in done.out


@pytest.mark.usefixtures("desk")
def test_a_run_names_the_edges_that_no_scenario_takes(command: Command) -> None:
    done = command("run", "-m", "oracle", "--out", "mine")
    assert "Desk: no scenario takes 1 of 2 edges: billing -> front" in done.err
    some = command("run", "-m", "oracle", "--out", "some", "--only", "Billing")
    assert "no scenario takes" not in some.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere:Agent"], "nowhere:Agent"),
        (["desk_agents:Front", "--min-coverage", "0.5"], "name them by --suite"),
        (["--suite", "nowhere"], "nowhere"),
        (["--run", "nowhere"], "nowhere"),
        (["desk_agents:Front", "--out", "evals"], "--out 'evals' can't be written"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_bad_input_exits_with_2(command: Command, words: list[str], says: str) -> None:
    done = command("graph", *words)
    assert done.code == 2
    assert says in done.err


def test_one_drawing_is_of_one_agent(command: Command, desk: Path) -> None:
    other = desk / "evals" / "other" / "scenarios.yaml"
    other.parent.mkdir()
    other.write_text(SUITE.replace("Desk", "Other").replace("Front", "Billing"))
    done = command("graph", "--format", "svg")
    assert done.code == 2
    assert "there are 2: desk_agents:Billing, desk_agents:Front" in done.err
