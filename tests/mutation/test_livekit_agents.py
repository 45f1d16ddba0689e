"""The real framework, the real plugin: scenario files and the tests of a user."""

import textwrap
from pathlib import Path

import pytest

from handoff_evals.mutation import Session, chosen_operators, select

AGENTS = '''
from livekit.agents import Agent, RunContext, function_tool


@function_tool
async def to_billing(context: RunContext):
    """Transfer to billing."""
    said = context.session.current_agent.chat_ctx.copy(exclude_instructions=True)
    return BillingAgent(chat_ctx=said)


class FrontAgent(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are the front desk.", tools=[to_billing])

    async def on_enter(self) -> None:
        self.session.say("Hello!")


class BillingAgent(Agent):
    def __init__(self, chat_ctx) -> None:
        super().__init__(instructions="You are billing.", chat_ctx=chat_ctx)

    async def on_enter(self) -> None:
        self.session.generate_reply()
'''

SCENARIOS = """
agent: shop:FrontAgent
scenarios:
  - label: Charged twice
    turns:
      - user: My order is 4471.
        expect: {agent: front_agent}
      - user: I was charged twice.
        expect: {agent: billing_agent, carries: ["4471"]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two agents and a scenario file."""
    (tmp_path / "evals").mkdir()
    (tmp_path / "shop.py").write_text(textwrap.dedent(AGENTS))
    (tmp_path / "evals" / "scenarios.yaml").write_text(SCENARIOS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    return tmp_path


@pytest.mark.usefixtures("preloaded_python")
def test_a_scenario_file_kills_what_it_is_about_and_no_more(project: Path) -> None:
    session = Session(
        select([], tests=[], folder=project),
        operators=chosen_operators(
            [
                "handoff-tool-removed",
                "handoff-returns-same-agent",
                "context-emptied",
                "context-with-old-instructions",
                "context-truncated-to-one",
                "on-enter-silent",
            ]
        ),
        folder=project,
        jobs=2,
    )
    results = list(session.results())
    survived = {each.mutant.what for each in results if each.status == "survived"}
    assert survived == {"silent: no self.session.say('Hello!')", "said with the old instructions"}
    assert {each.status for each in results} == {"killed", "survived"}
    assert all(each.killed_by.endswith("Charged twice") for each in results if each.killed_by)
