"""Breakages of an agent itself: its prompt, what it says when it enters, its own model or voice."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from handoff_evals.agent_source import AgentModule, Function, constructions, owner
from handoff_evals.mutation.mutant import Operator, Place, short

_PAIR = 2


def emptied(module: AgentModule) -> Iterator[Place]:
    """The instructions of each agent."""
    for who, value in _instructions(module):
        what = f"{who} has no instructions"
        yield Place(node=value, what=what, edits={value: ast.Constant(value="")})


def swapped(module: AgentModule) -> Iterator[Place]:
    """The instructions of each agent with the next one's."""
    found = list(_instructions(module))
    pairs = list(pairwise(found))
    if len(found) > _PAIR:
        pairs.append((found[-1], found[0]))
    for (one, ones), (other, others) in pairs:
        edits = {ones: _moved(module, others, ones), others: _moved(module, ones, others)}
        yield Place(node=ones, what=f"{one} and {other} swapped", edits=edits)


def _instructions(module: AgentModule) -> Iterator[tuple[str, ast.expr]]:
    for call in constructions(module):
        for keyword in call.keywords:
            if keyword.arg == "instructions" and not _is_empty(keyword.value):
                yield owner(module, call), keyword.value


def _moved(module: AgentModule, value: ast.expr, target: ast.expr) -> ast.expr:
    """The prompt as it can be put elsewhere: what isn't known there is put as its name."""
    here, there = module.function_of(value), module.function_of(target)
    unknown = module.local_names(here) - module.local_names(there)

    def is_unknown(part: ast.AST) -> bool:
        return any(isinstance(each, ast.Name) and each.id in unknown for each in ast.walk(part))

    match value:
        case ast.JoinedStr(values=parts):
            return ast.JoinedStr(
                values=[
                    ast.Constant(value=ast.unparse(part)) if is_unknown(part) else part
                    for part in parts
                ]
            )
        case _:
            return ast.Constant(value=ast.unparse(value)) if is_unknown(value) else value


def _is_empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not str(value.value).strip()


def not_filled_in(module: AgentModule) -> Iterator[Place]:
    """Each text in which something is filled in, with the names of it instead."""
    for node in module.walk():
        match node:
            case ast.JoinedStr(values=parts) if any(
                isinstance(part, ast.FormattedValue) for part in parts
            ):
                if not _is_aside(module, node):
                    text = "".join(_unfilled(part) for part in parts)
                    what = f"not filled in: {short(node)}"
                    yield Place(node=node, what=what, edits={node: ast.Constant(value=text)})
            case ast.Call(func=ast.Attribute(value=text_, attr="format")) if not _is_aside(
                module, node
            ):
                yield Place(node=node, what=f"not filled in: {short(node)}", edits={node: text_})


def _unfilled(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=str(text)):
            return text
        case ast.FormattedValue(value=value):
            return "{" + ast.unparse(value) + "}"
        case _:
            return ""


def _is_aside(module: AgentModule, node: ast.AST) -> bool:
    """Whether a text is for no caller and no model: a log, an error that is no tool's, a part."""
    parent = module.parents.get(node)
    while parent is not None and not isinstance(parent, ast.stmt):
        if isinstance(parent, ast.JoinedStr):
            return True
        if isinstance(parent, ast.Call) and re.match(
            r"(logger|logging|log|print|warnings)\b", ast.unparse(parent.func)
        ):
            return True
        parent = module.parents.get(parent)
    match parent:
        case ast.Raise(exc=ast.Call(func=func)):
            return module.real_name(func) != "ToolError"
        case ast.Raise():
            return True
        case _:
            return False


PROMPT_OPERATORS = (
    Operator(
        name="instructions-emptied",
        places=emptied,
        suggestion="assert a phrase of the instructions in what this agent's model received",
    ),
    Operator(
        name="instructions-swapped",
        places=swapped,
        suggestion="assert, for both agents, a phrase of the instructions in what its model "
        "received",
    ),
    Operator(
        name="text-not-filled-in",
        places=not_filled_in,
        suggestion="assert the whole text with its values, as the caller hears it or the model "
        "receives it",
    ),
)


_SPEAKS = {"say", "generate_reply"}


def silent(module: AgentModule) -> Iterator[Place]:
    """Each thing that an agent says when it enters, left out."""
    for statement in _speeches(module):
        what = f"silent: no {short(statement)}"
        yield Place(node=statement, what=what, edits={statement: None})


def greets_twice(module: AgentModule) -> Iterator[Place]:
    """Each thing that an agent says when it enters, said twice."""
    for statement in _speeches(module):
        twice = ast.If(test=ast.Constant(value=True), body=[statement, statement], orelse=[])
        what = f"twice: {short(statement)}"
        yield Place(node=statement, what=what, edits={statement: twice})


def _speeches(module: AgentModule) -> Iterator[ast.Expr]:
    for function in _on_entering(module):
        for node in module.inside(function):
            if isinstance(node, ast.Expr) and any(
                isinstance(each, ast.Attribute) and each.attr in _SPEAKS
                for each in ast.walk(node.value)
            ):
                yield node


def _on_entering(module: AgentModule) -> list[Function]:
    found: dict[Function, None] = {}
    for node in module.agents.values():
        for method in node.body:
            if isinstance(method, Function) and method.name == "on_enter":
                found.update(dict.fromkeys(module.reach(method)))
    return list(found)


ENTERING_OPERATORS = (
    Operator(
        name="on-enter-silent",
        places=silent,
        suggestion="assert that the caller hears this agent when it enters, before saying more",
    ),
    Operator(
        name="on-enter-greets-twice",
        places=greets_twice,
        suggestion="assert how many messages this agent says when it enters",
    ),
)


_OVERRIDES = {"llm", "stt", "tts", "turn_detection", "turn_handling", "vad"}


def dropped(module: AgentModule) -> Iterator[Place]:
    """Each override of the session's models."""
    for call in constructions(module):
        for keyword in call.keywords:
            if keyword.arg in _OVERRIDES and not _is_none(keyword.value):
                what = f"{owner(module, call)} has no {keyword.arg}= of its own"
                yield Place(node=keyword.value, what=what, edits={keyword: None})


def _is_none(value: ast.expr) -> bool:
    return ast.unparse(value) in {"None", "NOT_GIVEN"}


OVERRIDE_OPERATORS = (
    Operator(
        name="override-dropped",
        places=dropped,
        suggestion="assert that this agent, once active, has its own model or voice",
    ),
)
