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


BEHIND = {
    "firm/__init__.py": "",
    "firm/desk.py": """
        from livekit.agents import Agent

        class Desk(Agent):
            async def on_enter(self) -> None:
                self.session.say("Hello!")
        """,
    "firm/people.py": """
        from livekit.agents import RunContext, function_tool

        from firm.desk import Desk

        Context = RunContext[None]
        WHO = {}

        @function_tool
        async def to_billing(ctx: Context):
            "Transfer to billing."
            return WHO["billing"](ctx)

        class Front(Desk):
            def __init__(self) -> None:
                super().__init__(instructions="You are the front desk.", tools=[to_billing])

        class Billing(Desk):
            def __init__(self) -> None:
                super().__init__(instructions="You are billing.")

        WHO["billing"] = lambda ctx: Billing()
        """,
    "factory.py": """
        def build(model):
            from livekit.agents import AgentSession

            from firm.people import Front

            return Front(), AgentSession(llm=model)
        """,
}


@pytest.mark.usefixtures("preloaded_python")
def test_agents_are_found_behind_a_factory_by_what_they_are_when_they_run(tmp_path: Path) -> None:
    for name, text in BEHIND.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    (tmp_path / "evals").mkdir()
    scenarios = SCENARIOS.replace("shop:FrontAgent", "factory:build").replace(
        "front_agent", "front"
    )
    scenarios = scenarios.replace('billing_agent, carries: ["4471"]', "billing")
    (tmp_path / "evals" / "scenarios.yaml").write_text(scenarios)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    session = Session(
        select([], tests=[], folder=tmp_path),
        operators=chosen_operators(
            ["handoff-returns-nothing", "on-enter-silent", "factory-argument-ignored"]
        ),
        folder=tmp_path,
        jobs=2,
    )
    results = list(session.results())
    assert {
        str(path): [(each.scope, each.operator.name) for each in mutants]
        for path, mutants in session.mutants.items()
    } == {
        "factory.py": [("build", "factory-argument-ignored")],
        "firm/desk.py": [("Desk.on_enter", "on-enter-silent")],
        "firm/people.py": [("to_billing", "handoff-returns-nothing")],
    }
    killed = {each.mutant.operator.name for each in results if each.status == "killed"}
    assert "handoff-returns-nothing" in killed
