import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_evals.mutation.mutant_tests import ProbedFinder

SOURCE = "def answer():\n    return 'whole'\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module in a package without `__init__.py`, importable under two names."""
    path = tmp_path / "desks" / "mutation_shop.py"
    path.parent.mkdir()
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield path
    for name in ("mutation_shop", "desks.mutation_shop", "desks"):
        sys.modules.pop(name, None)


def finder(path: Path) -> ProbedFinder:
    made = ProbedFinder(path, ast.parse(SOURCE.replace("whole", "broken")), folder=None)
    made.install()
    return made


def test_whoever_imports_the_file_gets_the_mutant_under_every_name(shop: Path) -> None:
    hook = finder(shop)
    assert not hook.loaded
    for name in ("mutation_shop", "desks.mutation_shop"):
        assert importlib.import_module(name).answer() == "broken"
    assert hook.loaded


def test_the_file_stays_as_it_is_and_no_bytecode_is_written(shop: Path) -> None:
    finder(shop)
    importlib.import_module("mutation_shop")
    assert shop.read_text() == SOURCE
    assert sorted(each.name for each in shop.parent.iterdir()) == ["mutation_shop.py"]


def test_stale_bytecode_of_the_file_is_not_used(shop: Path) -> None:
    importlib.import_module("mutation_shop")
    del sys.modules["mutation_shop"]
    finder(shop)
    assert importlib.import_module("mutation_shop").answer() == "broken"


def test_readers_of_source_see_the_files_own_text(shop: Path) -> None:
    finder(shop)
    imported = importlib.import_module("mutation_shop")
    assert inspect.getsource(imported.answer) == SOURCE


def test_other_modules_are_found_as_before(shop: Path) -> None:
    hook = finder(shop)
    (shop.parent / "mutation_other.py").write_text("value = 1\n")
    try:
        assert importlib.import_module("mutation_other").value == 1
        assert importlib.util.find_spec("mutation_nowhere") is None
    finally:
        sys.modules.pop("mutation_other", None)
    assert not hook.loaded
