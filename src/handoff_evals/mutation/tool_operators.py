"""Breakages of tools: guards and errors that are missing, and what a model is told of them."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from handoff_evals.agent_source import (
    AgentModule,
    Function,
    handoffs,
    ordinary_tools,
    parameters,
)
from handoff_evals.mutation.mutant import Operator, Place, short

_REFUSES = (ast.Raise, ast.Return, ast.Continue, ast.Break)


def guards_dropped(module: AgentModule) -> Iterator[Place]:
    """Each `if` that refuses a call, and each that a handoff depends on."""
    handed = {each.statement for each in handoffs(module)}
    for function in _functions(module):
        for node in module.inside(function):
            if not isinstance(node, ast.If) or node.orelse or ast.unparse(node.test) == "True":
                continue
            what = f"no guard: if {short(node.test)}"
            if isinstance(node.body[-1], _REFUSES) and not handed & set(node.body):
                yield Place(node=node, what=what, edits={node: None})
            elif any(each in handed for each in node.body):
                edits: dict[ast.AST, ast.AST | None] = {node.test: ast.Constant(value=True)}
                yield Place(node=node, what=what, edits=edits)


def errors_dropped(module: AgentModule) -> Iterator[Place]:
    """Each `raise ToolError` that is no guard's."""
    for function in _functions(module):
        for node in module.inside(function):
            match node:
                case ast.Raise(exc=ast.Call(func=func)) if module.real_name(
                    func
                ) == "ToolError" and not _is_guards(module, node):
                    yield Place(node=node, what=f"no {short(node)}", edits={node: None})


def _functions(module: AgentModule) -> Iterator[Function]:
    """What runs in a call: tools and what they call, and the methods of agents."""
    found = dict.fromkeys(module.handing_over)
    for agent in module.agents.values():
        for method in agent.body:
            if isinstance(method, Function) and method.name != "__init__":
                found[method] = None
    yield from found


def _is_guards(module: AgentModule, node: ast.stmt) -> bool:
    parent = module.parents.get(node)
    return isinstance(parent, ast.If) and not parent.orelse and parent.body[-1] is node


def removed(module: AgentModule) -> Iterator[Place]:
    """Each tool that hands nobody over, at each agent that has it."""
    seen: set[ast.AST] = set()
    for route in ordinary_tools(module):
        if route.place not in seen:
            seen.add(route.place)
            what = f"{route.owner} has no {route.name}"
            yield Place(node=route.place, what=what, edits={route.place: None})


# `name: what it is`, `name (int): what it is`, `:param name: what it is`
_DESCRIBED = (
    r"(?m)^(?P<before>\s*(?::param (?:\w+ )?)?{name}(?:\s*\([^)\n]*\))?:[ \t]+)(?P<text>.+)$"
)


def descriptions_swapped(module: AgentModule) -> Iterator[Place]:
    """The descriptions of the first two arguments of each tool."""
    for tool in module.tools:
        names = [each.arg for each in parameters(tool)]
        match tool.body[0]:
            case ast.Expr(value=ast.Constant(value=str(text)) as docstring):
                at_hand = module.at_hand(tool)
                found = [
                    (name, match)
                    for name in names
                    if name != at_hand
                    for match in [re.search(_DESCRIBED.format(name=re.escape(name)), text)]
                    if match is not None
                ]
                for (one, first), (other, second) in pairwise(found[:2]):
                    new = _swapped(text, first, second)
                    what = f"descriptions of {one} and {other} swapped"
                    edits: dict[ast.AST, ast.AST | None] = {docstring: ast.Constant(value=new)}
                    yield Place(node=tool, what=what, edits=edits)
        described = [(each, text) for each in parameters(tool) for text in _annotated(each)]
        for (one_, first_), (other_, second_) in pairwise(described[:2]):
            what = f"descriptions of {one_.arg} and {other_.arg} swapped"
            yield Place(node=tool, what=what, edits={first_: second_, second_: first_})


def _swapped(text: str, first: re.Match[str], second: re.Match[str]) -> str:
    if first.start() > second.start():
        first, second = second, first
    return "".join(
        (
            text[: first.start("text")],
            second["text"],
            text[first.end("text") : second.start("text")],
            first["text"],
            text[second.end("text") :],
        )
    )


def _annotated(parameter: ast.arg) -> Iterator[ast.expr]:
    """The description in `Annotated[str, "…"]` or `Annotated[str, Field(description="…")]`."""
    match parameter.annotation:
        case ast.Subscript(value=name, slice=ast.Tuple(elts=[_, *metadata])) if ast.unparse(
            name
        ).endswith("Annotated"):
            for each in metadata:
                match each:
                    case ast.Constant(value=str()):
                        yield each
                        return
                    case ast.Call(keywords=keywords):
                        for keyword in keywords:
                            if keyword.arg == "description":
                                yield keyword.value
                                return


def reply_limits_dropped(module: AgentModule) -> Iterator[Place]:
    """Each `tools=[]` and each `tool_choice=` of a reply."""
    for node in module.walk():
        match node:
            case ast.Call(func=ast.Attribute(attr=called), keywords=keywords) if called in {
                "chat",
                "generate_reply",
            }:
                for each in keywords:
                    if each.arg in {"tools", "tool_choice"}:
                        what = f"{called} without {short(each)}"
                        yield Place(node=each.value, what=what, edits={each: None})


GUARD_OPERATORS = (
    Operator(
        name="guard-dropped",
        places=guards_dropped,
        suggestion="have the model call this tool when it must be refused, and assert that "
        "nothing is done",
    ),
    Operator(
        name="tool-error-dropped",
        places=errors_dropped,
        suggestion="let the tool fail, and assert its output and `is_error`",
    ),
    Operator(
        name="tool-removed",
        places=removed,
        suggestion="expect in `calls` that this agent calls this tool",
    ),
    Operator(
        name="argument-descriptions-swapped",
        places=descriptions_swapped,
        suggestion="assert the description of each argument in the schema that the agent's model "
        "received",
    ),
    Operator(
        name="reply-limits-dropped",
        places=reply_limits_dropped,
        suggestion="assert which tools and which `tool_choice` the model received for this reply",
    ),
)
