"""A context that gets lost, or too much of it, on its way to the next agent."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from handoff_evals.mutation.agent_module import AgentModule, Function
from handoff_evals.mutation.handoff import constructions
from handoff_evals.mutation.mutant import Operator, Place
from handoff_evals.mutation.tree import breakage, name, short

_KEYWORD = "chat_ctx"


@dataclass(frozen=True, kw_only=True)
class _Passed:
    """A context on its way."""

    value: ast.expr
    holder: ast.AST | None = None
    """What is left out so that it isn't passed; None for what a helper returns."""


def not_passed(module: AgentModule) -> Iterator[Place]:
    """Each `chat_ctx=` left out."""
    for each in _passed(module):
        if each.holder is not None:
            what = f"{_KEYWORD}={short(each.value)} not passed"
            yield Place(node=each.value, what=what, edits={each.holder: None})


def with_old_instructions(module: AgentModule) -> Iterator[Place]:
    """Each context with the prompt of the agent that leaves."""
    for each in _passed(module):
        function = module.function_of(each.value)
        if function is None or function.name in {"__init__", "on_enter"}:
            continue  # there the agent at hand is the one that enters
        at_hand = module.at_hand(function)
        if at_hand is not None:
            value = breakage("with_prompt", each.value, name(at_hand))
            what = f"{short(each.value)} with the old instructions"
            yield Place(node=each.value, what=what, edits={each.value: value})


def emptied(module: AgentModule) -> Iterator[Place]:
    """Each context without what was said."""
    yield from _each(module, "emptied", "emptied")


def truncated(module: AgentModule) -> Iterator[Place]:
    """Each context cut to its last item."""
    yield from _each(module, "truncated", "cut to one item")


def _each(module: AgentModule, function: str, what: str) -> Iterator[Place]:
    for each in _passed(module):
        if not _is_empty(each.value):
            edits = {each.value: breakage(function, each.value)}
            yield Place(node=each.value, what=f"{short(each.value)} {what}", edits=edits)


def _passed(module: AgentModule) -> Iterator[_Passed]:
    for call in constructions(module):
        for keyword in call.keywords:
            if keyword.arg == _KEYWORD and not _is_none(keyword.value):
                yield _Passed(value=keyword.value, holder=keyword)
    for node in module.walk():
        match node:
            case ast.Call(func=ast.Attribute(attr="update_chat_ctx"), args=[value]):
                yield _Passed(value=value, holder=module.statement_of(node))
    for function in module.functions:
        if _gives_context(function):
            for node in module.inside(function):
                match node:
                    case ast.Return(value=ast.expr() as value) if not _is_none(value):
                        yield _Passed(value=value)


def _gives_context(function: Function) -> bool:
    return function.returns is not None and "ChatContext" in ast.unparse(function.returns)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_empty(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Attribute(attr="empty"), args=[]):
            return True
        case ast.Call(func=func, args=[], keywords=[]):
            return ast.unparse(func).endswith("ChatContext")
        case _:
            return False


OPERATORS = (
    Operator(
        name="context-not-passed",
        places=not_passed,
        suggestion="expect in `carries` a fact that the caller stated before this handoff",
    ),
    Operator(
        name="context-with-old-instructions",
        places=with_old_instructions,
        suggestion="assert that the next agent's model received no prompt of the agent that left",
    ),
    Operator(
        name="context-emptied",
        places=emptied,
        suggestion="expect in `carries` a fact that the caller stated before this handoff",
    ),
    Operator(
        name="context-truncated-to-one",
        places=truncated,
        suggestion="expect in `carries` a fact that the caller stated some turns before this "
        "handoff, not in the last message",
    ),
)
