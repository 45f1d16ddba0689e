"""Every snippet of the README and of the pages under docs/ is run."""

import importlib
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_examples import EvalExample

from handoff_evals.checks import scoring
from handoff_evals.models import Model, kind
from handoff_evals.models.local import LocalModel
from tests.docs.pages import PAGES, ROOT, snippets
from tests.docs.reader import Reader
from tests.support.imports import import_everything
from tests.support.obedient import obedient

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="module")
def loaded() -> None:
    """Import what a run in this process would be the first to import, and forget."""
    import_everything()
    importlib.import_module("hypothesis")


@pytest.fixture
def reader(
    pytester: pytest.Pytester,
    eval_example: EvalExample,
    monkeypatch: pytest.MonkeyPatch,
    loaded: None,  # noqa: ARG001 - before anything runs in this process
) -> Reader:
    """Give a project with `my_agents.py`, in which `local` is a model that answers by rule."""

    def open_(self: LocalModel) -> Model:
        label = self.identity.label
        return Model(label=label, build=lambda *_: obedient(), identity=self.identity)

    monkeypatch.setattr(LocalModel, "open", open_)
    monkeypatch.setattr(kind, "_KINDS", [*kind._KINDS])
    monkeypatch.setattr(scoring, "_CHECKS", {**scoring._CHECKS})
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("COLUMNS", "80")
    # In CI pytest prints whole lines in its summary, and `run` adds one for GitHub.
    for name in ("CI", "BUILD_NUMBER", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(PROJECT, pytester.path, dirs_exist_ok=True)
    return Reader(pytester, eval_example)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_snippet_does_what_its_page_says(page: Path, reader: Reader) -> None:
    for snippet in snippets(page):
        try:
            reader.follow(snippet)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"the snippet at {snippet.place}")
            raise


def test_what_is_not_run_says_why() -> None:
    found: list[Any] = [each for page in PAGES for each in snippets(page)]
    reasons = {each.place: each.not_run for each in found if each.not_run}
    assert len(reasons) <= len(found) // 8, reasons


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link}
    assert [link for link in sorted(links) if not (ROOT / link).is_file()] == []
    assert len(links) > 10
