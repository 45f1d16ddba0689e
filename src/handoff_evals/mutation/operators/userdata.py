"""What was found out about the caller, not kept or lost again."""

import ast
from collections.abc import Iterator

from handoff_evals.mutation.agent_module import AgentModule, Function
from handoff_evals.mutation.handoff import handoffs
from handoff_evals.mutation.mutant import Operator, Place
from handoff_evals.mutation.tree import breakage, name, short

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
    """The variables of a function that stand for userdata, as in `data = context.userdata`."""
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


OPERATORS = (
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
