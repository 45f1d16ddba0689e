"""Agents without their prompt, or with another agent's."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from handoff_evals.mutation.agent_module import AgentModule
from handoff_evals.mutation.handoff import constructions
from handoff_evals.mutation.mutant import Operator, Place
from handoff_evals.mutation.routes import owner

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
    """The prompt as it can stand elsewhere: what isn't known there stands by its name."""
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


OPERATORS = (
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
)
