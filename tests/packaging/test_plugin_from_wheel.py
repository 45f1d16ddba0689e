"""The plugin as it is installed: from the built wheel, in an environment of its own."""

import os
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SHOP = (ROOT / "tests" / "plugin" / "shop.py").read_text(encoding="utf-8")
TESTS = """
import handoff_evals
from handoff_evals import ScriptedLLM, tool_call
from shop import FrontDesk, Workshop


async def test_the_installed_fixture(call):
    assert "site-packages" in handoff_evals.__file__
    script = ScriptedLLM([tool_call("transfer_to_workshop"), "Which part is it?"])
    session = await call(FrontDesk(), llm=script)
    turn = await session.say("My chain snapped")
    turn.expect_handoff(FrontDesk, Workshop)
"""
SUITE = """
agent: shop:FrontDesk
scenarios:
  - label: Broken chain
    turns:
      - user: My chain snapped.
        expect: {agent: workshop}
"""


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


def test_the_wheel_brings_the_fixture_and_the_scenario_files(
    installed: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    (project / "evals").mkdir(parents=True)
    (project / "shop.py").write_text(SHOP, encoding="utf-8")
    (project / "test_shop.py").write_text(TESTS, encoding="utf-8")
    (project / "evals" / "scenarios.yaml").write_text(SUITE, encoding="utf-8")
    run = subprocess.run(
        [str(installed), "-m", "pytest", "-o", "asyncio_mode=auto", "-rA", "-p", "no:randomly"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PASSED test_shop.py::test_the_installed_fixture" in run.stdout, run.stdout + run.stderr
    assert "PASSED evals/scenarios.yaml::Broken chain" in run.stdout
    assert run.returncode == 0


CHECKS = """
from handoff_evals import Score, check, reached


@check("says", expects=str)
def says(scenario, transcript):
    for number, scripted, turn in reached(scenario, transcript, key="says"):
        wanted = scripted.expect.extra["says"]
        yield Score(
            status="passed" if wanted in turn.said else "failed",
            reason=f"the caller does not hear {wanted!r}",
            turn=number,
        )
"""
KEY = SUITE.replace("agent: workshop", "agent: workshop, says: zzz")
NAMED = '[tool.handoff-evals]\nchecks = ["shop_checks"]\n'


def test_a_check_of_the_users_own_stands_in_the_report_the_baseline_and_pytests_failure(
    installed: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    (project / "evals").mkdir(parents=True)
    (project / "shop.py").write_text(SHOP, encoding="utf-8")
    (project / "shop_checks.py").write_text(CHECKS, encoding="utf-8")
    (project / "evals" / "scenarios.yaml").write_text(KEY, encoding="utf-8")
    (project / "pyproject.toml").write_text(NAMED, encoding="utf-8")

    def done(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(project)}
        return subprocess.run(
            [installed, "-m", *words],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    run = done("handoff_evals", "run", "-m", "oracle", "--out", "a", "--min-passed", "1")
    kept = done("handoff_evals", "baseline", "a", "b.json")
    (project / "conftest.py").write_text(CHECKS, encoding="utf-8")
    (project / "pyproject.toml").unlink()
    tested = done("pytest", "-p", "no:cacheprovider", "--rootdir", ".", "evals/scenarios.yaml")

    assert run.returncode == 1, run.stderr
    assert "turn 1: the caller does not hear 'zzz'" in " ".join(run.stdout.split())
    assert "passed 0.000 (observed) is below --min-passed 1" in run.stderr
    assert kept.returncode == 0, kept.stderr
    assert '"check": "says"' in (project / "b.json").read_text(encoding="utf-8")
    assert tested.returncode == 1, tested.stdout
    assert "turn 1: says: the caller does not hear 'zzz'" in tested.stdout
