"""What a tool looks like to a model.

livekit builds it anew at each request, by way of a pydantic model; noting it that way
would double what is most of a request's work. Here it is built once for each function.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from livekit.agents import llm
from livekit.agents.llm.tool_context import FunctionToolInfo

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
