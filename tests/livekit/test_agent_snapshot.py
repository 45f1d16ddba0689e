"""What is seen of an agent, and whether the code behind it is still the same."""

import importlib.util
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from handoff_evals.diff.rehearsal import Rehearser
from handoff_evals.drivers import Limits
from handoff_evals.livekit import AgentEntry, look_at
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Suite, Target

SOURCE = '''
from livekit.agents import Agent, AgentSession, RunContext, function_tool, inference

LIMIT = 3
WORDS = {"a", "b", "c"}

def helper():
    return f"told {LIMIT}"

class Desk(Agent):
    """The desk."""
    greeting = "Hello."

    def __init__(self):
        super().__init__(instructions="You are the desk.", llm=inference.LLM("openai/gpt-4.1-mini"))

    async def on_enter(self):
        self.session.say(self.greeting)

    @function_tool
    async def to_billing(self, context: RunContext, reason: str):
        """Go to billing."""
        if reason in WORDS:
            helper()
        return Billing()

class Billing(Agent):
    def __init__(self):
        super().__init__(instructions="You are billing.", min_consecutive_speech_delay=1.5)

    async def on_enter(self):
        self.session.say("Billing.")

def call(model):
    return Desk(), AgentSession(llm=model, max_tool_steps=7)
'''


def module(folder: Path, source: str = SOURCE) -> ModuleType:
    folder.mkdir(exist_ok=True)
    path = folder / "desk_module.py"
    path.write_text(textwrap.dedent(source))
    spec = importlib.util.spec_from_file_location("desk_module", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["desk_module"] = made
    spec.loader.exec_module(made)
    return made


def digests(folder: Path, source: str) -> tuple[str, str]:
    """Of the agent, and of its tool."""
    found: Any = module(folder, source)
    look = look_at(found.Desk(), label="desk", folder=folder)
    return look.code, look.tools["to_billing"].code


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "desk_module", ModuleType("desk_module"))
    monkeypatch.setenv("LIVEKIT_API_KEY", "k" * 40)
    monkeypatch.setenv("LIVEKIT_API_SECRET", "s" * 40)


@pytest.mark.parametrize(
    ("old", "new", "agent_differs", "tool_differs"),
    [
        ("LIMIT = 3", "LIMIT = 3  # a comment", False, False),
        ('"""The desk."""', '"""Another docstring."""', False, False),
        ('"""Go to billing."""', '"""Go to the billing desk."""', False, False),
        ('{"a", "b", "c"}', '{"c", "b", "a"}', False, False),
        ("LIMIT = 3", "LIMIT = 4", False, True),
        ('f"told {LIMIT}"', 'f"heard {LIMIT}"', False, True),
        ('{"a", "b", "c"}', '{"a", "b"}', False, True),
        ('"Hello."', '"Good morning."', True, False),
        ("min_consecutive_speech_delay=1.5", "min_consecutive_speech_delay=2.5", False, False),
    ],
)
def test_the_digest_covers_what_would_run_and_nothing_else(
    tmp_path: Path,
    old: str,
    new: str,
    agent_differs: bool,  # noqa: FBT001 - from the table
    tool_differs: bool,  # noqa: FBT001 - as above
) -> None:
    assert old in SOURCE
    before = digests(tmp_path / "before", SOURCE)
    after = digests(tmp_path / "after", SOURCE.replace(old, new))
    assert (before[0] != after[0], before[1] != after[1]) == (agent_differs, tool_differs)


async def test_agents_are_looked_at_as_they_take_the_call(tmp_path: Path) -> None:
    found: Any = module(tmp_path)
    turn = ScriptedTurn(user="Money.", expect=Expectation(agent=Target(id="billing")))
    scenario = Scenario(label="Money", turns=(turn,))
    rehearser = Rehearser(
        entry=AgentEntry.of(found.call),
        suite=Suite(name="Any", agent="desk_module:call", scenarios=(scenario,)),
        limits=Limits(),
        folder=tmp_path,
    )
    rehearsal = await rehearser.run(scenario)
    assert rehearsal.passed
    assert rehearsal.session["max_tool_steps"] == "7"
    desk, billing = rehearsal.looks
    assert desk.instructions == "You are the desk."
    assert desk.options["llm"].startswith("livekit/openai/gpt-4.1-mini"), "its own, not the run's"
    assert desk.tools["to_billing"].leads_to == ("billing",)
    assert desk.tools["to_billing"].parameters["required"] == ["reason"]
    assert billing.options == {"min_consecutive_speech_delay": "1.5"}
    assert rehearser.classes >= {"Desk", "Billing"}
