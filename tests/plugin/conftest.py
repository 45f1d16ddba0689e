"""A project of somebody else's, with two agents and what each test adds to it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

_INI = """
[pytest]
pythonpath = .
asyncio_mode = {mode}
asyncio_default_fixture_loop_scope = function
filterwarnings = error
addopts = --strict-markers -p no:cacheprovider
"""


class Project:
    """A folder with `shop.py`; its tests run in a process of their own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.path = pytester.path
        self.mode("auto")
        self.write("shop.py", (Path(__file__).parent / "shop.py").read_text())

    def mode(self, mode: str) -> None:
        """Set pytest-asyncio's mode."""
        self.write("pytest.ini", _INI.format(mode=mode))

    def write(self, name: str, text: str) -> None:
        """Write one of its files."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in it."""
        return self._pytester.runpytest_subprocess(*arguments)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """Write the project's agents and settings."""
    return Project(pytester)


@pytest.fixture
def scenarios(project: Project) -> Callable[[str], None]:
    """Write a suite on the front desk."""

    def write(text: str) -> None:
        project.write("evals/shop/scenarios.yaml", "agent: shop:FrontDesk\n" + dedent(text))

    return write
