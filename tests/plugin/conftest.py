"""A project of somebody else's, with two agents and what each test adds to it."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner, Result

from handoff_evals.cli.main import app
from tests.support.imports import forgotten, import_everything

_INI = """
[pytest]
pythonpath = .
asyncio_mode = {mode}
asyncio_default_fixture_loop_scope = function
filterwarnings = error
addopts = --strict-markers -p no:cacheprovider
"""

PRELOADED = ("--assert=plain",)
"""For `-n` with `preloaded_python`: what is imported already can't have its asserts rewritten."""


class Project:
    """A folder with `shop.py`; its tests run in this process, where nothing else is said."""

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
        """Run pytest in it; what it imported and logged to is forgotten again."""
        return self._pytester.runpytest_inprocess(*arguments)

    def command(self, *words: str) -> Result:
        """Run `handoff-evals` in it; what it imported is forgotten again."""
        with forgotten(self.path):
            return CliRunner().invoke(app, words)

    def run_in_a_fresh_process(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in it as a shell does; for tests about what is loaded."""
        return self._pytester.runpytest_subprocess(*arguments)


@pytest.fixture(scope="session")
def loaded() -> None:
    """Import all that the plugin imports late.

    A run in this process forgets what it was the first to import, and livekit can't be
    imported twice.
    """
    import_everything()
    importlib.import_module("hypothesis")  # its own plugin does, in its summary


@pytest.fixture
def project(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    loaded: None,  # noqa: ARG001 - before anything runs in this process
) -> Project:
    """Write the project's agents and settings."""
    # A file that is written twice within a second may be taken for the one that was compiled.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Project(pytester)


@pytest.fixture
def scenarios(project: Project) -> Callable[[str], None]:
    """Write a suite on the front desk."""

    def write(text: str) -> None:
        project.write("evals/shop/scenarios.yaml", "agent: shop:FrontDesk\n" + dedent(text))

    return write
