"""In a project that does not use it, the plugin does nothing and loads nothing."""

from tests.plugin.conftest import Project

HEAVY = ("livekit", "pydantic", "typer", "rich", "yaml", "scipy", "handoff_evals.livekit")

TESTS = f"""
import sys


def test_nothing_is_loaded():
    assert "handoff_evals.plugin.plugin" in sys.modules
    assert [name for name in {HEAVY!r} if name in sys.modules] == []
"""

SUITE = """
agent: shop:FrontDesk
scenarios:
  - {{label: {}, turns: [{{user: Hello}}]}}
"""

CONFTEST = """
import sys


def pytest_collection_finish(session):
    loaded = sorted(name for name in sys.modules if name.startswith("livekit"))
    print(f"\\ncollected {[item.name for item in session.items]}, loaded {loaded}")
"""


def test_an_unrelated_project_is_left_alone(project: Project) -> None:
    project.write("test_unrelated.py", TESTS)
    project.write("evals/other.yaml", "agent: [")
    project.write("deploy/scenarios.yaml", "nothing: of ours")
    result = project.run_in_a_fresh_process("-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)


def test_scenario_files_are_read_where_they_belong_or_are_named_and_load_no_livekit(
    project: Project,
) -> None:
    project.write("evals/scenarios.yaml", SUITE.format("in evals"))
    project.write("suites/scenarios.yaml", SUITE.format("elsewhere"))
    project.write("conftest.py", CONFTEST)
    listed = project.run_in_a_fresh_process("--collect-only", "-s").stdout
    listed.fnmatch_lines(["collected ['in evals'], loaded []"])
    listed = project.run_in_a_fresh_process("--collect-only", "-s", "suites/scenarios.yaml").stdout
    listed.fnmatch_lines(["collected ['elsewhere'], loaded []"])
