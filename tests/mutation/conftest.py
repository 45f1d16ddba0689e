"""A project with two agents on a framework of its own: livekit's names, and none of its weight."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_evals.mutation import MutationRun, Session, chosen_operators, select

FRAMEWORK = """
class Agent:
    def __init__(self, *, instructions, chat_ctx=None):
        self.instructions, self.chat_ctx = instructions, chat_ctx

def function_tool(function):
    return function
"""

AGENTS = '''
"""A shop."""

from framework import Agent, function_tool


class Front(Agent):
    def __init__(self, *, chat_ctx=None):
        super().__init__(instructions="You are the front desk.", chat_ctx=chat_ctx)

    @function_tool
    def to_billing(self):
        """Transfer to billing."""
        return Billing(chat_ctx=self.chat_ctx), "Billing takes over."


class Billing(Agent):
    def __init__(self, *, chat_ctx=None):
        super().__init__(instructions="You are billing.", chat_ctx=chat_ctx)
'''

POOR = """
from shop import Front

def test_it_hands_over():
    agent, _ = Front().to_billing()
    assert agent
"""

GOOD = """
from shop import Billing, Front

class Said(list):
    copy = lambda self: Said(self)
    items = property(lambda self: self)
    add_message = lambda self, **message: self.append(message)

def test_the_prompts_and_tools_are_there():
    assert "front desk" in Front().instructions
    assert "billing" in Billing().instructions
    assert "Transfer" in Front.to_billing.__doc__

def test_billing_gets_the_message_and_all_that_was_said():
    agent, message = Front(chat_ctx=Said(["a", "b"])).to_billing()
    assert type(agent) is Billing
    assert agent.chat_ctx == ["a", "b"]
    assert "Billing" in message
"""

Project = Callable[..., Path]
Broken = Callable[..., MutationRun]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Write the shop with a test file, and further files by name."""
    # Quicker, and none of the plugins of this environment is the user's.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.chdir(tmp_path)

    def write(tests: str, **files: str) -> Path:
        files = {"framework": FRAMEWORK, "shop": AGENTS, "evals/test_shop": tests, **files}
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
        (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
        return tmp_path

    return write


@pytest.fixture
def examine() -> Broken:
    """Run the tests of a project against the mutants of some operators."""

    def run(folder: Path, *operators: str, timeout_s: float | None = None) -> MutationRun:
        session = Session(
            select(["shop"], tests=[], folder=folder),
            operators=chosen_operators(operators),
            folder=folder,
            jobs=2,
            timeout_s=timeout_s,
        )
        assert len(list(session.results())) == session.total
        return session.run

    return run
