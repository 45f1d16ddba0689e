"""An agent's tools: how each looks to a model, and which agent it leads to.

livekit builds it anew at each request, by way of a pydantic model; noting it that way
would double what is most of a request's work. Here it is built once for each function.

Tools are not run to find out: they may do things. Their source is read for the
agents that it names, following calls into the user's own functions; where that
says nothing (a registry of agents, an id given at run time) the words decide.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from livekit.agents import Agent, llm
from livekit.agents.llm.tool_context import FunctionToolInfo
from livekit.agents.utils.misc import camel_to_snake_case

from handoff_evals.scenarios import Target
from handoff_evals.transcript import ToolSchema

_BUILT: WeakKeyDictionary[Any, tuple[FunctionToolInfo, ToolSchema]] = WeakKeyDictionary()
"""By the decorated function, which all instances of an agent's class share."""


def schemas(tools: Sequence[llm.Tool | llm.Toolset]) -> tuple[ToolSchema, ...]:
    """The function tools as the Chat Completions API describes them, toolsets opened."""
    return tuple(_schema(tool) for tool in llm.ToolContext(tools).function_tools.values())


def _schema(tool: llm.FunctionTool[Any, Any] | llm.RawFunctionTool[Any, Any]) -> ToolSchema:
    if isinstance(tool, llm.RawFunctionTool):
        return _built(tool)
    function = tool.__wrapped__  # type: ignore[attr-defined]  # functools.update_wrapper sets it
    info, schema = _BUILT.get(function, (None, None))
    if schema is None or info != tool.info:
        schema = _built(tool)
        _BUILT[function] = replace(tool.info), schema
    return schema


def _built(tool: llm.Tool) -> ToolSchema:
    [described] = llm.ToolContext([tool]).parse_function_tools("openai", strict=False)
    function = described["function"]
    return ToolSchema(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters") or {},
    )


_DEPTH = 4
_GENERIC = {"agent", "transfer", "to", "the", "handoff", "hand", "over", "default", "back", "a"}


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """What the source of a tool shows."""

    agents: frozenset[str]
    """Ids of the agents that it names; empty ones for those that get theirs at run time."""
    described: frozenset[str]
    """Words of its docstring."""
    written: frozenset[str]
    """Words of the texts and attributes in its code."""


def leading_tool(tools: Sequence[llm.Tool], target: Target) -> str | None:
    """The tool that hands over to `target`, or None where none does or several may."""
    found: list[tuple[int, str]] = []
    for name, tool in llm.ToolContext(list(tools)).function_tools.items():
        strength = _strength(name, tool, target)
        if strength:
            found.append((strength, name))
    found.sort(reverse=True)
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1]


def leads_to(tool: Any) -> frozenset[str]:
    """Ids of the agents that a function tool names in its code; none says nothing."""
    owner: Any = type(tool._instance)  # noqa: SLF001 - livekit hides it
    return _evidence(tool._func, owner).agents - {""}  # noqa: SLF001 - as above


def function_of(tool: Any) -> Callable[..., Any]:
    """The function behind a tool."""
    function: Callable[..., Any] = tool._func  # noqa: SLF001 - as above
    return function


def placeholder_arguments(tool: llm.Tool) -> dict[str, Any]:
    """Arguments of the right types for a tool that is called for its handoff alone."""
    schema = llm.ToolContext([tool]).parse_function_tools("openai", strict=False)[0]
    parameters = schema["function"].get("parameters") or {}
    filled: dict[str, Any] = _placeholder({"type": "object", **parameters}, parameters)
    return filled


def _placeholder(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    match schema:
        case {"$ref": str(place)}:
            return _placeholder(whole["$defs"][place.rpartition("/")[2]], whole)
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [first, *_]} | {"allOf": [first, *_]}:
            return _placeholder(first, whole)
        case {"type": "object"}:
            properties = schema.get("properties", {})
            required = schema.get("required", ())
            return {name: _placeholder(properties.get(name, {}), whole) for name in required}
    values = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "null": None}
    return values.get(schema.get("type", "string"), "the caller asked for it")


def _strength(name: str, tool: Any, target: Target) -> int:
    owner: Any = type(tool._instance)  # noqa: SLF001 - as below
    evidence = _evidence(tool._func, owner)  # noqa: SLF001 - livekit hides it
    if evidence.agents and not evidence.agents & {target.id, ""}:
        return 0
    own = _words(name)
    id_words = _words(target.id) - _GENERIC
    value_words = {word for value in target.where.values() for word in _words(value)} - _GENERIC
    strength = 4 * len(value_words & own)
    strength += 2 * len(value_words & (evidence.described | evidence.written))
    strength += 3 * len(id_words & own) + len(id_words & evidence.written)
    if target.id in evidence.agents:
        strength += 2 if len(evidence.agents) == 1 else 1
    return strength


@lru_cache(maxsize=512)
def _evidence(function: Callable[..., Any], owner: type[Any]) -> _Evidence:
    tool = inspect.unwrap(function)
    described = inspect.getdoc(tool) or ""
    texts = {text for node in _nodes(tool) for text in _texts(node)}
    return _Evidence(
        agents=frozenset(_agents(tool, owner, set(), _DEPTH)),
        described=frozenset(_words(described)),
        written=frozenset(
            word for text in texts if inspect.cleandoc(text) != described for word in _words(text)
        ),
    )


def _agents(
    function: Callable[..., Any], owner: type[Any], seen: set[Any], depth: int
) -> Iterator[str]:
    """Ids of the agents that a function names, and those of the functions that it calls."""
    if function in seen or not depth:
        return
    seen.add(function)
    nodes = list(_nodes(function))
    scope = _scope(function, nodes) if nodes else {}
    for node in nodes:
        match node:
            case ast.Call(func=called):
                named = _resolve(called, scope, owner)
                if named is Agent:
                    yield _given_id(node, "default_agent")
                elif inspect.isfunction(named) and not _is_livekit(named):
                    yield from _agents(inspect.unwrap(named), owner, seen, depth - 1)
            case ast.Name() | ast.Attribute():
                named = _resolve(node, scope, owner)
                if isinstance(named, Agent):
                    yield named.id
                elif _is_agent_class(named):
                    yield _id(named)


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
            return getattr(owner, attribute, None)
        case ast.Attribute(value=inner, attr=attribute):
            return getattr(_resolve(inner, scope, owner), attribute, None)
        case _:
            return None


def _id(agent: type[Agent]) -> str:
    """The id that its constructor gives it, or livekit's own."""
    for node in _nodes(agent.__init__):
        match node:
            case ast.Call(func=ast.Attribute(attr="__init__")) if _gives_id(node):
                return _given_id(node, "")
    return camel_to_snake_case(agent.__name__)


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


def _is_agent_class(named: Any) -> bool:
    return inspect.isclass(named) and issubclass(named, Agent) and not _is_livekit(named)


def _is_livekit(named: Any) -> bool:
    return str(getattr(named, "__module__", "")).startswith("livekit.")


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", text.lower()) if word}
