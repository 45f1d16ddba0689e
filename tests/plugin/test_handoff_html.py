"""`--handoff-html`: all conversations of the tests, as one HTML file."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.plugin.conftest import PRELOADED, Project

SUITE = """
scenarios:
  - label: To the workshop
    tags: {route: workshop}
    turns: [{user: My bike is broken, expect: {agent: workshop}}]
  - label: Nothing to say
    turns: [{user: Hello, expect: {calls: []}}]
"""

TESTS = """
from handoff_evals import ScriptedLLM
from shop import FrontDesk


async def test_hello(agent_call):
    call = await agent_call(FrontDesk, llm=ScriptedLLM(["Good morning."]))
    await call.say("Hello?")


async def test_workshop(agent_call):
    call = await agent_call(FrontDesk, llm=ScriptedLLM(["One moment."]))
    turn = await call.say("My bike is broken.")
    assert turn.said == "The workshop takes over."
"""


def index(page: str) -> Any:
    [found] = re.findall(r'<template id="index">(.*?)</template>', page)
    return json.loads(gzip.decompress(base64.b64decode(found)))


@pytest.mark.usefixtures("preloaded_python")
@pytest.mark.parametrize("more", [(), ("-n1", *PRELOADED)], ids=["here", "with xdist"])
def test_every_scenario_that_ran_stands_in_the_page(
    project: Project, scenarios: Callable[[str], None], more: tuple[str, ...]
) -> None:
    scenarios(SUITE)
    result = project.run("--handoff-html=build/page.html", *more)
    result.stdout.fnmatch_lines([f"handoff report: {project.path / 'build' / 'page.html'}"])
    page = (project.path / "build" / "page.html").read_text()
    found = {each["scenario"]: each for each in index(page)["entries"]}
    assert set(found) == {"To the workshop", "Nothing to say"}
    assert found["To the workshop"]["tags"] == {"route": "workshop"}
    failed = sum(each["sides"][0]["status"] == "failed" for each in found.values())
    wanted = f"{failed} failed, of 2 conversations" if failed else "all 2 conversations passed"
    assert wanted in page


def test_the_calls_of_python_tests_stand_in_it_with_what_the_test_said(project: Project) -> None:
    project.write("test_shop.py", TESTS)
    project.run("--handoff-html=page.html").assert_outcomes(passed=1, failed=1)
    page = (project.path / "page.html").read_text()
    found = {each["scenario"]: each for each in index(page)["entries"]}
    assert {name: each["sides"][0]["status"] for name, each in found.items()} == {
        "test_hello": "passed",
        "test_workshop": "failed",
    }
    assert found["test_workshop"]["suite"] == "test_shop.py"
    assert found["test_workshop"]["sides"][0]["failed"] == ["test"]
    assert "1 failed, of 2 conversations" in page
    assert "Of scenarios like these" not in page  # a script says nothing of other scenarios


def test_without_a_call_nothing_is_written(project: Project) -> None:
    project.write("test_shop.py", "def test_nothing(): ...\n")
    result = project.run("--handoff-html=page.html")
    result.stdout.fnmatch_lines(["*no test called an agent, so nothing was written"])
    assert not (project.path / "page.html").exists()


def test_a_folder_is_refused_before_anything_runs(project: Project) -> None:
    result = project.run("--handoff-html=.")
    result.stderr.fnmatch_lines(["*is a folder: name a file in it*"])
