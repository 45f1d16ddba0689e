"""Agents, and what leads from one to the other.

Agents are told apart by their labels, as everywhere: livekit's id, and the attributes that a
scenario file names in `where:`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

from handoff_evals.scenarios import Target
from handoff_evals.transcript import AgentRef

Origin = Literal["source", "rehearsal", "run"]
"""Where an edge is known from: the agents' code, a rehearsal of their tools, or a run."""
ORIGINS: tuple[Origin, ...] = get_args(Origin)
Carried = Literal["nothing", "part", "all"]
"""How much of what the caller had said the new agent's model received."""
FRESH = "fresh"
"""The context of an edge whose code passes nothing of the conversation on."""

HOOKS = frozenset({"on_enter", "on_exit", "on_user_turn_completed"})
"""livekit's hooks: what they lead to no model has decided."""

Pair = tuple[str, str]
"""The labels of the old and of the new agent."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One way from an agent to another."""

    old: str
    new: str
    via: str = ""
    """The tool that leads there, or the agent's hook, as `on_enter`; empty where nobody knows."""
    kind: Literal["handoff", "task"] = "handoff"
    """`task`: the old agent awaits the new one, an AgentTask, and then goes on."""
    context: str = ""
    """How the code makes what the new agent is told: `fresh`, or the expression on one line.
    Empty where the source does not tell."""
    carried: frozenset[Carried] = frozenset()
    """What the new agent's model was seen to receive."""
    known_from: frozenset[Origin] = frozenset()

    @property
    def pair(self) -> Pair:
        """From whom to whom."""
        return self.old, self.new

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Where it is known from, always in the same order."""
        return tuple(each for each in ORIGINS if each in self.known_from)


@dataclass(frozen=True, kw_only=True)
class HandoffGraph:
    """All agents and edges that are known of one agent under test."""

    agents: tuple[AgentRef, ...] = ()
    edges: tuple[Edge, ...] = ()
    first: str = ""
    """The label of the agent that answers the call; empty where nobody knows."""
    unclear: tuple[tuple[str, str], ...] = ()
    """An agent's label and its tool that hands over, while nobody knows to whom."""

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The agents' labels, the first one first."""
        found = dict.fromkeys([*([self.first] if self.first else []), *map(_label, self.agents)])
        return tuple(found)

    @cached_property
    def pairs(self) -> Mapping[Pair, tuple[Edge, ...]]:
        """The edges by from whom to whom, in order."""
        found: dict[Pair, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.pair, []).append(edge)
        return {pair: tuple(edges) for pair, edges in found.items()}

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """How many edges it takes to each agent from the first one; none to what is not reached."""
        reached = {self.first or (self.labels[0] if self.labels else "")}
        found = dict.fromkeys(reached, 0)
        while reached:
            further = {new for old, new in self.pairs if old in reached} - found.keys()
            found.update(dict.fromkeys(further, max(found.values()) + 1))
            reached = further
        return found

    def leads_back(self, pair: Pair) -> bool:
        """Whether an edge leads nearer to the first agent."""
        old, new = (self.depths.get(each) for each in pair)
        return old is not None and new is not None and new < old

    def matching(self, target: Target) -> tuple[str, ...]:
        """The labels of the agents that a scenario's target may mean."""
        return tuple(each.label for each in self.agents if target.matches(each))

    def is_awaited_by_itself(self, pair: Pair) -> bool:
        """Whether an edge only leads to a task that an agent awaits in a hook, in any call."""
        return all(edge.kind == "task" and edge.via in HOOKS for edge in self.pairs[pair])

    @property
    def tasks(self) -> frozenset[str]:
        """The agents that are awaited by others, and do not take the call for good."""
        awaited = {edge.new for edge in self.edges if edge.kind == "task"}
        return frozenset(awaited - {edge.new for edge in self.edges if edge.kind == "handoff"})


def joined(graphs: Iterable[HandoffGraph]) -> HandoffGraph:
    """One graph of what several ones know of the same agents.

    Instances that are told apart by attributes stand for their class: where a run shows
    `desk[topic=a]`, the `desk` of the source is left out with all its edges that are known of
    an instance.
    """
    given = list(graphs)
    agents: dict[str, AgentRef] = {}
    found: dict[tuple[str, ...], Edge] = {}
    for graph in given:
        agents |= {each.label: each for each in graph.agents}
        for edge in graph.edges:
            key = (edge.old, edge.new, edge.via, edge.kind)
            found[key] = _together(found[key], edge) if key in found else edge
    edges = tuple(_without_bare(_without_unknown(found.values()), agents))
    bare = {each.id for each in agents.values() if each.attributes}
    used = {label for edge in edges for label in edge.pair}
    kept = tuple(
        each
        for each in agents.values()
        if each.attributes or each.id not in bare or each.label in used
    )
    labels = {each.label for each in kept}
    firsts = [graph.first for graph in given if graph.first]
    unclear = [each for graph in given for each in graph.unclear]
    ids = {each.label: each.id for each in agents.values()}
    shown = {
        (name, edge.via)
        for edge in edges
        if edge.known_from - {"source"}
        for name in (edge.old, ids.get(edge.old))
    }
    return HandoffGraph(
        agents=kept,
        edges=edges,
        first=next((each for each in firsts if each in labels), ""),
        unclear=tuple(dict.fromkeys(each for each in unclear if each not in shown)),
    )


def _together(a: Edge, b: Edge) -> Edge:
    return replace(
        a,
        context=a.context or b.context,
        carried=a.carried | b.carried,
        known_from=a.known_from | b.known_from,
    )


def _without_unknown(edges: Iterable[Edge]) -> list[Edge]:
    """An edge of which nobody saw what led there is another one, if there is but one."""
    kept = {id(edge): edge for edge in edges}
    for edge in list(kept.values()):
        named = [
            other
            for other in kept.values()
            if other.via and other.pair == edge.pair and other.kind == edge.kind
        ]
        if not edge.via and len(named) == 1:
            del kept[id(edge)]
            place = next(key for key, other in kept.items() if other is named[0])
            kept[place] = _together(named[0], edge)
    return list(kept.values())


def _without_bare(edges: Iterable[Edge], agents: Mapping[str, AgentRef]) -> Iterator[Edge]:
    """Say of each instance what is said of its class, and leave the class out."""
    found = list(edges)
    ids = {label: ref.id for label, ref in agents.items()}
    instances: dict[str, list[str]] = {}
    for label, ref in agents.items():
        if ref.attributes:
            instances.setdefault(ref.id, []).append(label)
    contexts = {_of_class(edge, ids): edge.context for edge in found if edge.context}
    exact = {
        (edge.old, *_of_class(edge, ids)[1:])
        for edge in found
        if edge.new not in instances or (edge.new in agents and agents[edge.new].attributes)
    }
    for edge in found:
        for old in instances.get(edge.old, [edge.old]):
            is_bare = old != edge.old or edge.new in instances
            if not is_bare or (old, *_of_class(edge, ids)[1:]) not in exact:
                context = edge.context or contexts.get(_of_class(edge, ids), "")
                yield replace(edge, old=old, context=context)


def _of_class(edge: Edge, ids: Mapping[str, str]) -> tuple[str, ...]:
    """What an edge is, whichever instances it is between."""
    old, new = (ids.get(label, label) for label in edge.pair)
    return old, new, edge.via, edge.kind


def _label(agent: AgentRef) -> str:
    return agent.label
