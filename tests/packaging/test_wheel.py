"""What is installed is the harness alone."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_one_package_and_its_typing(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"handoff_evals", "handoff_evals-0.1.0.dist-info"}
    assert "handoff_evals/py.typed" in names
    assert "handoff_evals-0.1.0.dist-info/licenses/LICENSE" in names
