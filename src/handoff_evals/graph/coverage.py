"""Which parts of a handoff graph the scenarios of a suite ask about."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from handoff_evals.graph.handoff_graph import FRESH, HandoffGraph, Pair
from handoff_evals.scenarios import Expectation, Scenario, Suite, Target

Part = Literal["edge", "way back", "stay", "context"]
PARTS: tuple[Part, ...] = get_args(Part)
"""What of a graph a scenario may ask about, in the order of reports."""


@dataclass(frozen=True, kw_only=True)
class CoverageItem:
    """One thing that a scenario can ask about, and those that do."""

    part: Part
    what: str
    """The edge as `a -> b`, the agent that should keep the call, or how context is passed on."""
    pair: Pair | None = None
    """Of an edge and a way back."""
    scenarios: tuple[str, ...] = ()
    """The labels of the scenarios that ask about it."""

    @property
    def covered(self) -> bool:
        """Whether any scenario asks about it."""
        return bool(self.scenarios)


@dataclass(frozen=True, kw_only=True)
class GraphCoverage:
    """What the scenarios ask about, and what they do not."""

    items: tuple[CoverageItem, ...] = ()
    unknown: tuple[str, ...] = ()
    """Edges that scenarios expect and the graph does not have, as `a -> b`."""

    def of(self, part: Part) -> tuple[CoverageItem, ...]:
        """The items of one part."""
        return tuple(each for each in self.items if each.part == part)

    @property
    def uncovered(self) -> tuple[CoverageItem, ...]:
        """What no scenario asks about."""
        return tuple(each for each in self.items if not each.covered)

    @property
    def share(self) -> float:
        """The share of edges, stays and contexts that are covered, between 0 and 1.

        Ways back are edges, and count as such. Where there is nothing to cover it is 1.
        """
        counted = [each for each in self.items if each.part != "way back"]
        return sum(each.covered for each in counted) / len(counted) if counted else 1.0

    @property
    def pairs(self) -> frozenset[Pair]:
        """The edges that are covered."""
        return frozenset(
            each.pair for each in self.of("edge") if each.covered and each.pair is not None
        )

    @property
    def missing(self) -> frozenset[Pair]:
        """The edges that no scenario takes."""
        return frozenset(
            each.pair for each in self.of("edge") if not each.covered and each.pair is not None
        )

    @property
    def sentence(self) -> str:
        """The uncovered edges in one line; empty where there are none."""
        edges = self.of("edge")
        missing = [each.what for each in edges if not each.covered]
        if not missing:
            return ""
        shown = ", ".join(missing[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        return f"no scenario takes {len(missing)} of {len(edges)} edges: {shown}{more}"


_SHOWN = 6
"""Edges that a line names."""


def coverage(graph: HandoffGraph, suites: Iterable[Suite]) -> GraphCoverage:
    """Read off what the scenarios of suites expect of a graph's agents.

    A turn that expects no agent is taken to leave the call where it is, unless it names the
    tool that leads on from there.
    """
    walked = [_Walk(graph, scenario) for suite in suites for scenario in suite.scenarios]
    items = [
        *_edges(graph, walked),
        *_ways_back(graph, walked),
        *_stays(graph, walked),
        *_contexts(graph, walked),
    ]
    unknown = dict.fromkeys(each for walk in walked for each in walk.unknown)
    return GraphCoverage(items=tuple(items), unknown=tuple(unknown))


@dataclass
class _Walk:
    """The way of one scenario's call through the graph, as far as it is expected."""

    graph: HandoffGraph
    scenario: Scenario
    pairs: set[Pair] = field(default_factory=set)
    back: set[Pair] = field(default_factory=set)
    """Edges to an agent that had had the call before."""
    stays: set[str] = field(default_factory=set)
    asked: set[Pair] = field(default_factory=set)
    """Edges after which the scenario asks what the new agent was told."""
    unknown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Walk."""
        opening = self.scenario.opening
        self._begin()
        if opening is not None and opening.agent is not None:
            self._begin(opening.agent)
        for turn in self.scenario.turns:
            taken = self._turn(turn.expect)
            if turn.expect.carries or turn.expect.userdata:
                self.asked |= taken
        path = self.scenario.conversation.path
        if path is not None:
            self._begin(path.start)
            for hop in path.hops:
                if len(hop.to) == 1 and not hop.optional:
                    self._step(hop.to[0], old=hop.old)

    def _begin(self, at: Target | None = None) -> None:
        found = self.graph.matching(at) if at is not None else (self.graph.first,)
        self._at = found if any(found) else ()
        self._had = set(self._at)

    def _turn(self, expect: Expectation) -> set[Pair]:
        taken: set[Pair] = set()
        if expect.handoffs is not None:
            for step in expect.handoffs:
                taken |= self._step(step.new, old=step.old)
            if not expect.handoffs and len(self._at) == 1:
                self.stays |= set(self._at)
        elif expect.agent is not None:
            here = set(self._at) & set(self._named(expect.agent))
            self.stays |= here
            if not here:
                taken = self._step(expect.agent)
        else:
            taken = self._by_calls([call.name for call in expect.calls or ()])
        return taken

    def _named(self, target: Target) -> tuple[str, ...]:
        return self.graph.matching(target)

    def _step(self, new: Target, *, old: Target | None = None) -> set[Pair]:
        olds = self._at if old is None else self._named(old)
        news = self._named(new)
        taken = {(a, b) for a in olds for b in news if (a, b) in self.graph.pairs}
        if not taken and olds:
            self.unknown.append(f"{' or '.join(olds)} -> {new.label}")
        self.pairs |= taken
        self.back |= {pair for pair in taken if pair[1] in self._had}
        self._at = tuple(dict.fromkeys(b for _, b in taken)) or news
        self._had |= set(self._at)
        return taken

    def _by_calls(self, names: Sequence[str]) -> set[Pair]:
        """Follow the tools that a turn expects, where each leads to one agent."""
        taken: set[Pair] = set()
        for name in names:
            news = {
                edge.new for edge in self.graph.edges if edge.via == name and edge.old in self._at
            }
            for ref in self.graph.agents if len(news) == 1 else ():
                if ref.label in news:
                    taken |= self._step(Target(id=ref.id, where=ref.attributes))
        return taken


def _edges(graph: HandoffGraph, walked: Sequence[_Walk]) -> Iterator[CoverageItem]:
    for pair in graph.pairs:
        if graph.is_awaited_by_itself(pair):
            continue
        by = _labels(walk for walk in walked if pair in walk.pairs)
        yield CoverageItem(part="edge", what=" -> ".join(pair), pair=pair, scenarios=by)


def _ways_back(graph: HandoffGraph, walked: Sequence[_Walk]) -> Iterator[CoverageItem]:
    for pair in graph.pairs:
        if graph.leads_back(pair):
            by = _labels(walk for walk in walked if pair in walk.back)
            yield CoverageItem(part="way back", what=" -> ".join(pair), pair=pair, scenarios=by)


def _stays(graph: HandoffGraph, walked: Sequence[_Walk]) -> Iterator[CoverageItem]:
    """An agent that leads nowhere has nothing to decide."""
    leading = {old for old, _ in graph.pairs}
    for agent in graph.labels:
        if agent in leading:
            by = _labels(walk for walk in walked if agent in walk.stays)
            yield CoverageItem(part="stay", what=agent, scenarios=by)


def _contexts(graph: HandoffGraph, walked: Sequence[_Walk]) -> Iterator[CoverageItem]:
    used: dict[str, set[Pair]] = {}
    for edge in graph.edges:
        if edge.context not in {"", FRESH}:
            used.setdefault(edge.context, set()).add(edge.pair)
    for context, pairs in used.items():
        by = _labels(walk for walk in walked if walk.asked & pairs)
        yield CoverageItem(part="context", what=context, scenarios=by)


def _labels(walks: Iterable[_Walk]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(walk.scenario.label for walk in walks))
