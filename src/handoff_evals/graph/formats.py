"""A handoff graph as text for a terminal, as Mermaid and as DOT; every name is only ever text."""

from collections.abc import Iterator

from handoff_evals.display import visible_line
from handoff_evals.graph.coverage import PARTS, GraphCoverage
from handoff_evals.graph.handoff_graph import Edge, HandoffGraph, Pair
from handoff_evals.graph.svg import Marks, said_of, tools_of

_PLURALS = {"edge": "edges", "way back": "ways back", "stay": "stays", "context": "contexts"}


def graph_text(graph: HandoffGraph, marks: Marks | None = None) -> str:
    """Write a graph for a person.

    Args:
        graph: what to write.
        marks: its coverage and traffic, where they are known.
    """
    marks = marks or Marks()
    lines = [f"{len(graph.labels)} agents, {len(graph.pairs)} edges"]
    for label in graph.labels:
        about = ", answers the call" if label == graph.first else ""
        about += ", a task" if label in graph.tasks else ""
        lines += ["", f"{visible_line(label)}{about}"]
        pairs = [pair for pair in graph.pairs if pair[0] == label]
        lines += [f"  {line}" for pair in pairs for line in _edge_lines(graph, pair, marks)]
        lines += [] if pairs else ["  leads nowhere"]
        lines += [
            f"  ? {visible_line(tool)} hands over, and nobody knows to whom"
            for agent, tool in graph.unclear
            if agent == label
        ]
    if marks.coverage is not None:
        lines += ["", *_coverage_lines(marks.coverage)]
    return "\n".join([*lines, ""])


def _edge_lines(graph: HandoffGraph, pair: Pair, marks: Marks) -> Iterator[str]:
    covered = marks.coverage is None or pair not in marks.coverage.missing
    traffic = f"; {said_of(marks.traffic[pair])}" if pair in marks.traffic else ""
    yield f"-> {visible_line(pair[1])}{'' if covered else ' (no scenario)'}{traffic}"
    yield from (f"     {_about(edge)}" for edge in graph.pairs[pair])


def _about(edge: Edge) -> str:
    parts = [f"by {visible_line(edge.via)}" if edge.via else "nobody knows by what"]
    if edge.kind == "task":
        parts.append("awaits it")
    if edge.context:
        parts.append(f"context: {visible_line(edge.context)}")
    if edge.carried:
        said = " or ".join(each for each in ("nothing", "part", "all") if each in edge.carried)
        parts.append(f"received {said} of what the caller had said")
    origins = f" [{', '.join(edge.origins)}]" if edge.origins else ""
    return f"{', '.join(parts)}{origins}"


def _coverage_lines(coverage: GraphCoverage) -> Iterator[str]:
    yield f"coverage {coverage.share:.0%}"
    for part in PARTS:
        items = coverage.of(part)
        missing = [visible_line(each.what) for each in items if not each.covered]
        if items:
            rest = f"; not: {', '.join(missing)}" if missing else ""
            number = len(items) - len(missing)
            yield f"  {number} of {len(items)} {_PLURALS[part]}{rest}"
    for each in coverage.unknown:
        yield f"  expected by a scenario, but not in the graph: {visible_line(each)}"


def mermaid(graph: HandoffGraph, marks: Marks | None = None) -> str:
    """Write a graph as a Mermaid flowchart."""
    marks = marks or Marks()
    ids = _ids(graph)
    lines = ["flowchart LR"]
    for label in graph.labels:
        opening, closing = ('(["', '"])') if label == graph.first else ('["', '"]')
        lines.append(f"    {ids[label]}{opening}{_in_mermaid(label)}{closing}")
    for pair in graph.pairs:
        arrow = "-->" if _is_solid(graph, pair, marks) else "-.->"
        words = _in_mermaid(_words(graph, pair, marks))
        name = f'|"{words}"|' if words else ""
        lines.append(f"    {ids[pair[0]]} {arrow}{name} {ids[pair[1]]}")
    return "\n".join([*lines, ""])


def dot(graph: HandoffGraph, marks: Marks | None = None) -> str:
    """Write a graph in the language of Graphviz."""
    marks = marks or Marks()
    ids = _ids(graph)
    lines = ["digraph handoffs {", "    rankdir=LR;", "    node [shape=box];"]
    for label in graph.labels:
        style = ", penwidth=2" if label == graph.first else ""
        lines.append(f"    {ids[label]} [label={_in_dot(label)}{style}];")
    for pair in graph.pairs:
        style = "" if _is_solid(graph, pair, marks) else ", style=dashed"
        words = _in_dot(_words(graph, pair, marks))
        lines.append(f"    {ids[pair[0]]} -> {ids[pair[1]]} [label={words}{style}];")
    return "\n".join([*lines, "}", ""])


def _ids(graph: HandoffGraph) -> dict[str, str]:
    return {label: f"a{number}" for number, label in enumerate(graph.labels)}


def _is_solid(graph: HandoffGraph, pair: Pair, marks: Marks) -> bool:
    """Whether it is a handoff, and some scenario takes it where that is known."""
    task = all(edge.kind == "task" for edge in graph.pairs[pair])
    return not task and (marks.coverage is None or pair not in marks.coverage.missing)


def _words(graph: HandoffGraph, pair: Pair, marks: Marks) -> str:
    parts = [", ".join(tools_of(graph, pair))]
    if pair in marks.traffic:
        parts.append(said_of(marks.traffic[pair]))
    return "; ".join(part for part in parts if part)


_SPECIAL = frozenset('#"&<>|[]{}()`;\\')


def _in_mermaid(text: str) -> str:
    """A text between quotes; what Mermaid, Markdown or HTML could take for more is a number."""
    return "".join(f"#{ord(c)};" if c in _SPECIAL else c for c in visible_line(text))


def _in_dot(text: str) -> str:
    plain = visible_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'
