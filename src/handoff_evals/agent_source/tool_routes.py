"""Which agent has which tool, and where the tools that hand over lead."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from handoff_evals.agent_source.agent_module import AgentModule, Function
from handoff_evals.agent_source.handoff_sites import built, constructions, handoffs


@dataclass(frozen=True, kw_only=True)
class Route:
    """A tool that an agent has, and where it leads."""

    owner: str
    name: str
    """The tool's."""
    place: ast.AST
    """What is left out to take the tool away: the method, or its entry in `tools=[...]`."""
    tool: Function | None
    """Its function; None where another file has it."""
    targets: frozenset[str] = frozenset()
    """Class names; empty where the code does not tell."""
    hands_over: bool = False
    """Whether it is known to hand over."""


def routes(module: AgentModule) -> tuple[Route, ...]:
    """All tools that hand over, an agent and tool each."""
    return tuple(each for each in _all_routes(module) if each.hands_over)


def ordinary_tools(module: AgentModule) -> tuple[Route, ...]:
    """All tools that are not known to hand over, an agent and tool each."""
    return tuple(each for each in _all_routes(module) if not each.hands_over)


@lru_cache(maxsize=8)
def _all_routes(module: AgentModule) -> tuple[Route, ...]:
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
    senders = {
        each.owner
        for each in routes(module)
        if each.tool is not None and function in module.reach(each.tool)
    }
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
                    yield _route(module, node.name, method, method)
    for call in constructions(module):
        for keyword in call.keywords:
            if keyword.arg == "tools":
                for entry in _entries(module, keyword.value, module.function_of(call)):
                    yield from _listed(module, owner(module, call), entry)


def _route(module: AgentModule, owner: str, tool: Function, place: ast.AST) -> Route:
    reached = set(module.reach(tool))
    found = [each for each in handoffs(module) if each.function in reached]
    calls = [built(module, each.agent, each.function) for each in found]
    return Route(
        owner=owner,
        name=tool.name,
        place=place,
        tool=tool,
        targets=frozenset(ast.unparse(call.func) for call in calls if call is not None),
        hands_over=bool(found),
    )


def _entries(
    module: AgentModule, tools: ast.expr, function: Function | None, depth: int = 4
) -> Iterator[ast.expr]:
    """The entries of a list of tools, wherever in this file they are written."""
    match tools:
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                if isinstance(part, ast.Starred):
                    yield from _entries(module, part.value, function, depth)
                else:
                    yield part
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _entries(module, left, function, depth)
            yield from _entries(module, right, function, depth)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _entries(module, value, function, depth)
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[inner]):
            yield from _entries(module, inner, function, depth)
        case ast.Name(id=identifier) if depth:
            for value in module.values_of(identifier, function):
                yield from _entries(module, value, function, depth - 1)
            yield from module.appended_to(identifier, function)


def _listed(module: AgentModule, owner: str, entry: ast.expr) -> Iterator[Route]:
    """The tools that an entry of `tools=[...]` stands for."""
    inside = module.function_of(entry)
    match entry:
        case ast.Call(args=[ast.Name() | ast.Attribute() as wrapped, *_]) if (
            named := module.resolve(wrapped, inside)
        ) in module.tools and named is not None:
            yield _route(module, owner, named, entry)
        case ast.Call(func=func):
            maker = module.resolve(func, inside)
            if maker is not None:
                for tool in module.tools:
                    if module.function_of(tool) is maker:
                        yield _route(module, owner, tool, entry)
        case ast.Name() | ast.Attribute():
            named = module.resolve(entry, inside)
            name = ast.unparse(entry)
            if named is not None and named in module.tools:
                yield _route(module, owner, named, entry)
            elif named is None and name in module.facts.tools:
                yield Route(owner=owner, name=name, place=entry, tool=None)


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
