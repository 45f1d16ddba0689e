"""The graph that the agents' source shows."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from handoff_evals.agent_source import (
    AgentModule,
    Function,
    HandoffSite,
    Route,
    built,
    constructions,
    handoffs,
    owner,
    routes,
)
from handoff_evals.graph.handoff_graph import FRESH, Edge, HandoffGraph, Origin
from handoff_evals.transcript import AgentRef

_FROM_SOURCE: frozenset[Origin] = frozenset({"source"})
_PLAIN = "default_agent"
"""The id that livekit gives to an `Agent` of no class of its own, whichever it is given."""


def source_graph(
    modules: Iterable[AgentModule], *, default_id: Callable[[str], str], first: str = ""
) -> HandoffGraph:
    """Read the edges off the source of agents' modules.

    Nothing is executed. What the code takes from a registry, a file or a closure it does not
    tell: such tools stand in `unclear`.

    Args:
        modules: the files of the project that have agents.
        default_id: the id that livekit gives to a class of that name.
        first: the id of the agent that answers the call, where that is known.
    """
    reader = _SourceReader(tuple(modules), default_id)
    edges = [edge for module in reader.modules for edge in reader.edges(module)]
    unclear = [each for module in reader.modules for each in reader.unclear(module)]
    agents = {ref.id: ref for ref in reader.agents()}
    for edge in edges:
        for each in edge.pair:
            agents.setdefault(each, AgentRef(id=each))
    return HandoffGraph(
        agents=tuple(agents.values()),
        edges=tuple(dict.fromkeys(edges)),
        first=first,
        unclear=tuple(dict.fromkeys(unclear)),
    )


@dataclass(frozen=True)
class _SourceReader:
    modules: tuple[AgentModule, ...]
    default_id: Callable[[str], str]

    def agents(self) -> Iterator[AgentRef]:
        """The agents of all modules, without those classes that only others derive from."""
        constructed = {
            name.rpartition(".")[2]
            for module in self.modules
            for call in constructions(module)
            if not isinstance(call.func, ast.Attribute) or call.func.attr != "__init__"
            for name in [owner(module, call)]
        }
        bases = {
            name.rpartition(".")[2]
            for module in self.modules
            for node in module.agents.values()
            for name in map(ast.unparse, node.bases)
        }
        for module in self.modules:
            for name in module.agents:
                if name not in bases or name in constructed:
                    yield AgentRef(id=self._id(name))

    def edges(self, module: AgentModule) -> Iterator[Edge]:
        """The edges of a module: by tools, by hooks, and to the tasks that agents await."""
        known = {ref.id for ref in self.agents()}
        for route in routes(module):
            old = self._id(route.owner)
            if old not in known or route.tool is None:
                continue
            for site, call in _sites(module, module.reach(route.tool)):
                yield self._edge(old, call, via=route.name, context=_context(module, site, call))
        for name, method in _methods(module):
            old = self._id(name)
            if old not in known:
                continue
            if method not in module.tools:
                for site, call in _own_sites(module, method):
                    context = _context(module, site, call)
                    yield self._edge(old, call, via=method.name, context=context)
            for call in _awaited(module, method):
                yield self._edge(old, call, via=method.name, kind="task")

    def unclear(self, module: AgentModule) -> Iterator[tuple[str, str]]:
        """The tools that hand over without saying to whom."""
        known = {ref.id for ref in self.agents()}
        for route in routes(module):
            if not _is_told(module, route) and self._id(route.owner) in known:
                yield self._id(route.owner), route.name

    def _edge(
        self, old: str, call: ast.Call, *, via: str, context: str = "", kind: str = "handoff"
    ) -> Edge:
        new = self._id_of(call)
        return Edge(
            old=old,
            new=new,
            via=via,
            context=context,
            kind="task" if kind == "task" else "handoff",
            known_from=_FROM_SOURCE,
        )

    def _id_of(self, call: ast.Call) -> str:
        """The id of the agent that a call constructs."""
        name = ast.unparse(call.func).rpartition(".")[2]
        return _PLAIN if name == "Agent" else _given_id(call) or self._id(name)

    def _id(self, name: str) -> str:
        return self._ids().get(name) or self.default_id(name)

    def _ids(self) -> Mapping[str, str]:
        """The ids that classes give themselves, by their names."""
        found: dict[str, str] = {}
        for module in self.modules:
            for call in constructions(module):
                match call.func:
                    case ast.Attribute(attr="__init__") if given := _given_id(call):
                        found[owner(module, call)] = given
        return found


def _given_id(call: ast.Call) -> str:
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg="id", value=ast.Constant(value=str(given))):
                return given
    return ""


def _sites(
    module: AgentModule, functions: Iterable[Function]
) -> Iterator[tuple[HandoffSite, ast.Call]]:
    """Where functions hand over to an agent that they construct."""
    reached = set(functions)
    for site in handoffs(module):
        if site.function in reached:
            call = built(module, site.agent, site.function)
            if call is not None:
                yield site, call


def _own_sites(module: AgentModule, method: Function) -> Iterator[tuple[HandoffSite, ast.Call]]:
    """Where a method that is no tool hands over; its helpers are looked into too."""
    tools = {each for tool in module.tools for each in module.reach(tool)}
    yield from _sites(module, (each for each in module.reach(method) if each not in tools))


def _methods(module: AgentModule) -> Iterator[tuple[str, Function]]:
    """The methods of each agent's class that livekit calls, those of its bases too."""
    for name, node in module.agents.items():
        for holder in module.line(node):
            for method in holder.body:
                if isinstance(method, Function) and (
                    method.name.startswith("on_") or method in module.tools
                ):
                    yield name, method


def _awaited(module: AgentModule, method: Function) -> Iterator[ast.Call]:
    """The tasks that a method, or what it calls, constructs and awaits."""
    for function in module.reach(method):
        for node in module.inside(function):
            match node:
                case ast.Await(value=ast.Call(func=ast.Name() | ast.Attribute()) as call) if (
                    ast.unparse(call.func).rpartition(".")[2] in module.tasks
                ):
                    yield call


def _is_told(module: AgentModule, route: Route) -> bool:
    if route.tool is None:
        return False
    reached = set(module.reach(route.tool))
    sites = [each for each in handoffs(module) if each.function in reached]
    return bool(sites) and all(built(module, s.agent, s.function) is not None for s in sites)


_LONGEST = 60


def _context(module: AgentModule, site: HandoffSite, call: ast.Call) -> str:
    """How the new agent's context is made, on one line."""
    for keyword in call.keywords:
        if keyword.arg == "chat_ctx":
            return _written(module, site, keyword.value)
    for value in call.args:
        if "chat_ctx" in ast.unparse(value):
            return _written(module, site, value)
    return FRESH


def _written(module: AgentModule, site: HandoffSite, value: ast.expr) -> str:
    if isinstance(value, ast.Name):
        found = list(module.values_of(value.id, site.function))
        value = found[0] if len(found) == 1 else value
    if isinstance(value, ast.Await):
        value = value.value
    text = " ".join(ast.unparse(value).split())
    if text.endswith("ChatContext.empty()"):
        return FRESH
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
