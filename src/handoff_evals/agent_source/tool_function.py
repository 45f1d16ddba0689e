"""What the function behind a tool shows of the agents that it may hand over to.

The functions are live ones: names are looked up where they would be looked up when the
tool is called, and the functions that it calls are read too. Nothing is executed.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from handoff_evals.scenarios import Target

_DEPTH = 4


_GENERIC = {"agent", "transfer", "to", "the", "handoff", "hand", "over", "default", "back", "a"}


@dataclass(frozen=True, kw_only=True)
class AgentKind:
    """How an agent is told from other objects; livekit's own answers, without importing it."""

    base: type[Any]
    """livekit's `Agent`."""
    default_id: Callable[[str], str]
    """The id that it gives to a class of that name."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the source of a tool shows."""

    agents: frozenset[str]
    """Ids of the agents that it names; empty ones for those that get theirs at run time."""
    described: frozenset[str]
    """Words of its docstring."""
    written: frozenset[str]
    """Words of the texts and attributes in its code, and of the texts that it closes over."""
    values: tuple[str, ...] = ()
    """The texts in its code as they are, and the keys of the tables that it looks into."""
    may_hand_over: bool = False
    """Whether it says that it returns an agent, or updates the session's."""


def strength(evidence: Evidence, name: str, target: Target) -> int:
    """How much speaks for a tool of that name leading to `target`; 0 where nothing does."""
    if evidence.agents and not evidence.agents & {target.id, ""}:
        return 0
    own = _words(name)
    id_words = _words(target.id) - _GENERIC
    value_words = {word for value in target.where.values() for word in _words(value)}
    value_words = value_words - _GENERIC or value_words
    found = 4 * len(value_words & own)
    found += 2 * len(value_words & (evidence.described | evidence.written))
    found += 3 * len(id_words & own) + len(id_words & evidence.written)
    if target.id in evidence.agents:
        found += 2 if len(evidence.agents) == 1 else 1
    return found


def says(name: str, target: Target) -> bool:
    """Whether a tool's name has all the words that tell `target` from other agents."""
    values = {word for value in target.where.values() for word in _words(value)}
    words = (values - _GENERIC or values) or _words(target.id) - _GENERIC
    return bool(words) and words <= _words(name)


@lru_cache(maxsize=512)
def evidence_of(function: Callable[..., Any], owner: type[Any], kind: AgentKind) -> Evidence:
    """Read a tool's function.

    Args:
        function: what the tool calls; a wrapper is looked through.
        owner: the class whose method it is, `NoneType` for a function.
        kind: what an agent is.
    """
    tool = inspect.unwrap(function)
    described = inspect.getdoc(tool) or ""
    nodes = list(_nodes(tool))
    scope = _scope(tool, nodes) if inspect.isfunction(tool) else {}
    closed_over = inspect.getclosurevars(tool).nonlocals if scope else {}
    texts = {text: None for node in nodes for text in _texts(node)}
    texts |= dict.fromkeys(each for each in closed_over.values() if isinstance(each, str))
    tables = [scope.get(node.id) for node in nodes if isinstance(node, ast.Name)]
    keys = [key for each in tables if isinstance(each, Mapping) for key in each]
    own = [text for text in texts if inspect.cleandoc(text) != described]
    constants = [each.value for each in nodes if isinstance(each, ast.Constant)]
    return Evidence(
        agents=frozenset(_agents(tool, owner, kind, set(), _DEPTH)),
        described=frozenset(_words(described)),
        written=frozenset(word for text in own for word in _words(text)),
        values=tuple(
            dict.fromkeys(
                text
                for text in (*keys, *constants)
                if isinstance(text, str) and inspect.cleandoc(text) != described
            )
        ),
        may_hand_over=any(_hands_over(node) for node in nodes),
    )


def _hands_over(node: ast.AST) -> bool:
    match node:
        case (
            ast.FunctionDef(returns=ast.expr() as says)
            | ast.AsyncFunctionDef(returns=ast.expr() as says)
        ):
            return "Agent" in ast.unparse(says)
        case ast.Attribute(attr="update_agent" | "complete"):
            return True
        case _:
            return False


def _agents(
    function: Callable[..., Any], owner: type[Any], kind: AgentKind, seen: set[Any], depth: int
) -> Iterator[str]:
    """Ids of the agents that a function names, and those of the functions that it calls."""
    if function in seen or not depth:
        return
    seen.add(function)
    nodes = list(_nodes(function))
    scope = _scope(function, nodes) if nodes else {}
    passed_over = {id(part) for node in nodes for part in _no_agent_of_its_own(node)}
    for node in nodes:
        if id(node) in passed_over:
            continue
        match node:
            case ast.Call(func=called):
                named = _resolve(called, scope, owner)
                if named is kind.base:
                    yield _given_id(node, "default_agent")
                elif inspect.isfunction(named) and not _is_livekit(named):
                    yield from _agents(inspect.unwrap(named), owner, kind, seen, depth - 1)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                yield from _ids(_resolve(node, scope, owner), kind)


def _ids(named: Any, kind: AgentKind) -> Iterator[str]:
    """Ids of the agents that a name stands for: one, or those of a table."""
    for each in named.values() if isinstance(named, Mapping) else [named]:
        if isinstance(each, kind.base):
            yield each.id
        elif _is_agent_class(each, kind):
            yield _id(each, kind)


def _no_agent_of_its_own(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes in a node whose agents are not those that the tool hands over to.

    The class in `isinstance(agent, Desk)` is asked about; of `AGENTS["desk"]` only the entry
    is meant.
    """
    match node:
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, *classes]):
            for each in classes:
                yield from ast.walk(each)
        case ast.Subscript(value=table, slice=ast.Constant()):
            yield from ast.walk(table)


def _nodes(function: Any) -> Iterator[ast.AST]:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        yield from ast.walk(ast.parse(source))
    except (OSError, TypeError, SyntaxError):
        return


def _texts(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) | ast.Attribute(attr=text):
            yield text


def _scope(function: Any, nodes: Sequence[ast.AST]) -> Mapping[str, Any]:
    """What the names in a function stand for, those that it imports itself included."""
    closure = inspect.getclosurevars(function)
    scope = {**closure.builtins, **closure.globals, **closure.nonlocals}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            with suppress(Exception):  # whatever a user's module raises, the tool would meet it
                name = "." * node.level + (node.module or "")
                module = import_module(name, function.__globals__.get("__package__"))
                scope |= {
                    each.asname or each.name: getattr(module, each.name) for each in node.names
                }
    return scope


def _resolve(node: ast.expr, scope: Mapping[str, Any], owner: type) -> Any:
    """What an expression in a function stands for, or None."""
    match node:
        case ast.Name(id=name):
            return scope.get(name)
        case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
            # A tool that a method makes closes over the agent.
            return getattr(type(scope["self"]) if "self" in scope else owner, attribute, None)
        case ast.Subscript(value=table, slice=ast.Constant(value=key)):
            entries = _resolve(table, scope, owner)
            return entries.get(key) if isinstance(entries, Mapping) else None
        case ast.Attribute(value=inner, attr=attribute):
            return getattr(_resolve(inner, scope, owner), attribute, None)
        case _:
            return None


def _id(agent: type[Any], kind: AgentKind) -> str:
    """The id that its constructor gives it, or livekit's own."""
    for node in _nodes(agent.__init__):
        match node:
            case ast.Call(func=ast.Attribute(attr="__init__")) if _gives_id(node):
                return _given_id(node, "")
    return kind.default_id(agent.__name__)


def _gives_id(call: ast.Call) -> bool:
    return any(keyword.arg == "id" for keyword in call.keywords)


def _given_id(call: ast.Call, otherwise: str) -> str:
    """The id in a call of a constructor, empty where it is known at run time only."""
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg="id", value=ast.Constant(value=str(given))):
                return given
            case ast.keyword(arg="id"):
                return ""
    return otherwise


def _is_agent_class(named: Any, kind: AgentKind) -> bool:
    return inspect.isclass(named) and issubclass(named, kind.base) and not _is_livekit(named)


def _is_livekit(named: Any) -> bool:
    return str(getattr(named, "__module__", "")).startswith("livekit.")


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", text.lower()) if word}
