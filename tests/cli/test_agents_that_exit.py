"""`sys.exit(0)` in a user's code, at every place, is told and never taken for success."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.silence import SILENCERS, restored

_SUITE = """
name: Crashing
agent: {agent}
scenarios:
  - label: Any
    turns:
      - user: "Hello?"
        expect: {{agent: desk}}
      - user: "Still there?"
        expect: {{agent: desk}}
"""
_MODEL = "tests.support.crashing:calls_the_tool"


def write(project: Path, agent: str) -> None:
    suite = project / "evals" / "star" / "scenarios.yaml"
    suite.write_text(_SUITE.format(agent=agent))


@pytest.mark.parametrize(
    ("agent", "cause", "said"),
    [
        ("ExitsInTool", "tool_error", "SystemExit: 0"),
        ("ExitsInEnter", "on_enter_error", "SystemExit: 0"),
        ("exits_in_factory", "factory_error", "SystemExit: 0"),
        ("LeavesInTool", "tool_error", "SystemExit: os._exit(0)"),
        ("BlocksInTool", "blocked_loop", "the event loop stood still for"),
        ("RaisesInTool", "tool_error", "LookupError: no database"),
        ("RaisesInNode", "llm_node_error", "LookupError: no database"),
    ],
)
def test_an_agent_that_exits_or_raises_fails_its_trial_and_the_gate(
    command: Command, project: Path, agent: str, cause: str, said: str
) -> None:
    write(project, f"tests.support.crashing:{agent}")
    (project / "pyproject.toml").write_text("[tool.handoff-evals]\nturn_timeout = 0.5\n")

    done = command("run", "-m", _MODEL, "--min-passed", "1", "--out", "r")

    assert done.code == 1
    assert cause in done.out
    assert said in " ".join(done.out.split())
    assert (project / "r" / "summary.json").is_file()


def test_an_agent_that_stops_the_loop_and_leaves_the_folder_ends_no_run(
    command: Command, project: Path
) -> None:
    write(project, "tests.support.crashing:StopsTheLoopInTool")

    assert command("run", "-m", _MODEL, "--min-passed", "1", "--out", "r").code == 0
    assert (project / "r" / "summary.json").is_file()
    assert Path.cwd() == project


@pytest.mark.parametrize("model", ["exits_when_asked", "exits_when_made"])
def test_a_model_that_exits_leaves_the_run_unscored(
    command: Command, project: Path, model: str
) -> None:
    write(project, "tests.support.crashing:Desk")

    done = command("run", "-m", f"tests.support.crashing:{model}", "--out", "r")

    assert done.code == 3
    assert "SystemExit: 0" in done.out
    assert (project / "r" / "summary.json").is_file()


@pytest.mark.parametrize("words", [("leaves:Desk", _MODEL), ("tests.support.crashing:Desk", None)])
def test_a_module_that_exits_while_it_is_imported_is_bad_input(
    command: Command, project: Path, words: tuple[str, str | None]
) -> None:
    (project / "leaves.py").write_text("import sys\n\nsys.exit(0)\n")
    agent, model = words
    write(project, agent)

    done = command("run", "-m", model or "leaves:model", "--out", "r")

    assert done.code == 2
    assert "SystemExit: 0 (leaves.py, line 3)" in done.err


@pytest.mark.parametrize("way", SILENCERS)
def test_a_module_that_silences_the_log_changes_no_verdict(
    command: Command, project: Path, way: str
) -> None:
    (project / "silent.py").write_text(
        "from tests.support.crashing import RaisesInTool\n"
        "from tests.support.silence import SILENCERS\n\n"
        f"SILENCERS[{way!r}]()\n"
    )
    write(project, "silent:RaisesInTool")

    with restored():
        done = command("run", "-m", _MODEL, "--min-passed", "1", "--out", "r")

    assert done.code == 1
    assert "tool_error: LookupError: no database" in " ".join(done.out.split())
