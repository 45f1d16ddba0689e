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


async def test_the_installed_fixture(agent_call):
    assert "site-packages" in handoff_evals.__file__
    script = ScriptedLLM([tool_call("transfer_to_workshop"), "Which part is it?"])
    call = await agent_call(FrontDesk(), llm=script)
    turn = await call.say("My chain snapped")
    turn.expect.handoff(FrontDesk, Workshop)
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
