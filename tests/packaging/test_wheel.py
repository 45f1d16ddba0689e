"""What is installed is the harness alone."""

import zipfile
from pathlib import Path


def test_the_wheel_holds_one_package_and_its_typing(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"handoff_evals", "handoff_evals-0.1.0.dist-info"}
    assert "handoff_evals/py.typed" in names
    assert "handoff_evals-0.1.0.dist-info/licenses/LICENSE" in names
