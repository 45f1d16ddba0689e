"""Where a module hands the call over: what its tools return, and `update_agent`."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from handoff_evals.mutation.agent_module import AgentModule, Function

# `self._billing_agent`; `userdata.agents["billing"]`, `self.personas.billing`
_AGENT = re.compile(r"(^|[._])(agent|persona)$")
_AGENTS = re.compile(r"(^|[._])(agents|personas)$")


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """One place that hands the call over."""

    function: Function
    statement: ast.stmt
    agent: ast.expr
    """The expression that gives the next agent."""
    message: ast.Tuple | None = None
    """The `Agent, "message"` that it stands in."""


@lru_cache(maxsize=8)
def handoffs(module: AgentModule) -> tuple[Handoff, ...]:
    """All places of a module that hand the call over, in the order of the file."""
    return tuple(_handoffs(module))


@lru_cache(maxsize=8)
def constructions(module: AgentModule) -> tuple[ast.Call, ...]:
    """All calls that construct an agent, `super().__init__` of an agent's class too."""
    return tuple(_constructions(module))


def _handoffs(module: AgentModule) -> Iterator[Handoff]:
    for function in module.functions:
        for node in module.inside(function):
            match node:
                case ast.Return(value=ast.expr() as value) if function in module.handing_over:
                    yield from _returned(module, function, node, value)
                case ast.Expr(
                    value=ast.Call(func=ast.Attribute(attr="update_agent"), args=[agent])
                ):
                    yield Handoff(function=function, statement=node, agent=agent)


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
            values = list(_assigned(module, identifier, function))
            return built(module, values[0], function) if len(values) == 1 else None
        case _:
            return None


def _returned(
    module: AgentModule, function: Function, statement: ast.Return, value: ast.expr
) -> Iterator[Handoff]:
    match value:
        case ast.IfExp(body=body, orelse=orelse):
            yield from _returned(module, function, statement, body)
            yield from _returned(module, function, statement, orelse)
        case ast.Tuple(elts=[agent, _]) if is_agent(module, agent, function):
            yield Handoff(function=function, statement=statement, agent=agent, message=value)
        case _ if is_agent(module, value, function):
            yield Handoff(function=function, statement=statement, agent=value)


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
        case _ if _declares_agent(function):
            found = True
        case ast.Await(value=inner):
            found = is_agent(module, inner, function, seen)
        case ast.Call():
            found = _gives_agent(module, value, function, seen)
        case ast.Name(id=identifier):
            assigned = _assigned(module, identifier, function)
            found = any(is_agent(module, each, function, seen) for each in assigned)
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
    # A class from elsewhere, in a tool that does not say what it returns.
    from_elsewhere = function.returns is None and _is_class(call.func)
    return _constructs(module, call) or (
        from_elsewhere and ast.unparse(call.func) not in module.classes
    )


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


def _assigned(module: AgentModule, identifier: str, function: Function) -> Iterator[ast.expr]:
    for node in module.inside(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == identifier:
                yield value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if (
                name == identifier
            ):
                yield value
