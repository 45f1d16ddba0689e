import pytest

from handoff_evals.graph import (
    Edge,
    EdgeTraffic,
    HandoffGraph,
    Marks,
    coverage,
    dot,
    graph_text,
    mermaid,
)
from handoff_evals.scenarios import Suite
from tests.support.conversations import expects, ref, scenario

GRAPH = HandoffGraph(
    agents=(ref("a"), ref("b"), ref("ask")),
    edges=(
        Edge(old="a", new="b", via="to_b", context="fresh", known_from=frozenset({"source"})),
        Edge(old="a", new="ask", via="consent", kind="task"),
    ),
    first="a",
    unclear=(("b", "to_nobody"),),
)


def test_the_text_says_what_leads_where_and_what_nobody_knows() -> None:
    text = graph_text(GRAPH)
    assert "a, answers the call\n  -> b\n       by to_b, context: fresh [source]" in text
    assert "ask, a task" in text
    assert "? to_nobody hands over, and nobody knows to whom" in text


def test_the_text_says_what_no_scenario_asks_about() -> None:
    suite = Suite(name="s", agent="m:A", scenarios=(scenario(expects("b")),))
    text = graph_text(GRAPH, Marks(coverage=coverage(GRAPH, [suite])))
    assert "-> ask (no scenario)" in text
    assert "1 of 2 edges; not: a -> ask" in text
    assert "coverage 33%" in text


def test_a_task_of_a_hook_is_not_said_to_lack_a_scenario() -> None:
    asks = Edge(old="a", new="ask", via="on_enter", kind="task")
    graph = HandoffGraph(agents=(ref("a"), ref("ask")), edges=(asks,), first="a")
    assert "no scenario" not in graph_text(graph, Marks(coverage=coverage(graph, [])))


def test_the_text_says_what_went_over_an_edge() -> None:
    marks = Marks(traffic={("a", "b"): EdgeTraffic(taken=2, unexpected=1)})
    assert "-> b; 2 taken, 1 unexpected" in graph_text(GRAPH, marks)


def test_mermaid_draws_a_task_dashed() -> None:
    assert mermaid(GRAPH).splitlines() == [
        "flowchart LR",
        '    a0(["a"])',
        '    a1["b"]',
        '    a2["ask"]',
        '    a0 -->|"to_b"| a1',
        '    a0 -.->|"consent"| a2',
    ]


@pytest.mark.parametrize("name", ['"]; a0 --> a1["', "a --> b", "`x`|y|", "a\nb --> c", "#quot;"])
def test_no_name_is_anything_else_in_mermaid(name: str) -> None:
    graph = HandoffGraph(agents=(ref("b"),), edges=(Edge(old=name, new="b", via=name),), first=name)
    lines = mermaid(graph).splitlines()
    assert len(lines) == 4
    inner = lines[1].removeprefix('    a0(["').removesuffix('"])')
    assert not set(inner) & set('"|[]`<>')


@pytest.mark.parametrize("name", ['"]; x -> y; a ["', "back\\", "\\N", "a\nb", "<b>x</b>"])
def test_no_name_is_anything_else_in_dot(name: str) -> None:
    graph = HandoffGraph(agents=(ref("b"),), edges=(Edge(old=name, new="b", via=name),), first=name)
    lines = dot(graph).splitlines()
    assert len(lines) == 7
    label = lines[3].partition("[label=")[2].partition(", penwidth")[0]
    assert label.startswith('"')
    assert label.endswith('"')
    inner = label[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inner
    assert "\\" not in inner


def test_no_name_does_anything_in_a_terminal() -> None:
    graph = HandoffGraph(edges=(Edge(old="\x1b[31m", new="\u202eb"),), first="\x1b[31m")
    assert "\x1b" not in graph_text(graph)
    assert "\u202e" not in graph_text(graph)
