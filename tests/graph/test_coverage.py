import pytest

from handoff_evals.graph import Edge, GraphCoverage, HandoffGraph, coverage
from handoff_evals.scenarios import (
    ConversationExpectation,
    Expectation,
    ExpectedCall,
    ExpectedHandoff,
    ExpectedPath,
    Scenario,
    ScriptedTurn,
    Suite,
    Target,
)
from tests.support.conversations import ref


def graph(*edges: str, context: str = "") -> HandoffGraph:
    """A graph of edges as `a -> b tool`, whose first agent is the first that is named."""
    made = []
    for written in edges:
        old, _, rest = written.partition(" -> ")
        new, _, via = rest.partition(" ")
        made.append(Edge(old=old, new=new, via=via, context=context))
    labels = dict.fromkeys(label for edge in made for label in edge.pair)
    return HandoffGraph(
        agents=tuple(map(ref, labels)), edges=tuple(made), first=next(iter(labels), "")
    )


def turn(agent: str | None = None, *, handoffs: str | None = None, **more: object) -> ScriptedTurn:
    path = None
    if handoffs is not None:
        path = tuple(ExpectedHandoff(new=Target.parse(each)) for each in handoffs.split())
    expect = Expectation(
        agent=None if agent is None else Target.parse(agent),
        handoffs=path,
        **more,  # type: ignore[arg-type]
    )
    return ScriptedTurn(user="Hello.", expect=expect)


def covered(of: HandoffGraph, *turns: ScriptedTurn) -> GraphCoverage:
    suite = Suite(name="s", agent="m:A", scenarios=(Scenario(label="one", turns=turns),))
    return coverage(of, [suite])


def named(found: GraphCoverage, part: str) -> set[str]:
    return {each.what for each in found.items if each.part == part and each.covered}


SWAP = graph("a -> b", "b -> a")


def test_a_turn_that_expects_another_agent_covers_the_edge_there() -> None:
    assert named(covered(SWAP, turn("b")), "edge") == {"a -> b"}


def test_a_turn_that_expects_the_agent_that_has_the_call_covers_its_staying() -> None:
    found = covered(SWAP, turn("a"), turn("b"), turn("b"))
    assert named(found, "stay") == {"a", "b"}


def test_an_empty_path_covers_staying_too() -> None:
    assert named(covered(SWAP, turn(handoffs="")), "stay") == {"a"}


def test_an_edge_back_counts_as_a_way_back_only_where_the_call_had_been_there() -> None:
    ring = graph("a -> b", "b -> c", "c -> b", "a -> c")
    assert named(covered(ring, turn("c"), turn("b")), "way back") == set()
    deep = graph("a -> b", "b -> c", "c -> b")
    assert named(covered(deep, turn("b"), turn("c"), turn("b")), "way back") == {"c -> b"}


def test_a_path_in_one_turn_covers_all_its_edges() -> None:
    chain = graph("a -> b", "b -> c")
    assert named(covered(chain, turn(handoffs="b c")), "edge") == {"a -> b", "b -> c"}


def test_a_path_of_the_whole_conversation_covers_its_edges() -> None:
    path = ExpectedPath.parse("a -> b -> a")
    scenario = Scenario(
        label="one", turns=(turn(),), conversation=ConversationExpectation(path=path)
    )
    found = coverage(SWAP, [Suite(name="s", agent="m:A", scenarios=(scenario,))])
    assert named(found, "edge") == {"a -> b", "b -> a"}


def test_of_alternatives_and_optional_hops_nothing_is_covered() -> None:
    fan = graph("a -> b", "a -> c")
    for written in ("a -> b or c", "a -> optional b"):
        expected = ConversationExpectation(path=ExpectedPath.parse(written))
        scenario = Scenario(label="one", turns=(turn(),), conversation=expected)
        found = coverage(fan, [Suite(name="s", agent="m:A", scenarios=(scenario,))])
        assert named(found, "edge") == set()


def test_a_turn_without_an_agent_is_followed_by_the_tool_that_it_expects() -> None:
    fan = graph("a -> b to_b", "a -> c to_c")
    found = covered(fan, turn(calls=(ExpectedCall(name="to_c"),)))
    assert named(found, "edge") == {"a -> c"}


def test_a_tool_that_leads_to_several_agents_covers_none_of_them() -> None:
    fan = graph("a -> b route", "a -> c route")
    found = covered(fan, turn(calls=(ExpectedCall(name="route"),)))
    assert named(found, "edge") == set()


def test_a_context_is_covered_where_a_turn_over_such_an_edge_asks_what_was_carried() -> None:
    whole = graph("a -> b", context="self.chat_ctx")
    assert named(covered(whole, turn("b")), "context") == set()
    assert named(covered(whole, turn("b", carries=("4471",))), "context") == {"self.chat_ctx"}


def test_a_fresh_context_has_nothing_to_ask_about() -> None:
    found = covered(graph("a -> b", context="fresh"), turn("b"))
    assert found.of("context") == ()


def test_instances_are_told_apart_by_their_attributes() -> None:
    desks = graph("a -> desk[topic=x]", "a -> desk[topic=y]")
    found = covered(desks, turn("desk[topic=y]"))
    assert named(found, "edge") == {"a -> desk[topic=y]"}


def test_an_edge_that_a_scenario_expects_and_the_graph_lacks_is_told() -> None:
    found = covered(SWAP, turn("c"))
    assert found.unknown == ("a -> c",)


def test_the_share_counts_edges_stays_and_contexts() -> None:
    found = covered(SWAP, turn("b"))
    assert found.share == pytest.approx(1 / 4)  # two edges, two stays


def test_an_agent_that_leads_nowhere_has_no_staying_to_cover() -> None:
    assert [each.what for each in covered(graph("a -> b"), turn("b")).of("stay")] == ["a"]


def test_uncovered_edges_are_named_in_one_line() -> None:
    found = covered(SWAP, turn("b"))
    assert found.sentence == "no scenario takes 1 of 2 edges: b -> a"
    assert covered(SWAP, turn("b"), turn("a")).sentence == ""


def test_a_graph_without_edges_is_covered() -> None:
    assert covered(HandoffGraph(), turn("b")).share == 1


def test_a_task_that_a_hook_awaits_in_any_call_is_nothing_to_cover() -> None:
    asks = Edge(old="a", new="ask", via="on_enter", kind="task")
    found = coverage(HandoffGraph(agents=(ref("a"), ref("ask")), edges=(asks,), first="a"), [])
    assert found.of("edge") == ()
