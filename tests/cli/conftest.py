"""A project of a user's, and the command line run in it."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handoff_evals.cli.main import app
from tests.support.imports import forgotten

SUITE = """
name: Star
agent: tests.support.star:patient_call
scenarios:
  - label: Stays, then b
    tags: {kind: moves}
    turns:
      - user: "c=0 t=1 want=a"
        expect: {agent: star, where: {node: a}}
      - user: "c=0 t=2 want=b"
        expect: {agent: star, where: {node: b}}
  - label: Stays
    turns:
      - user: "c=1 t=1 want=a"
        expect: {agent: star, where: {node: a}}
"""


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one suite under `evals/`, made the current one."""
    suite = tmp_path / "evals" / "star" / "scenarios.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text(textwrap.dedent(SUITE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)  # these tests run in CI themselves
    return tmp_path


@pytest.fixture
def command(project: Path, tmp_path: Path) -> Command:  # noqa: ARG001 - it has to be there
    """Run `handoff-evals` in this process, with the exit code that its main would give."""

    def run(*words: str) -> Done:
        with forgotten(tmp_path):
            result = CliRunner().invoke(app, list(words))
        error = result.exception
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Done(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run
