"""Which files are to be broken, and which tests are to notice."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handoff_evals.errors import UsageError
from handoff_evals.scenarios import DEFAULT_FOLDER, FILE_NAME, agent_of, discover

_TEST_FILES = ("test_*.py", "*_test.py")


@dataclass(frozen=True, kw_only=True)
class Selected:
    """A module to break."""

    path: Path
    """From the project's folder."""
    tests: tuple[str, ...]
    """What pytest is given; scenario files first, since they are quick."""


def select(named: Sequence[str], *, tests: Sequence[str], folder: Path) -> tuple[Selected, ...]:
    """Find the modules, by name or file, and the tests that import each of them.

    Without names, the modules that `agent:` names in the scenario files; without
    tests, what lies under `evals/`.

    Raises:
        UsageError: when there is no such module or test, or no test for a module.
    """
    for test in tests:
        if not (folder / test.partition("::")[0]).exists():
            raise UsageError(f"--tests {test!r}: there is no such file in {str(folder)!r}")
    modules = named or [agent_of(path).partition(":")[0] for path in discover([], folder=folder)]
    paths = dict.fromkeys(_path(each, folder) for each in modules if each)
    return tuple(
        Selected(path=path, tests=tuple(tests) or tuple(_tests_of(path, folder))) for path in paths
    )


def _path(named: str, folder: Path) -> Path:
    """The file of a module.

    Raises:
        UsageError: when there is none, or it is not the project's own.
    """
    module = named.partition(":")[0]
    relative = Path(*module.split("."))
    spellings = [Path(named), relative.with_suffix(".py"), relative / "__init__.py"]
    places = [folder / each for each in spellings] + [folder / "src" / each for each in spellings]
    found = next((each.resolve() for each in places if each.is_file()), None)
    home = folder.resolve()
    if found is None:
        raise UsageError(
            f"no module {named!r} in {str(home)!r}: give a file, as in `agents/triage.py`, or a "
            "module that lies there or under src/, as in `agents.triage`"
        )
    if not found.is_relative_to(home) or "site-packages" in found.parts:
        raise UsageError(f"{named!r} is {str(found)!r}, which is no part of {str(home)!r}")
    return found.relative_to(home)


def _tests_of(path: Path, folder: Path) -> Iterator[str]:
    """The scenario files and test files under `evals/` that are about a module.

    Raises:
        UsageError: when there are none.
    """
    names = set(_names(path))
    root = folder / DEFAULT_FOLDER
    files = {each for pattern in _TEST_FILES for each in root.rglob(pattern)}
    found = [
        each for each in sorted(root.rglob(FILE_NAME)) if agent_of(each).partition(":")[0] in names
    ]
    found += [
        each
        for each in sorted(files)
        if any(_mentions(source, names) for source in [each, *_conftests(each, folder)])
    ]
    if not found:
        raise UsageError(
            f"no test under {DEFAULT_FOLDER}/ imports {str(path)!r}: name its tests with --tests"
        )
    yield from (str(each.relative_to(folder)) for each in found)


def _names(path: Path) -> Iterator[str]:
    """What a file may be imported as: `agents.triage`, and `triage` from its own folder."""
    parts = path.with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    for start in range(len(parts)):
        yield ".".join(parts[start:])


def _conftests(test: Path, folder: Path) -> Iterator[Path]:
    for parent in test.relative_to(folder).parents:
        conftest = folder / parent / "conftest.py"
        if conftest.is_file():
            yield conftest


def _mentions(source: Path, names: set[str]) -> bool:
    """Whether a file imports one of the modules, or names it in a string as `module:name`."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True  # pytest says it better
    return any(_is_import(node, names) for node in ast.walk(tree))


def _is_import(node: ast.AST, names: set[str]) -> bool:
    match node:
        case ast.Import(names=imported):
            return any(each.name in names for each in imported)
        case ast.ImportFrom(module=str() as module, names=imported):
            return module in names or any(f"{module}.{each.name}" in names for each in imported)
        case ast.Constant(value=str() as text):
            module, colon, _ = text.partition(":")
            return bool(colon) and module in names
        case _:
            return False
