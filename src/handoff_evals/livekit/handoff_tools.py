"""Which tool of an agent leads to which agent, as far as the code tells.

Tools are not run to find out: they may do things. Their source is read for the
agent classes that it constructs, following calls into the user's own functions;
where that says nothing (a registry of agents, an id given at run time) the names
decide.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from livekit.agents import Agent, llm
from livekit.agents.utils.misc import camel_to_snake_case

from handoff_evals.scenario import Target

_DEPTH = 4
_GENERIC = {"agent", "transfer", "to", "the", "handoff", "hand", "over", "default", "back", "a"}


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """What the source of a tool shows."""

    agents: frozenset[str]
    """Ids of the agent classes that it constructs."""
    words: frozenset[str]
    """Words of the tool's name and of the texts in its source."""


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


def placeholder_arguments(tool: llm.Tool) -> dict[str, Any]:
    """Arguments of the right types for a tool that is called for its handoff alone."""
    schema = llm.ToolContext([tool]).parse_function_tools("openai", strict=False)[0]
    parameters = schema["function"].get("parameters") or {}
    properties = parameters.get("properties", {})
    return {name: _placeholder(properties.get(name, {})) for name in parameters.get("required", ())}


def _placeholder(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    values = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
    return values.get(schema.get("type", "string"), "the caller asked for it")


def _strength(name: str, tool: Any, target: Target) -> int:
    owner: Any = type(tool._instance)  # noqa: SLF001 - as below
    evidence = _evidence(tool._func, owner)  # noqa: SLF001 - livekit hides it
    if evidence.agents and target.id not in evidence.agents:
        return 0
    own = _words(name)
    id_words = _words(target.id) - _GENERIC
    value_words = {word for value in target.where.values() for word in _words(value)} - _GENERIC
    strength = 4 * len(value_words & own) + 2 * len(value_words & evidence.words)
    strength += 3 * len(id_words & own)
    if target.id in evidence.agents:
        strength += 2 if len(evidence.agents) == 1 else 1
    return strength


@lru_cache(maxsize=512)
def _evidence(function: Callable[..., Any], owner: type[Any]) -> _Evidence:
    agents: set[str] = set()
    words: set[str] = set()
    seen: set[Any] = set()

    def read(current: Any, depth: int) -> None:
        if depth == 0 or current in seen:
            return
        seen.add(current)
        for node in _nodes(current):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and depth == _DEPTH:
                words.update(_words(node.value))
            if not isinstance(node, ast.Call):
                continue
            named = _resolve(node.func, current, owner)
            if inspect.isclass(named) and issubclass(named, Agent):
                agents.add("default_agent" if named is Agent else _id(named))
            elif inspect.isfunction(named) and not _is_livekit(named):
                read(inspect.unwrap(named), depth - 1)

    read(inspect.unwrap(function), _DEPTH)
    return _Evidence(agents=frozenset(agents), words=frozenset(words))


def _nodes(function: Any) -> Iterator[ast.AST]:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        yield from ast.walk(ast.parse(source))
    except (OSError, TypeError, SyntaxError):
        return


def _resolve(node: ast.expr, function: Any, owner: type) -> Any:
    """What a name in a function stands for, or None."""
    match node:
        case ast.Name(id=name):
            closure = inspect.getclosurevars(function)
            scope = {**closure.builtins, **closure.globals, **closure.nonlocals}
            return scope.get(name)
        case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
            return getattr(owner, attribute, None)
        case ast.Attribute(value=inner, attr=attribute):
            return getattr(_resolve(inner, function, owner), attribute, None)
        case _:
            return None


def _id(agent: type[Agent]) -> str:
    return camel_to_snake_case(agent.__name__)


def _is_livekit(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("livekit.")


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", text.lower()) if word}
