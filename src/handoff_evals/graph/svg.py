"""A handoff graph as SVG, without scripts, styles or references to anything outside.

All looks are attributes, which a page's own style sheet overrides by the classes: `agent`,
`edge`, and of edges `covered`, `uncovered`, `failing`, `task`, `back`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from handoff_evals.display import visible_line
from handoff_evals.graph.coverage import GraphCoverage
from handoff_evals.graph.handoff_graph import HandoffGraph, Pair
from handoff_evals.graph.layout import Box, Line, laid_out
from handoff_evals.graph.seen_handoffs import EdgeTraffic

_INK = "#24292f"
_FAILING = "#b42318"
_PAPER = "#ffffff"
_MOST = 36
"""Characters of a name that are drawn; the whole stands in its title."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What is drawn on a graph besides itself."""

    coverage: GraphCoverage | None = None
    traffic: Mapping[Pair, EdgeTraffic] = field(default_factory=dict)


def shortened(text: str) -> str:
    """As much of a text as is drawn."""
    shown = visible_line(text)
    return shown if len(shown) <= _MOST else f"{shown[: _MOST - 1]}…"


def tools_of(graph: HandoffGraph, pair: Pair) -> tuple[str, ...]:
    """What leads from one agent to another, by name."""
    edges = graph.pairs.get(pair, ())
    return tuple(dict.fromkeys(edge.via for edge in edges if edge.via))


def said_of(traffic: EdgeTraffic) -> str:
    """What went over an edge, in words."""
    parts = [f"{traffic.taken} taken"]
    named = {
        "missed": traffic.missed,
        "unexpected": traffic.unexpected,
        "tool errors": traffic.tool_errors,
    }
    parts += [f"{number} {what}" for what, number in named.items() if number]
    return ", ".join(parts)


def svg(graph: HandoffGraph, marks: Marks | None = None) -> str:
    """Draw a graph.

    Args:
        graph: what to draw.
        marks: its coverage and traffic, where they are known.

    Returns:
        A whole SVG document, which may stand in HTML too.
    """
    marks = marks or Marks()
    words = {pair: _words(graph, pair, marks) for pair in graph.pairs}
    layout = laid_out(graph, names={each: shortened(each) for each in graph.labels}, words=words)
    size = f"{layout.width:.0f} {layout.height:.0f}"
    width, height = size.split()
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" class="handoff-graph" role="img"',
        f'viewBox="0 0 {size}" width="{width}" height="{height}"',
        'font-family="sans-serif" font-size="12">',
        f"<title>{_xml(_title(graph))}</title>",
        *(_edge(graph, pair, layout.lines[pair], marks) for pair in graph.pairs),
        *(_label(layout.lines[pair], words[pair], _colour(pair, marks)) for pair in graph.pairs),
        *(_agent(label, box, first=label == graph.first) for label, box in layout.boxes.items()),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _title(graph: HandoffGraph) -> str:
    return f"{len(graph.labels)} agents, {len(graph.pairs)} edges between them"


def _words(graph: HandoffGraph, pair: Pair, marks: Marks) -> tuple[str, ...]:
    tools = tools_of(graph, pair)
    more = f" +{len(tools) - 1}" if len(tools) > 1 else ""
    lines = [shortened(tool) + more for tool in tools[:1]]
    if pair in marks.traffic:
        lines.append(said_of(marks.traffic[pair]))
    return tuple(lines)


def _colour(pair: Pair, marks: Marks) -> str:
    traffic = marks.traffic.get(pair)
    return _FAILING if traffic and traffic.errors else _INK


def _classes(graph: HandoffGraph, pair: Pair, marks: Marks) -> Iterator[str]:
    yield "edge"
    if marks.coverage is not None:
        yield "uncovered" if pair in marks.coverage.missing else "covered"
    if pair in marks.traffic and marks.traffic[pair].errors:
        yield "failing"
    if all(edge.kind == "task" for edge in graph.pairs[pair]):
        yield "task"
    if graph.leads_back(pair):
        yield "back"


def _edge(graph: HandoffGraph, pair: Pair, line: Line, marks: Marks) -> str:
    classes = list(_classes(graph, pair, marks))
    colour = _colour(pair, marks)
    dashes = ' stroke-dasharray="6 4"' if "uncovered" in classes else ""
    dashes = ' stroke-dasharray="2 3"' if "task" in classes else dashes
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = line.points
    path = f"M{x0:.1f} {y0:.1f}C{x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f} {x3:.1f} {y3:.1f}"
    return (
        f'<g class="{" ".join(classes)}" data-old={_attribute(pair[0])} '
        f"data-new={_attribute(pair[1])}><title>{_xml(_about(graph, pair, marks))}</title>"
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.4"{dashes}/>'
        f'<path d="{_head(line)}" fill="{colour}"/></g>'
    )


def _head(line: Line) -> str:
    """An arrow's head at the end of a line."""
    (ax, ay), (x, y) = line.points[2:]
    length = ((x - ax) ** 2 + (y - ay) ** 2) ** 0.5 or 1.0
    dx, dy = (x - ax) / length, (y - ay) / length
    bx, by = x - 9 * dx, y - 9 * dy
    one, other = (bx - 4 * dy, by + 4 * dx), (bx + 4 * dy, by - 4 * dx)
    return f"M{x:.1f} {y:.1f}L{one[0]:.1f} {one[1]:.1f}L{other[0]:.1f} {other[1]:.1f}Z"


def _about(graph: HandoffGraph, pair: Pair, marks: Marks) -> str:
    """All that is known of an edge, as its title."""
    lines = [" -> ".join(map(visible_line, pair))]
    for edge in graph.pairs[pair]:
        what = visible_line(edge.via) or "nobody knows by what"
        how = f", context: {visible_line(edge.context)}" if edge.context else ""
        lines.append(f"{what}{how}; known from {', '.join(edge.origins) or 'nowhere'}")
    if pair in marks.traffic:
        lines.append(said_of(marks.traffic[pair]))
    if marks.coverage is not None:
        by = next((e.scenarios for e in marks.coverage.of("edge") if e.pair == pair), ())
        lines.append(f"scenarios: {', '.join(map(visible_line, by)) or 'none'}")
    return "\n".join(lines)


def _label(line: Line, words: tuple[str, ...], colour: str) -> str:
    x, y = line.label
    return "".join(
        f'<text class="edge-label" x="{x:.1f}" y="{y - 13 * (len(words) - 1 - number):.1f}" '
        f'text-anchor="{line.anchor}" font-size="11" fill="{colour}" stroke="{_PAPER}" '
        f'stroke-width="3" paint-order="stroke" stroke-linejoin="round">{_xml(each)}</text>'
        for number, each in enumerate(words)
    )


def _agent(label: str, box: Box, *, first: bool) -> str:
    weight = 2.4 if first else 1.2
    return (
        f'<g class="agent{" first" if first else ""}" data-agent={_attribute(label)}>'
        f"<title>{_xml(visible_line(label))}</title>"
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6" fill="{_PAPER}" stroke="{_INK}" '
        f'stroke-width="{weight}"/>'
        f'<text x="{box.x + box.width / 2:.1f}" y="{box.middle + 4:.1f}" text-anchor="middle" '
        f'fill="{_INK}">{_xml(shortened(label))}</text></g>'
    )


def _xml(text: str) -> str:
    """A text as XML may have it."""
    return escape(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _attribute(text: str) -> str:
    return quoteattr(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", visible_line(text)))


_NO_XML = re.compile("[\ufffe\uffff]")
