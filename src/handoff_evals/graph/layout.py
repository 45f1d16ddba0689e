"""Where agents and edges stand in a drawing: a column for each handoff from the first agent.

Each edge has a place of its own at the sides of its two boxes, with room for its label, so that
no label lies on another one.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from handoff_evals.graph.handoff_graph import HandoffGraph, Pair

_CHAR = 7.0
"""Pixels of a character of text."""
_LEAST_HEIGHT = 34.0
_PADDING = 14.0
_BETWEEN = 26.0
"""Between two boxes of a column."""
_LINE = 14.0
"""Of text, and the least distance between two edges at a side."""
_MARGIN = 24.0
_LEAST_GAP = 90.0
_ARC = 46.0

Point = tuple[float, float]
Side = Literal["left", "right"]


@dataclass(frozen=True, kw_only=True)
class Box:
    """An agent's box; `x` and `y` are its upper left corner, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """How far down its middle is."""
        return self.y + self.height / 2

    def at(self, side: Side) -> float:
        """Where a side of it is."""
        return self.x if side == "left" else self.x + self.width


@dataclass(frozen=True, kw_only=True)
class Line:
    """An edge: a cubic curve by its four points."""

    points: tuple[Point, Point, Point, Point]
    label: Point
    """Where the last line of its label ends, or begins, or has its middle."""
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A drawing's size in pixels, and what stands where in it."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    """By the agent's label."""
    lines: Mapping[Pair, Line]


def text_width(text: str) -> float:
    """About how wide a text is, in pixels."""
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return _CHAR * (len(text) + wide)


def laid_out(
    graph: HandoffGraph, *, names: Mapping[str, str], words: Mapping[Pair, Sequence[str]]
) -> Layout:
    """Lay a graph out, the same each time.

    Args:
        graph: what to draw.
        names: what stands in each agent's box, by its label.
        words: the lines of each edge's label.
    """
    plan = _Plan(graph, words)
    widest = max((text_width(line) for lines in words.values() for line in lines), default=0.0)
    gap = max(_LEAST_GAP, 1.5 * widest)
    top = _MARGIN + _ARC * len(plan.over)
    heights = [sum(map(plan.height, col)) + _BETWEEN * (len(col) - 1) for col in plan.columns]
    tallest = max(heights, default=0.0)
    boxes: dict[str, Box] = {}
    x = _MARGIN
    for column, height in zip(plan.columns, heights, strict=True):
        width = max(text_width(names[each]) + 2 * _PADDING for each in column)
        y = top + (tallest - height) / 2
        for each in column:
            boxes[each] = Box(x=x, y=y, width=width, height=plan.height(each))
            y += plan.height(each) + _BETWEEN
        x += width + gap
    bottom = top + tallest
    lines: dict[Pair, Line] = {}
    for pair in graph.pairs:
        a, b = boxes[pair[0]], boxes[pair[1]]
        if pair in plan.over:
            lines[pair] = _arc(a, b, y=top - _ARC * (plan.over.index(pair) + 1))
        elif pair in plan.under:
            lines[pair] = _arc(a, b, y=bottom + _ARC * (plan.under.index(pair) + 1))
        else:
            lines[pair] = _curve(pair, plan, boxes, gap)
    beside = any(plan.column[a] == plan.column[b] == len(plan.columns) - 1 for a, b in graph.pairs)
    return Layout(
        width=x - gap + _MARGIN + (gap if beside else 0.0),
        height=bottom + _ARC * len(plan.under) + _MARGIN,
        boxes=boxes,
        lines=lines,
    )


class _Plan:
    """Which agent stands in which column, and which edge comes to which side of its box."""

    def __init__(self, graph: HandoffGraph, words: Mapping[Pair, Sequence[str]]) -> None:
        self.columns = _columns(graph)
        self.column = {each: n for n, column in enumerate(self.columns) for each in column}
        self._row = {each: n for column in self.columns for n, each in enumerate(column)}
        far = [(self._span(pair), pair) for pair in graph.pairs if self._span(pair) > 1]
        far.sort(key=lambda each: each[0])
        self.over = [pair for _, pair in far if self.column[pair[0]] < self.column[pair[1]]]
        self.under = [pair for _, pair in far if pair not in self.over]
        self._places: dict[tuple[str, Pair], float] = {}
        """How far down an edge comes to a box, by the box and the edge."""
        self._heights: dict[str, float] = {}
        for label in graph.labels:
            for side in ("left", "right"):
                self._place(label, side, [p for p in graph.pairs if label in p], words)

    def _span(self, pair: Pair) -> int:
        return abs(self.column[pair[0]] - self.column[pair[1]])

    def side(self, label: str, pair: Pair) -> Side | None:
        """The side of a box that an edge comes to; None for one that passes other columns."""
        other = pair[0] if pair[1] == label else pair[1]
        if self._span(pair) > 1:
            return None
        return "left" if self.column[other] < self.column[label] else "right"

    def has_label(self, label: str, pair: Pair) -> bool:
        """Whether an edge has its label at this one of its boxes."""
        return self.side(label, pair) == "left" or (self._span(pair) == 0 and pair[0] == label)

    def _place(
        self, label: str, side: str, pairs: Sequence[Pair], words: Mapping[Pair, Sequence[str]]
    ) -> None:
        def order(pair: Pair) -> tuple[int, bool]:
            other = pair[0] if pair[1] == label else pair[1]
            backward = self.column[pair[0]] > self.column[pair[1]]
            return self._row[other], backward or pair[0] == label

        y = 0.0
        for pair in sorted((p for p in pairs if self.side(label, p) == side), key=order):
            lines = len(words[pair]) if self.has_label(label, pair) else 0
            y += _LINE * max(1, lines) + 4
            self._places[label, pair] = y - 2
        needed = max(_LEAST_HEIGHT, y + 6)
        self._heights[label] = max(self._heights.get(label, 0.0), needed)

    def height(self, label: str) -> float:
        """Of an agent's box."""
        return self._heights[label]

    def place(self, label: str, pair: Pair, box: Box) -> float:
        """How far down an edge comes to a box: all of a side in the middle of it."""
        side = self.side(label, pair)
        used = [
            y
            for (name, p), y in self._places.items()
            if name == label and self.side(name, p) == side
        ]
        return box.y + (box.height - max(used) - _LINE / 2) / 2 + self._places[label, pair]


def _columns(graph: HandoffGraph) -> list[list[str]]:
    """The agents by how far they are from the first; those that are not reached come last."""
    depths = graph.depths
    last = max(depths.values(), default=0) + 1
    by_depth: dict[int, list[str]] = {}
    for label in graph.labels:
        by_depth.setdefault(depths.get(label, last), []).append(label)
    columns = [by_depth[depth] for depth in sorted(by_depth)]
    for _ in range(2):
        for before, column in pairwise(columns):
            _order(column, before, graph)
        for after, column in pairwise(reversed(columns)):
            _order(column, after, graph)
    return columns


def _order(column: list[str], beside: Sequence[str], graph: HandoffGraph) -> None:
    """Order a column by where its neighbours are in the one beside it."""
    rows = {each: row for row, each in enumerate(beside)}

    def place(label: str) -> float:
        found = list(_rows_beside(label, rows, graph))
        return sum(found) / len(found) if found else float(column.index(label))

    column[:] = [each for _, _, each in sorted((place(e), i, e) for i, e in enumerate(column))]


def _rows_beside(label: str, rows: Mapping[str, int], graph: HandoffGraph) -> Iterator[int]:
    for pair in graph.pairs:
        if label in pair:
            yield from (rows[other] for other in pair if other in rows)


def _curve(pair: Pair, plan: _Plan, boxes: Mapping[str, Box], gap: float) -> Line:
    """To the next column or back from it; or within a column, out to the right and back."""
    (a, b), (one, other) = pair, (boxes[pair[0]], boxes[pair[1]])
    sides = plan.side(a, pair) or "right", plan.side(b, pair) or "right"
    start = one.at(sides[0]), plan.place(a, pair, one)
    end = other.at(sides[1]), plan.place(b, pair, other)
    if sides == ("right", "right"):
        out = max(start[0], end[0]) + gap * (0.5 if one.y < other.y else 0.8)
        inner = (out, start[1]), (out, end[1])
    else:
        half = (start[0] + end[0]) / 2
        inner = (half, start[1]), (half, end[1])
    if plan.has_label(b, pair):
        label, anchor = (end[0] - 12, end[1] - 4), "end"
    elif sides[0] == "left":
        label, anchor = (start[0] - 6, start[1] - 4), "end"
    else:
        label, anchor = (start[0] + 6, start[1] - 4), "start"
    return Line(
        points=(start, *inner, end), label=label, anchor="end" if anchor == "end" else "start"
    )


def _arc(a: Box, b: Box, *, y: float) -> Line:
    """Past other columns, over or under all boxes."""
    above = y < a.y
    start = (a.x + a.width / 2, a.y if above else a.y + a.height)
    end = (b.x + b.width / 2, b.y if above else b.y + b.height)
    # In its middle a curve is at 1/8 of its ends and 3/8 of its two inner points.
    reach = (y - (start[1] + end[1]) / 8) * 4 / 3
    points = (start, (start[0], reach), (end[0], reach), end)
    return Line(points=points, label=((start[0] + end[0]) / 2, y - 4), anchor="middle")
