"""One way to break one place, and all mutants of a module."""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handoff_evals.agent_source import AgentModule, Function
from handoff_evals.mutation.probe import comes_first

Edits = Mapping[Any, ast.AST | None]
"""By node: what takes its place, or None where it is left out.

(Any node, that is: a Mapping is invariant in its keys.)
"""

_BREAKAGE = "handoff_evals.mutation.breakage"
_ALIAS = "_breakage"


def mutated(tree: ast.Module, edits: Edits) -> ast.Module:
    """Build the tree of a mutant; lines stay those of the file, so tracebacks fit it."""
    body = [each for old in tree.body for each in _instead(old, edits)]
    start = next((i for i, each in enumerate(body) if not comes_first(each)), len(body))
    imported = ast.Import(names=[ast.alias(name=_BREAKAGE, asname=_ALIAS)])
    # On line 1, or the whole module would have no place that a traceback could name.
    body.insert(start, ast.copy_location(imported, ast.Pass(lineno=1, col_offset=0)))
    return ast.fix_missing_locations(ast.Module(body=body, type_ignores=[]))


def breakage(name: str, *arguments: ast.expr) -> ast.Call:
    """A call of one of the functions in `breakage.py`, which every mutant can call."""
    function = ast.Attribute(value=ast.Name(id=_ALIAS, ctx=ast.Load()), attr=name, ctx=ast.Load())
    return ast.Call(func=function, args=list(arguments), keywords=[])


def name(identifier: str) -> ast.Name:
    """A variable that is read."""
    return ast.Name(id=identifier, ctx=ast.Load())


def changes_nothing(edits: Edits) -> bool:
    """Whether the mutant would be the same program."""
    return all(new is not None and ast.dump(old) == ast.dump(new) for old, new in edits.items())


def short(node: ast.AST, *, width: int = 60) -> str:
    """The code of a node in one line."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _instead(node: ast.AST, edits: Edits) -> Iterator[Any]:
    if node in edits:
        new = edits[node]
        if new is not None:
            yield ast.copy_location(new, node)
        return
    fields = {field: _field(field, value, edits) for field, value in ast.iter_fields(node)}
    yield ast.copy_location(type(node)(**fields), node)


def _field(field: str, value: Any, edits: Edits) -> Any:
    if isinstance(value, ast.AST):
        return next(_instead(value, edits), None)
    if not isinstance(value, list):
        return value
    listed = [
        new
        for old in value
        for new in (_instead(old, edits) if isinstance(old, ast.AST) else [old])
    ]
    return [ast.Pass()] if field == "body" and value and not listed else listed


def removed_names(edits: Edits) -> set[str]:
    """The names of the functions that a mutant lacks."""
    return {old.name for old, new in edits.items() if isinstance(old, Function) and new is None}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place that an operator can break."""

    node: ast.AST
    """Whose line is shown."""
    what: str
    """What is broken, in a few words."""
    edits: Edits


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A way that people break agents."""

    name: str
    suggestion: str
    """What a test asserts that notices it."""
    places: Callable[[AgentModule], Iterator[Place]]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A module with one breakage."""

    operator: Operator
    line: int
    scope: str
    """Where it is, as in `BillingAgent.__init__`."""
    what: str
    edits: Edits = field(repr=False)

    def id_in(self, path: Path) -> str:
        """What tells it from the others, as in `agents/shop.py::Front.back::way-back-removed::…`.

        Without the line, so that it lasts.
        """
        return f"{path}::{self.scope}::{self.operator.name}::{self.what}"
