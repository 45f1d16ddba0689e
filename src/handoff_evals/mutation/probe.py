"""What a run of the tests shows of the code under test: who is an agent, and where it crashes.

The code calls these functions because `probed` has put the calls into it, in memory.
"""

import ast
import copy
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

from handoff_evals.agent_source import Function

_PROBE = "handoff_evals.mutation.probe"
_ALIAS = "_probe"
_OWN = Path(__file__).parents[1]
_TEST_FOLDERS = {"evals", "test", "tests"}
_CALLS = (
    "missing ",
    "unexpected keyword argument",
    "positional argument",
    "multiple values for",
    "cannot unpack non-iterable",
    "can only concatenate",
)
"""What a TypeError says where something is called or unpacked that does not fit."""

_returns: set[tuple[str, int]] = set()
_crashes: dict[str, None] = {}
_removed: set[str] = set()


def probed(tree: ast.Module, *, returns: bool) -> ast.Module:
    """Have each function of a module tell of its errors.

    Args:
        tree: the module's; it stays as it is.
        returns: whether each `return` tells of the agents that it returns, too.
    """
    probes = _Probes(returns=returns)
    body = [probes.visit(each) for each in copy.deepcopy(tree).body]
    start = next((i for i, each in enumerate(body) if not comes_first(each)), len(body))
    imported = ast.Import(names=[ast.alias(name=_PROBE, asname=_ALIAS)])
    body.insert(start, ast.copy_location(imported, ast.Pass(lineno=1, col_offset=0)))
    return ast.fix_missing_locations(ast.Module(body=body, type_ignores=[]))


def comes_first(node: ast.stmt) -> bool:
    """Whether nothing may stand before it in a module."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.ImportFrom(module="__future__"):
            return True
        case _:
            return False


class _Probes(ast.NodeTransformer):
    def __init__(self, *, returns: bool) -> None:
        self._returns = returns

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if self._returns and node.value is not None:
            told = _call("returned", ast.Name("__file__", ast.Load()), ast.Constant(node.lineno))
            told.args.append(node.value)
            node.value = told
        return node

    def _function(self, node: Function) -> ast.AST:
        self.generic_visit(node)
        start = 1 if comes_first(node.body[0]) else 0  # tools are described by the docstring
        body = node.body[start:]
        if not body:
            return node
        handler = ast.ExceptHandler(
            type=ast.Name("Exception", ast.Load()),
            name="_error",
            body=[ast.Expr(_call("raised", ast.Name("_error", ast.Load()))), ast.Raise()],
        )
        told = ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[])
        node.body[start:] = [ast.copy_location(told, body[0])]
        return node


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    called = ast.Attribute(ast.Name(_ALIAS, ast.Load()), function, ast.Load())
    return ast.Call(func=called, args=list(arguments), keywords=[])


def returned(file: str, line: int, value: Any) -> Any:
    """Note that a line returned an agent, with a message or without, and return it."""
    match value:
        case (agent, str()) if _is_agent(agent):
            _returns.add((file, line))
        case _ if _is_agent(value):
            _returns.add((file, line))
    return value


def raised(error: Exception) -> None:
    """Note an error that only code can raise that does not fit together.

    An agent that goes on without what it needs may raise too. That is what its tests
    have to notice; a name that is no longer there is not.
    """
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    path = Path(frame.f_code.co_filename)
    match error:
        case NameError() | ImportError():
            own = True
        case AttributeError():
            own = error.name in _removed
        case TypeError():
            own = any(each in str(error) for each in _CALLS)
        case _:
            own = False
    if own or path.name == "breakage.py":
        _crashes[f"{path.name}:{line}: {type(error).__name__}: {error}"] = None


def expect_removed(names: set[str]) -> None:
    """Say which names the code under test has lost."""
    _removed.update(names)


def crashes() -> list[str]:
    """The errors that were noted."""
    return list(_crashes)


def facts(folder: Path) -> dict[str, dict[str, list[Any]]]:
    """What is known by now of each file of the project that has agents or tools.

    Returns:
        By path from the folder, the fields of `RuntimeFacts`.
    """
    found: dict[str, dict[str, list[Any]]] = {}

    def of(path: Path) -> dict[str, list[Any]]:
        kinds = ("agents", "tasks", "contexts", "tools", "returns")
        return found.setdefault(str(path), {kind: [] for kind in kinds})

    livekit: Any = sys.modules.get("livekit.agents")
    if livekit is not None:
        for path, kind, name in (*_agents(livekit, folder), *_globals(livekit, folder)):
            of(path)[kind].append(name)
    for file, line in _returns:
        path = Path(file).resolve()
        if path.is_relative_to(folder):
            of(path.relative_to(folder))["returns"].append(line)
    return {
        path: {kind: sorted(set(each)) for kind, each in of.items()} for path, of in found.items()
    }


def _agents(livekit: Any, folder: Path) -> Iterator[tuple[Path, str, str]]:
    """The agents' classes, of every base and wherever they are defined."""
    for agent in _subclasses(livekit.Agent):
        path = _own(sys.modules.get(agent.__module__), folder)
        if path is not None:
            yield path, "agents", agent.__name__
            if issubclass(agent, livekit.AgentTask):
                yield path, "tasks", agent.__name__


def _globals(livekit: Any, folder: Path) -> Iterator[tuple[Path, str, str]]:
    """What stands for a `RunContext` or a tool in the modules of the project."""
    for module in list(sys.modules.values()):
        path = _own(module, folder)
        if path is None:
            continue
        for name, value in list(vars(module).items()):
            if value is livekit.RunContext or get_origin(value) is livekit.RunContext:
                yield path, "contexts", name
            elif isinstance(value, livekit.llm.FunctionTool | livekit.llm.RawFunctionTool):
                yield path, "tools", name


def is_test(path: Path) -> bool:
    """Whether a file of the project belongs to its tests, and so is not broken unasked."""
    return (
        bool(_TEST_FOLDERS & set(path.parts[:-1]))
        or path.name == "conftest.py"
        or path.name.startswith("test_")
        or path.stem.endswith("_test")
    )


def _is_agent(value: Any) -> bool:
    livekit: Any = sys.modules.get("livekit.agents")
    if livekit is not None:
        return isinstance(value, livekit.Agent)
    return any(each.__name__ == "Agent" for each in type(value).__mro__)


def _subclasses(base: type[Any]) -> Iterator[type[Any]]:
    for each in base.__subclasses__():
        yield each
        yield from _subclasses(each)


def _own(module: ModuleType | None, folder: Path) -> Path | None:
    """A module's file from the project's folder, if it is a file of the project."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return None
    path = Path(file).resolve()
    if not path.is_relative_to(folder) or "site-packages" in path.parts:
        return None
    if path.is_relative_to(_OWN):
        return None
    return path.relative_to(folder)
