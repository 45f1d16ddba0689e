"""Breakages of what is carried: context and userdata that get lost, or too much of them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from handoff_evals.agent_source import AgentModule, Function, constructions, handoffs
from handoff_evals.mutation.mutant import Operator, Place, breakage, name, short

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


def flags_dropped(module: AgentModule) -> Iterator[Place]:
    """Each `exclude_…=True` of a copy of a context.

    Not `exclude_handoff` of an agent's own context: the records of handoffs are in the
    session's history alone.
    """
    for node in module.walk():
        match node:
            case ast.Call(func=ast.Attribute(value=copied, attr="copy"), keywords=keywords):
                for each in keywords:
                    harmless = each.arg == "exclude_handoff" and not ast.unparse(copied).endswith(
                        "history"
                    )
                    if each.arg and each.arg.startswith("exclude_") and not harmless:
                        what = f"copied without {short(each)}"
                        yield Place(node=each.value, what=what, edits={each: None})


CONTEXT_OPERATORS = (
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
        name="context-flag-dropped",
        places=flags_dropped,
        suggestion="assert what the next agent's context holds, item by item",
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


_CHANGES = {"add", "append", "extend", "insert", "setdefault", "update"}
_USERDATA = "userdata"


def not_set(module: AgentModule) -> Iterator[Place]:
    """Each change of userdata left out, and what a session begins with."""
    for node in module.walk():
        match node:
            case ast.Call(func=func, keywords=keywords) if "AgentSession" in ast.unparse(func):
                for keyword in keywords:
                    if keyword.arg == _USERDATA:
                        what = f"the session has no {short(keyword)}"
                        yield Place(node=node, what=what, edits={keyword: None})
    for statement in _changes(module):
        what = f"not done: {short(statement)}"
        yield Place(node=statement, what=what, edits={statement: None})


def reset(module: AgentModule) -> Iterator[Place]:
    """Userdata made anew before each change of it, and before each handoff."""
    used = any(isinstance(each, ast.Attribute) and each.attr == _USERDATA for each in module.walk())
    before: list[ast.stmt] = [*_changes(module)]
    before += [each.statement for each in handoffs(module)] if used else []
    for statement in dict.fromkeys(before):
        function = module.function_of(statement)
        at_hand = module.at_hand(function)
        if at_hand is not None:
            first = ast.Expr(value=breakage("forgotten", name(at_hand)))
            both = ast.If(test=ast.Constant(value=True), body=[first, statement], orelse=[])
            what = f"reset before {short(statement)}"
            yield Place(node=statement, what=what, edits={statement: both})


def _changes(module: AgentModule) -> Iterator[ast.stmt]:
    for function in module.functions:
        aliases = _aliases(module, function)
        for node in module.inside(function):
            match node:
                case ast.Assign(targets=targets) if any(
                    _is_part(each, aliases) for each in targets
                ):
                    yield node
                case ast.AugAssign(target=target) | ast.AnnAssign(target=target) if _is_part(
                    target, aliases
                ):
                    yield node
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr=change))) if (
                    change in _CHANGES and _is_part(target, aliases, whole=True)
                ):
                    yield node


def _aliases(module: AgentModule, function: Function) -> set[str]:
    """The variables of a function that are userdata, as in `data = context.userdata`."""
    return {
        target.id
        for node in module.inside(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == _USERDATA
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _is_part(target: ast.expr, aliases: set[str], *, whole: bool = False) -> bool:
    """Whether it is userdata or something in it; a bare alias only counts as the whole."""
    match target:
        case ast.Name(id=identifier):
            return whole and identifier in aliases
        case ast.Attribute(attr=attribute) if attribute == _USERDATA:
            return True
        case ast.Attribute(value=inner) | ast.Subscript(value=inner):
            return _is_part(inner, aliases, whole=True)
        case _:
            return False


USERDATA_OPERATORS = (
    Operator(
        name="userdata-not-set",
        places=not_set,
        suggestion="expect this field in the `userdata` of the turn that sets it",
    ),
    Operator(
        name="userdata-reset",
        places=reset,
        suggestion="expect in `userdata`, after this place, what earlier turns had set",
    ),
)
