from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.graph import (
    CoverageItem,
    Edge,
    EdgeTraffic,
    GraphCoverage,
    HandoffGraph,
    Marks,
    svg,
)
from handoff_evals.transcript import AgentRef

_SVG = "{http://www.w3.org/2000/svg}"


def drawn(graph: HandoffGraph, marks: Marks | None = None) -> ET.Element:
    return ET.fromstring(svg(graph, marks))  # noqa: S314 - our own


def of(pairs: list[tuple[str, str]], *, via: str = "to") -> HandoffGraph:
    labels = dict.fromkeys(label for pair in pairs for label in pair)
    return HandoffGraph(
        agents=tuple(AgentRef(id=each) for each in labels),
        edges=tuple(Edge(old=old, new=new, via=via) for old, new in pairs),
        first=next(iter(labels), ""),
    )


def test_every_agent_and_every_edge_is_drawn() -> None:
    root = drawn(of([("a", "b"), ("b", "a"), ("b", "c")]))
    agents = [each.get("data-agent") for each in root.iter() if each.get("data-agent")]
    edges = [(e.get("data-old"), e.get("data-new")) for e in root.iter() if e.get("data-old")]
    assert sorted(agents) == ["a", "b", "c"]  # type: ignore[type-var]
    assert sorted(edges) == [("a", "b"), ("b", "a"), ("b", "c")]


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", 'a" onload="x', "a --> b", "a|b[c]", "x\ny", "\u202ex", "\x00"],
)
def test_names_are_only_ever_text(name: str) -> None:
    text = svg(of([(name, "b")], via=name))
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert {each.tag for each in root.iter()} <= {
        f"{_SVG}{tag}" for tag in ("svg", "g", "title", "path", "rect", "text")
    }
    assert not any(attribute.startswith("on") for each in root.iter() for attribute in each.attrib)
    assert "\u202e" not in text


def test_nothing_outside_is_referred_to() -> None:
    root = drawn(of([("a", "b")]))
    assert not any("href" in attribute for each in root.iter() for attribute in each.attrib)
    assert svg(of([("a", "b")])).count("http") == 1  # the name space


def test_what_no_scenario_takes_is_dashed() -> None:
    graph = of([("a", "b"), ("b", "a")])
    items = (
        CoverageItem(part="edge", what="a -> b", pair=("a", "b"), scenarios=("one",)),
        CoverageItem(part="edge", what="b -> a", pair=("b", "a")),
    )
    root = drawn(graph, Marks(coverage=GraphCoverage(items=items)))
    [uncovered] = [e for e in root.iter() if "uncovered" in (e.get("class") or "").split()]
    assert uncovered.get("data-old") == "b"
    assert any(each.get("stroke-dasharray") for each in uncovered)


def test_an_edge_with_errors_is_marked_and_says_how_many() -> None:
    marks = Marks(traffic={("a", "b"): EdgeTraffic(taken=3, missed=2)})
    root = drawn(of([("a", "b")]), marks)
    assert [e for e in root.iter() if "failing" in (e.get("class") or "").split()]
    assert "3 taken, 2 missed" in {each.text for each in root.iter(f"{_SVG}text")}


names = st.text(min_size=1, max_size=8)
pairs = st.lists(st.tuples(names, names).filter(lambda p: p[0] != p[1]), max_size=12, unique=True)


@given(pairs)
def test_any_graph_is_well_formed_and_no_box_lies_on_another(found: list[tuple[str, str]]) -> None:
    root = drawn(of(found))
    boxes = [
        [float(each.attrib[name]) for name in ("x", "y", "width", "height")]
        for each in root.iter(f"{_SVG}rect")
    ]
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay


def test_no_label_of_a_dense_graph_lies_on_another() -> None:
    agents = ["front", "billing", "support", "manager", "sales"]
    graph = of([(a, b) for a in agents for b in agents if a != b], via="transfer_to_somebody")
    places = [
        (float(each.attrib["x"]), float(each.attrib["y"]))
        for each in drawn(graph).iter(f"{_SVG}text")
        if each.get("class") == "edge-label"
    ]
    assert all(
        abs(ay - by) >= 12 or abs(ax - bx) > 80 for (ax, ay), (bx, by) in combinations(places, 2)
    )


def test_an_edge_that_no_tool_is_known_for_is_drawn_without_words() -> None:
    graph = of([("a", "b")], via="")
    assert "edge-label" not in svg(graph)
    assert 'data-old="a" data-new="b"' in svg(graph)


def test_a_graph_of_nobody_is_drawn_too() -> None:
    assert drawn(HandoffGraph()).tag == f"{_SVG}svg"
