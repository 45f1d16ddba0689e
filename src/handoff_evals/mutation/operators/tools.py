"""Tools that are missing, or that the model is told nothing about."""

import ast
from collections.abc import Iterator

from handoff_evals.mutation.agent_module import AgentModule, tool_mark
from handoff_evals.mutation.mutant import Operator, Place
from handoff_evals.mutation.routes import Route, leads_back, routes


def handoff_tools_removed(module: AgentModule) -> Iterator[Place]:
    """Each tool that leads onwards, at each agent that has it."""
    yield from (_removed(each) for each in _each_place(module) if not leads_back(module, each))


def ways_back_removed(module: AgentModule) -> Iterator[Place]:
    """Each tool that leads back, at each agent that has it."""
    yield from (_removed(each) for each in _each_place(module) if leads_back(module, each))


def descriptions_emptied(module: AgentModule) -> Iterator[Place]:
    """The docstring of each tool, and the `description=` that may stand for it."""
    for tool in module.tools:
        edits: dict[ast.AST, ast.AST | None] = {}
        match tool.body[0]:
            case ast.Expr(value=ast.Constant(value=str() as text)) as docstring if text.strip():
                edits[docstring] = None
        match tool_mark(tool):
            case ast.Call(keywords=keywords):
                edits |= {each: None for each in keywords if each.arg == "description"}
        if edits:
            yield Place(node=tool, what="description emptied", edits=edits)


def _each_place(module: AgentModule) -> Iterator[Route]:
    by_place: dict[ast.AST, Route] = {}
    for route in routes(module):
        by_place.setdefault(route.place, route)
    yield from by_place.values()


def _removed(route: Route) -> Place:
    what = f"{route.owner} has no {route.tool.name}"
    return Place(node=route.place, what=what, edits={route.place: None})


OPERATORS = (
    Operator(
        name="handoff-tool-removed",
        places=handoff_tools_removed,
        suggestion="hold a conversation in which this agent hands over by this tool, and expect "
        "the agent that the tool leads to",
    ),
    Operator(
        name="way-back-removed",
        places=ways_back_removed,
        suggestion="hold a conversation in which the caller asks this agent to be taken back, and "
        "expect the agent that the tool leads to",
    ),
    Operator(
        name="tool-description-emptied",
        places=descriptions_emptied,
        suggestion="assert the tool's description among the tools that the agent's model received",
    ),
)
