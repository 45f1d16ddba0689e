from pathlib import Path

import pytest

from handoff_evals.errors import UsageError
from handoff_evals.mutation import select

SCENARIOS = """
agent: {agent}
scenarios:
  - label: Stays
    turns: [{{user: Hello, expect: {{agent: front}}}}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two agents, one of them in a package under src/."""
    for name in ("agents/shop.py", "src/firm/desk.py", "evals/shop/conftest.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "evals/shop/scenarios.yaml").write_text(SCENARIOS.format(agent="agents.shop:call"))
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    (project / name).write_text(text)


def test_the_agents_of_the_scenario_files_are_broken_by_default(project: Path) -> None:
    (selected,) = select([], tests=[], folder=project)
    assert selected.path == Path("agents/shop.py")
    assert selected.tests == ("evals/shop/scenarios.yaml",)


@pytest.mark.parametrize("named", ["firm.desk", "firm.desk:Desk", "src/firm/desk.py"])
def test_a_module_is_named_by_file_or_by_name(project: Path, named: str) -> None:
    (selected,) = select([named], tests=["evals"], folder=project)
    assert selected.path == Path("src/firm/desk.py")
    assert selected.tests == ("evals",)


@pytest.mark.parametrize(
    "text",
    [
        "from agents.shop import Front",
        "from agents import shop",
        "import agents.shop as it",
        "AGENT = 'agents.shop:Front'",
    ],
)
def test_a_test_file_that_imports_or_names_the_module_belongs_to_it(
    project: Path, text: str
) -> None:
    write(project, "evals/test_shop.py", text)
    write(project, "evals/test_other.py", "import agents.other")
    (selected,) = select(["agents/shop.py"], tests=[], folder=project)
    assert selected.tests == ("evals/shop/scenarios.yaml", "evals/test_shop.py")


def test_a_conftest_that_imports_the_module_speaks_for_the_tests_below_it(project: Path) -> None:
    write(project, "evals/shop/conftest.py", "from firm.desk import Desk")
    write(project, "evals/shop/test_desk.py", "def test_desk(desk): ...")
    write(project, "evals/test_other.py", "")
    (selected,) = select(["firm.desk"], tests=[], folder=project)
    assert selected.tests == ("evals/shop/test_desk.py",)


def test_a_module_that_no_test_names_may_be_behind_a_factory_so_all_tests_are_run(
    project: Path,
) -> None:
    write(project, "evals/test_other.py", "import agents.other")
    (selected,) = select(["firm.desk"], tests=[], folder=project)
    assert selected.tests == ("evals/shop/scenarios.yaml", "evals/test_other.py")


def test_a_module_without_any_test_is_told(project: Path) -> None:
    (project / "evals/shop/scenarios.yaml").unlink()
    with pytest.raises(UsageError, match=r"no test under evals/ for 'src/firm/desk\.py'"):
        select(["firm.desk"], tests=[], folder=project)


def test_a_module_that_is_not_there_is_told(project: Path) -> None:
    with pytest.raises(UsageError, match=r"no module 'agents\.shpo' in"):
        select(["agents.shpo"], tests=[], folder=project)


def test_a_module_of_somebody_else_is_not_broken(project: Path) -> None:
    with pytest.raises(UsageError, match="is no part of"):
        select([__file__], tests=[], folder=project)


def test_tests_that_are_not_there_are_told(project: Path) -> None:
    with pytest.raises(UsageError, match=r"--tests 'evals/test_no\.py::test_a': there is no"):
        select(["agents.shop"], tests=["evals/test_no.py::test_a"], folder=project)
