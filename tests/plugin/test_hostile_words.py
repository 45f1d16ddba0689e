"""What pytest prints of a conversation, in which no word does anything."""

import json
import re
from xml.etree import ElementTree as ET

from tests.cli.test_hostile_words import AGENTS, HOSTILE, assert_inert
from tests.plugin.conftest import Project

SUITE = """
name: {hostile}
agent: hostile_agents:desk
scenarios:
  - label: {hostile}
    tags: {{kind: {hostile}}}
    turns:
      - user: {hostile}
        expect: {{agent: other, carries: [{hostile}]}}
"""
TESTS = """
import logging
from hostile_agents import HOSTILE, Hostile, talks

async def test_livekits_own_assertion(agent_call):
    call = await agent_call(Hostile(), llm=talks())
    turn = await call.say(HOSTILE)
    logging.getLogger("livekit.agents").error(HOSTILE)
    turn.expect.next_event().is_message(role="user")

async def test_an_assertion_of_ours(agent_call):
    call = await agent_call(Hostile(), llm=talks())
    turn = await call.say(HOSTILE)
    turn.expect.handoff(Hostile, "other")

async def test_a_plain_assert(agent_call):
    call = await agent_call(Hostile(), llm=talks())
    await call.say(HOSTILE)
    assert call.active_agent_id == "nobody"
"""


def test_failures_show_hostile_words_and_the_junit_is_valid(project: Project) -> None:
    quoted = json.dumps(HOSTILE)
    project.write("hostile_agents.py", AGENTS.format(hostile=HOSTILE))
    project.write("evals/scenarios.yaml", SUITE.format(hostile=quoted))
    project.write("test_hostile.py", TESTS)
    result = project.run(
        "evals", "test_hostile.py", "-vra", "--junitxml=report.xml",
        "--handoff-model", "hostile_agents:talks",
    )  # fmt: skip
    result.assert_outcomes(failed=4)
    shown = result.stdout.str()
    # A test's own id has its `::` from pytest.
    assert_inert(re.sub(r"(?m)^E?\s+(assert|\?).*$", "", shown))
    assert "x1b]52;c;QUJD" in shown
    cases = ET.parse(project.path / "report.xml").getroot().iter("testcase")  # noqa: S314 - ours
    assert len(list(cases)) == 4
