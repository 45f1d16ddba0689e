"""The handoff graph: agents, what leads from one to the other, and what a suite asks of it."""

from handoff_evals.graph.coverage import PARTS, CoverageItem, GraphCoverage, coverage
from handoff_evals.graph.formats import dot, graph_text, mermaid
from handoff_evals.graph.handoff_graph import HOOKS, Edge, HandoffGraph, Pair, joined
from handoff_evals.graph.seen_handoffs import EdgeTraffic, seen_graph, traffic
from handoff_evals.graph.source_graph import source_graph
from handoff_evals.graph.svg import Marks, svg

__all__ = [
    "HOOKS",
    "PARTS",
    "CoverageItem",
    "Edge",
    "EdgeTraffic",
    "GraphCoverage",
    "HandoffGraph",
    "Marks",
    "Pair",
    "coverage",
    "dot",
    "graph_text",
    "joined",
    "mermaid",
    "seen_graph",
    "source_graph",
    "svg",
    "traffic",
]
