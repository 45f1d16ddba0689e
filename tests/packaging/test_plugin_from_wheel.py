"""The package as it is installed: the examples of the pages, from the built wheel, as printed."""

import os
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, snippets

AGENTS = ROOT / "tests" / "docs" / "project" / "my_agents.py"
WHERE = """
import handoff_evals


def test_the_package_is_the_installed_one():
    assert "site-packages" in handoff_evals.__file__
"""


def _first(language: str, page: str) -> str:
    found = snippets(ROOT / "docs" / page)
    return next(each.text for each in found if each.language == language)


@pytest.fixture
def installed(tmp_path: Path, wheel: Path) -> Path:
    """Give the Python of a fresh environment that has the wheel, unpacked, and our libraries."""
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition("/")[0] for name in archive.namelist()}
        archive.extractall(site)
    assert {name for name in names if not name.endswith(".dist-info")} == {"handoff_evals"}
    # Behind the wheel's own files, so that an editable install there is not the one found.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return home / "bin" / "python"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project: agents, and the examples of the pages as tests, suite and script."""
    folder = tmp_path / "project"
    (folder / "evals" / "shop").mkdir(parents=True)
    (folder / "my_agents.py").write_text(AGENTS.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_where.py").write_text(WHERE, encoding="utf-8")
    for name, language, page in (
        ("test_handoff.py", "python", "how-to/pytest.md"),
        ("test_random_calls.py", "python", "how-to/random-conversations.md"),
        ("notebook.py", "python", "how-to/notebook.md"),
        ("evals/shop/scenarios.yaml", "yaml", "reference/scenario-file.md"),
    ):
        (folder / name).write_text(_first(language, page), encoding="utf-8")
    return folder


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tests_and_the_scenario_file_of_the_pages_pass(installed: Path, project: Path) -> None:
    pytest_command = ("-m", "pytest", "-o", "asyncio_mode=auto", "-rA", "-p", "no:randomly")
    run = _run(project, str(installed), *pytest_command)
    for passed in (
        "test_where.py::test_the_package_is_the_installed_one",
        "test_handoff.py::test_double_charge_reaches_billing",
        "test_random_calls.py::test_whatever_is_said_and_done",
        "evals/shop/scenarios.yaml::Charged twice",
    ):
        assert f"PASSED {passed}" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0


def test_the_script_of_the_pages_shows_a_run(installed: Path, project: Path) -> None:
    run = _run(project, str(installed), "notebook.py")
    assert run.returncode == 0, run.stderr
    assert "Passed scenarios" in run.stdout
    assert "caller: I was charged twice this month, order 4471." in run.stdout
