"""Agents that enter without a word, or with one too many."""

import ast
from collections.abc import Iterator

from handoff_evals.mutation.agent_module import AgentModule, Function
from handoff_evals.mutation.mutant import Operator, Place
from handoff_evals.mutation.tree import short

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


OPERATORS = (
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
