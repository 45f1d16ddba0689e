"""Where a module hands the call over, and where it constructs agents."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from handoff_evals.agent_source.agent_module import AgentModule, Function

# `self._billing_agent`; `userdata.agents["billing"]`, `self.personas.billing`
_AGENT = re.compile(r"(^|[._])(agent|persona)$")
_AGENTS = re.compile(r"(^|[._])(agents|personas)$")
_PAIR = 2


@dataclass(frozen=True, kw_only=True)
class HandoffSite:
    """One place that hands the call over."""

    function: Function
    statement: ast.stmt
    agent: ast.expr
    """The expression that gives the next agent."""
    message: ast.Tuple | None = None
    """The `Agent, "message"` that it stands in."""


@lru_cache(maxsize=8)
def handoffs(module: AgentModule) -> tuple[HandoffSite, ...]:
    """All places of a module that hand the call over, in the order of the file."""
    return tuple(_handoffs(module))


@lru_cache(maxsize=8)
def constructions(module: AgentModule) -> tuple[ast.Call, ...]:
    """All calls that construct an agent, `super().__init__` of an agent's class too."""
    return tuple(_constructions(module))


def _handoffs(module: AgentModule) -> Iterator[HandoffSite]:
    for function in module.functions:
        for node in module.inside(function):
            match node:
                case ast.Return(value=ast.expr() as value) if function in module.handing_over:
                    found = list(_returned(module, function, node, value))
                    if not found and node.lineno in module.facts.returns:
                        found = list(_seen_returning(module, function, node, value))
                    yield from found
                case ast.Expr(
                    value=ast.Call(func=ast.Attribute(attr="update_agent"), args=[agent])
                    | ast.Call(
                        func=ast.Attribute(attr="update_agent"),
                        args=[],
                        keywords=[ast.keyword(arg="agent", value=agent)],
                    )
                ):
                    yield HandoffSite(function=function, statement=node, agent=agent)


def _constructions(module: AgentModule) -> Iterator[ast.Call]:
    for node in module.walk():
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"):
                owner = module.class_of(node)
                if owner is not None and owner.name in module.agents:
                    yield node
            case ast.Name() | ast.Attribute() if _constructs(module, node):
                yield node


def built(module: AgentModule, expression: ast.expr, function: Function) -> ast.Call | None:
    """The construction that an agent expression comes from, if this function shows it."""
    match expression:
        case ast.Call() if _constructs(module, expression):
            return expression
        case ast.Name(id=identifier):
            values = list(module.values_of(identifier, function))
            return built(module, values[0], function) if len(values) == 1 else None
        case _:
            return None


def _returned(
    module: AgentModule, function: Function, statement: ast.Return, value: ast.expr
) -> Iterator[HandoffSite]:
    match value:
        case ast.IfExp(body=body, orelse=orelse):
            yield from _returned(module, function, statement, body)
            yield from _returned(module, function, statement, orelse)
        case ast.Tuple(elts=[agent, _]) if is_agent(module, agent, function):
            yield HandoffSite(function=function, statement=statement, agent=agent, message=value)
        case ast.Name(id=identifier) if tuples := [
            each
            for each in module.values_of(identifier, function)
            if isinstance(each, ast.Tuple)
            and len(each.elts) == _PAIR
            and is_agent(module, each.elts[0], function)
        ]:
            for pair in tuples:
                agent = pair.elts[0]
                yield HandoffSite(function=function, statement=statement, agent=agent, message=pair)
        case _ if is_agent(module, value, function):
            yield HandoffSite(function=function, statement=statement, agent=value)


def _seen_returning(
    module: AgentModule, function: Function, statement: ast.Return, value: ast.expr
) -> Iterator[HandoffSite]:
    """A statement that was seen to return an agent, and whose text does not tell."""
    match value:
        case ast.Tuple(elts=[agent, _]):
            yield HandoffSite(function=function, statement=statement, agent=agent, message=value)
        case ast.Call(func=called) | ast.Await(value=ast.Call(func=called)) if module.resolve(
            called, function
        ):
            return  # the helper's own `return` is the place
        case _:
            yield HandoffSite(function=function, statement=statement, agent=value)


def is_agent(
    module: AgentModule,
    value: ast.expr,
    function: Function,
    seen: frozenset[ast.AST] = frozenset(),
) -> bool:
    """Whether an expression gives an agent, or the `(agent, message)` of a helper."""
    if value in seen or isinstance(value, ast.Constant | ast.JoinedStr):
        return False
    seen |= {value}
    match value:
        case ast.Await(value=ast.Call(func=task)) if _is_class(task):
            found = False  # an AgentTask: what it was completed with
        case _ if _declares_agent(function):
            found = True
        case ast.Await(value=inner):
            found = is_agent(module, inner, function, seen)
        case ast.Call():
            found = _gives_agent(module, value, function, seen)
        case ast.Name(id=identifier):
            assigned = module.values_of(identifier, function)
            found = any(is_agent(module, each, function, seen) for each in assigned)
        case ast.Subscript(value=holder) if _entries(module, holder, function):
            entries = _entries(module, holder, function)
            found = any(is_agent(module, each, function, seen) for each in entries)
        case ast.IfExp(body=body, orelse=orelse):
            found = any(is_agent(module, each, function, seen) for each in (body, orelse))
        case ast.Attribute(value=holder) | ast.Subscript(value=holder):
            kept = _AGENTS.search(ast.unparse(holder)) or _AGENT.search(ast.unparse(value))
            found = kept is not None
        case _:
            found = False
    return found


def _gives_agent(
    module: AgentModule, call: ast.Call, function: Function, seen: frozenset[ast.AST]
) -> bool:
    called = module.resolve(call.func, function)
    if called is not None:
        return _makes_agents(module, called, seen)
    if any(_is_maker(module, each, function, seen) for each in _looked_up(module, call, function)):
        return True
    # A class from elsewhere, in a tool that does not say what it returns.
    from_elsewhere = function.returns is None and _is_class(call.func)
    return _constructs(module, call) or (
        from_elsewhere and ast.unparse(call.func) not in module.classes
    )


def _looked_up(module: AgentModule, call: ast.Call, function: Function) -> Iterator[ast.expr]:
    """What a call may call where it is taken from a dictionary or a variable."""
    match call.func:
        case ast.Subscript(value=holder):
            yield from _entries(module, holder, function)
        case ast.Call(func=ast.Attribute(value=holder, attr="get"), args=[_, *otherwise]):
            yield from [*_entries(module, holder, function), *otherwise]
        case ast.Name(id=identifier):
            for value in module.values_of(identifier, function):
                match value:
                    case ast.Subscript(value=holder):
                        yield from _entries(module, holder, function)
                    case ast.Call(func=ast.Attribute(value=holder, attr="get"), args=[_, *rest]):
                        yield from [*_entries(module, holder, function), *rest]
                    case ast.IfExp(body=body, orelse=orelse):
                        yield from (body, orelse)
                    case _:
                        yield value
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)


def _is_maker(
    module: AgentModule, value: ast.expr, function: Function, seen: frozenset[ast.AST]
) -> bool:
    """Whether it is an agent's class, or a function that makes agents."""
    match value:
        case ast.Lambda(body=body):
            return is_agent(module, body, function, seen)
        case ast.Name() | ast.Attribute():
            made = module.resolve(value, function)
            return _constructs(module, ast.Call(func=value, args=[], keywords=[])) or (
                made is not None and _makes_agents(module, made, seen)
            )
        case _:
            return False


def _entries(module: AgentModule, holder: ast.expr, function: Function) -> list[ast.expr]:
    """The values of a dictionary or a list that is written in this file."""
    match holder:
        case ast.Dict(values=values):
            return values
        case ast.List(elts=values) | ast.Tuple(elts=values):
            return values
        case ast.Name(id=identifier):
            return [
                each
                for value in module.values_of(identifier, function)
                if not isinstance(value, ast.Name)
                for each in _entries(module, value, function)
            ]
        case _:
            return []


def _declares_agent(function: Function) -> bool:
    """Whether a function says that it always returns an agent, with a message or without."""
    written = ast.unparse(function.returns) if function.returns else ""
    says_agent = re.search(r"Agent\b", written) is not None
    return says_agent and (written.startswith(("tuple", "Tuple")) or "str" not in written)


def _makes_agents(module: AgentModule, function: Function, seen: frozenset[ast.AST]) -> bool:
    for node in module.inside(function):
        if isinstance(node, ast.Return) and node.value is not None:
            value = node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value
            if is_agent(module, value, function, seen):
                return True
    return False


def _constructs(module: AgentModule, call: ast.Call) -> bool:
    if not _is_class(call.func):
        return False
    named = ast.unparse(call.func).rpartition(".")[2]
    takes_context = any(each.arg == "chat_ctx" for each in call.keywords)
    return named in module.agents or named.endswith("Agent") or takes_context


def _is_class(func: ast.expr) -> bool:
    match func:
        case ast.Name(id=identifier) | ast.Attribute(attr=identifier):
            return identifier[:1].isupper()
        case _:
            return False
