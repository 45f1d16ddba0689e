"""An agent's tools: how each looks to a model, and which agent it leads to.

livekit builds it anew at each request, by way of a pydantic model; noting it that way
would double what is most of a request's work. Here it is built once for each function.

Nothing is run here. A tool's source is read for the agents that it names, following calls
into the user's own functions; where that says nothing (a registry of agents, an id given at
run time) the words decide.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from livekit.agents import Agent, llm
from livekit.agents.llm.tool_context import FunctionToolInfo
from livekit.agents.utils.misc import camel_to_snake_case

from handoff_evals.agent_source import (
    AgentKind,
    Evidence,
    ShownTool,
    ToolChoice,
    choice,
    evidence_of,
    says,
    strength,
)
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


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A tool, and what speaks for its leading to one agent."""

    name: str
    strength: int
    """How much its source and name say; 0 where they say nothing of that agent."""
    certain: bool
    """Whether its code names that agent, and no other one."""
    named: bool
    """Whether its name says all that names that agent."""
    hands_over: bool
    """Whether it looks like a tool that hands over, to whomever."""
    hangs_up: bool
    """Whether it looks like one that ends the call."""
    ordinary: bool
    """Whether nothing says that it hands over or ends the call."""
    values: tuple[str, ...]
    """Texts in its code that may be arguments of it."""


_HANDING_OVER = re.compile(
    r"transfer|hand|rout|escalat|forward|connect|switch|change|redirect|return|back|agent|go_|to_"
    r"|continue|finish|complete|done|next|start|begin",
    re.IGNORECASE,
)
_HANGING_UP = re.compile(r"end_?call|hang_?up|shutdown|disconnect|end_conversation", re.IGNORECASE)

_DECLINING = re.compile(
    r"declin|den(?:y|ied)|cancel|refus|abort|reject|out_of_scope|fail", re.IGNORECASE
)


def leads(tools: Sequence[llm.Tool], target: Target) -> tuple[Lead, ...]:
    """All function tools, those first that most likely hand over to `target`."""
    found: list[tuple[tuple[int, ...], Lead]] = []
    for name, tool in llm.ToolContext(list(tools)).function_tools.items():
        evidence = _evidence(tool)
        how_much = strength(evidence, name, target)
        hands_over = evidence.may_hand_over or bool(_HANDING_OVER.search(name))
        hangs_up = _HANGING_UP.search(name) is not None
        lead = Lead(
            name=name,
            strength=how_much,
            certain=bool(how_much) and evidence.agents == {target.id},
            named=says(name, target),
            hands_over=hands_over,
            hangs_up=hangs_up,
            ordinary=not (evidence.agents or hands_over or hangs_up),
            values=evidence.values,
        )
        # One that names other agents only comes after one of which nothing is known.
        elsewhere = bool(evidence.agents) and not how_much
        declines = _DECLINING.search(name) is not None
        key = (lead.hangs_up, -how_much, not lead.named, elsewhere, declines, not lead.hands_over)
        found.append((tuple(map(int, key)), lead))
    return tuple(lead for _, lead in sorted(found, key=lambda each: each[0]))


def clear_choice(
    tools: Sequence[llm.Tool], target: Target, known: Collection[str]
) -> ToolChoice | None:
    """The tool that a model would take for `target` by what it is shown; None if none is clear.

    Args:
        tools: those that it is offered.
        target: who should get the call.
        known: ids of other agents that may get the call.
    """
    shown = [
        ShownTool(schema=schema, values=_evidence(tool).values)
        for tool in llm.ToolContext(list(tools)).function_tools.values()
        for schema in schemas([tool])
    ]
    led = (each for tool in tools for each in leads_to(tool))
    return choice(shown, target, {*known, *led})


def leading_tool(tools: Sequence[llm.Tool], target: Target) -> str | None:
    """The tool that hands over to `target`, or None where none does or several may."""
    found = [(lead.strength, lead.name) for lead in leads(tools, target) if lead.strength]
    found.sort(reverse=True)
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1]


def leads_to(tool: Any) -> frozenset[str]:
    """Ids of the agents that a function tool names in its code; none says nothing."""
    return _evidence(tool).agents - {""}


def default_id(class_name: str) -> str:
    """The id that livekit gives to an agent of a class of that name."""
    return camel_to_snake_case(class_name)


def function_of(tool: Any) -> Callable[..., Any]:
    """The function behind a tool."""
    function: Callable[..., Any] = tool.__wrapped__  # functools.update_wrapper sets it
    return function


def _evidence(tool: Any) -> Evidence:
    return evidence_of(function_of(tool), tool_owner(tool), _AGENT)
