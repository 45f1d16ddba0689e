"""Where a module hands the call over, and which agent's tools lead to which."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from handoff_evals.agent_source.agent_module import AgentModule, Function

# `self._billing_agent`; `userdata.agents["billing"]`, `self.personas.billing`
_AGENT = re.compile(r"(^|[._])(agent|persona)$")
_AGENTS = re.compile(r"(^|[._])(agents|personas)$")


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
                    yield from _returned(module, function, node, value)
                case ast.Expr(
                    value=ast.Call(func=ast.Attribute(attr="update_agent"), args=[agent])
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
            values = list(_assigned(module, identifier, function))
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
        case _ if is_agent(module, value, function):
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


@dataclass(frozen=True, kw_only=True)
class Route:
    """A tool that an agent has, and where it leads."""

    owner: str
    tool: Function
    targets: frozenset[str]
    """Class names; empty where the code does not tell."""
    place: ast.AST
    """What is left out to take the tool away: the method, or its entry in `tools=[...]`."""


@lru_cache(maxsize=8)
def routes(module: AgentModule) -> tuple[Route, ...]:
    """All tools that hand over, an agent and tool each."""
    return tuple(_routes(module))


@lru_cache(maxsize=8)
def depths(module: AgentModule) -> dict[str, int]:
    """How many handoffs it takes to each agent, from the one that answers the call."""
    reached = set(_first_agents(module)) or set(list(module.agents)[:1])
    found = dict.fromkeys(reached, 0)
    depth = 0
    while reached:
        depth += 1
        reached = _next_agents(module, reached) - found.keys()
        found.update(dict.fromkeys(reached, depth))
    return found


def leads_back(module: AgentModule, route: Route) -> bool:
    """Whether a route leads nearer to the agent that answers the call."""
    depth = depths(module)
    here = depth.get(route.owner, 0)
    return any(depth.get(target, here) < here for target in route.targets)


def leads_there_again(module: AgentModule, function: Function, target: str) -> bool:
    """Whether a caller whom `function` hands to `target` may come through it once more."""
    senders = {each.owner for each in routes(module) if function in module.reach(each.tool)}
    owner = module.class_of(function)
    if not senders and owner is not None:
        senders = {owner.name}
    reached = {target}
    while True:
        if any(not each.targets for each in routes(module) if each.owner in reached):
            return True
        further = _next_agents(module, reached) - reached
        if not further:
            return bool(senders & reached)
        reached |= further


def _next_agents(module: AgentModule, owners: Iterable[str]) -> set[str]:
    return {target for each in routes(module) if each.owner in owners for target in each.targets}


def _routes(module: AgentModule) -> Iterator[Route]:
    for node in module.agents.values():
        for holder in module.line(node):
            for method in holder.body:
                if isinstance(method, Function) and method in module.tools:
                    yield from _route(module, node.name, method, method)
    for call in constructions(module):
        for keyword in call.keywords:
            if keyword.arg == "tools" and isinstance(keyword.value, ast.List):
                for entry in keyword.value.elts:
                    for tool in _tools(module, entry):
                        yield from _route(module, owner(module, call), tool, entry)


def _route(module: AgentModule, owner: str, tool: Function, place: ast.AST) -> Iterator[Route]:
    reached = set(module.reach(tool))
    found = [each for each in handoffs(module) if each.function in reached]
    if found:
        calls = [built(module, each.agent, each.function) for each in found]
        targets = frozenset(ast.unparse(call.func) for call in calls if call is not None)
        yield Route(owner=owner, tool=tool, targets=targets, place=place)


def _tools(module: AgentModule, entry: ast.expr) -> Iterator[Function]:
    """The tools that an entry of `tools=[...]` stands for."""
    inside = module.function_of(entry)
    match entry:
        case ast.Call(args=[ast.Name() | ast.Attribute() as wrapped, *_]) if (
            named := module.resolve(wrapped, inside)
        ) in module.tools:
            yield named
        case ast.Call(func=func):
            maker = module.resolve(func, inside)
            if maker is not None:
                yield from (tool for tool in module.tools if module.function_of(tool) is maker)
        case ast.Name() | ast.Attribute():
            named = module.resolve(entry, inside)
            if named in module.tools:
                yield named


def owner(module: AgentModule, construction: ast.Call) -> str:
    """The class of the agent that a call constructs."""
    match construction.func:
        case ast.Attribute(attr="__init__"):
            around = module.class_of(construction)
            return around.name if around is not None else ""
        case func:
            return ast.unparse(func)


def _first_agents(module: AgentModule) -> Iterator[str]:
    """The classes that functions construct which are no agent's and hand nothing over."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in module.agents:
            continue
        function = module.function_of(node)
        around = module.class_of(node)
        if function not in module.handing_over and (
            around is None or around.name not in module.agents
        ):
            yield ast.unparse(node.func)
