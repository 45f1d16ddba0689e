"""An agent's tools: how each looks to a model, and which agent it leads to.

livekit builds it anew at each request, by way of a pydantic model; noting it that way
would double what is most of a request's work. Here it is built once for each function.

Tools are not run to find out: they may do things. Their source is read for the
agents that it names, following calls into the user's own functions; where that
says nothing (a registry of agents, an id given at run time) the words decide.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from livekit.agents import Agent, llm
from livekit.agents.llm.tool_context import FunctionToolInfo
from livekit.agents.utils.misc import camel_to_snake_case

from handoff_evals.agent_source import AgentKind, Evidence, evidence_of, strength
from handoff_evals.livekit.internals import tool_owner
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
    function = function_of(tool)
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


_AGENT = AgentKind(base=Agent, default_id=camel_to_snake_case)


def leading_tool(tools: Sequence[llm.Tool], target: Target) -> str | None:
    """The tool that hands over to `target`, or None where none does or several may."""
    found: list[tuple[int, str]] = []
    for name, tool in llm.ToolContext(list(tools)).function_tools.items():
        how_much = strength(_evidence(tool), name, target)
        if how_much:
            found.append((how_much, name))
    found.sort(reverse=True)
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1]


def leads_to(tool: Any) -> frozenset[str]:
    """Ids of the agents that a function tool names in its code; none says nothing."""
    return _evidence(tool).agents - {""}


def function_of(tool: Any) -> Callable[..., Any]:
    """The function behind a tool."""
    function: Callable[..., Any] = tool.__wrapped__  # functools.update_wrapper sets it
    return function


def _evidence(tool: Any) -> Evidence:
    return evidence_of(function_of(tool), tool_owner(tool), _AGENT)


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
