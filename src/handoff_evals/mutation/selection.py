"""Which files are to be broken, in which ways, and which tests are to notice."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from handoff_evals.agent_source import AgentModule
from handoff_evals.errors import UsageError
from handoff_evals.mutation.agent_operators import (
    ENTERING_OPERATORS,
    OVERRIDE_OPERATORS,
    PROMPT_OPERATORS,
)
from handoff_evals.mutation.handoff_operators import RETURN_OPERATORS, TOOL_OPERATORS
from handoff_evals.mutation.mutant import Mutant, Operator, changes_nothing
from handoff_evals.mutation.session_operators import SESSION_OPERATORS, TASK_OPERATORS
from handoff_evals.mutation.state_operators import CONTEXT_OPERATORS, USERDATA_OPERATORS
from handoff_evals.mutation.tool_operators import GUARD_OPERATORS
from handoff_evals.scenarios import DEFAULT_FOLDER, agent_of, discover, scenario_files

_TEST_FILES = ("test_*.py", "*_test.py")


@dataclass(frozen=True, kw_only=True)
class Selected:
    """A module to break."""

    path: Path
    """From the project's folder."""
    tests: tuple[str, ...]
    """What pytest is given; scenario files first, since they are quick."""
    named: bool = True
    """Whether it alone is to be broken, and not what its tests import besides, too."""


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
        Selected(path=path, tests=tuple(tests) or tuple(_tests_of(path, folder)), named=bool(named))
        for path in paths
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

    All of them where none names it: it may be behind a factory, which the run will show.

    Raises:
        UsageError: when there are none.
    """
    names = {*_names(path), path.as_posix()}
    root = folder / DEFAULT_FOLDER
    scenarios = scenario_files(root)
    files = sorted({each for pattern in _TEST_FILES for each in root.rglob(pattern)})
    found = [each for each in scenarios if agent_of(each).partition(":")[0] in names]
    found += [
        each
        for each in files
        if any(_mentions(source, names) for source in [each, *_conftests(each, folder)])
    ]
    found = found or [*scenarios, *files]
    if not found:
        raise UsageError(
            f"no test under {DEFAULT_FOLDER}/ for {str(path)!r}: name its tests with --tests"
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


OPERATORS: tuple[Operator, ...] = (
    *TOOL_OPERATORS,
    *GUARD_OPERATORS,
    *RETURN_OPERATORS,
    *CONTEXT_OPERATORS,
    *ENTERING_OPERATORS,
    *USERDATA_OPERATORS,
    *PROMPT_OPERATORS,
    *OVERRIDE_OPERATORS,
    *SESSION_OPERATORS,
    *TASK_OPERATORS,
)


def find(module: AgentModule, operators: Sequence[Operator] = OPERATORS) -> tuple[Mutant, ...]:
    """Find every mutant, by operator and then by line; the same ones in every process."""
    return tuple(mutant for operator in operators for mutant in _mutants(module, operator))


def chosen_operators(names: Sequence[str]) -> tuple[Operator, ...]:
    """Look operators up by name; all of them when none is named.

    Raises:
        UsageError: when there is no such operator.
    """
    by_name = {operator.name: operator for operator in OPERATORS}
    for name in names:
        if name not in by_name:
            close = get_close_matches(name, by_name, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(f"no operator {name!r}: {hint}there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in dict.fromkeys(names)) or OPERATORS


def _mutants(module: AgentModule, operator: Operator) -> Iterator[Mutant]:
    places = [each for each in operator.places(module) if not changes_nothing(each.edits)]
    for place in sorted(places, key=lambda each: getattr(each.node, "lineno", 0)):
        yield Mutant(
            operator=operator,
            line=getattr(place.node, "lineno", 0),
            scope=module.scope(place.node),
            what=place.what,
            edits=place.edits,
        )
