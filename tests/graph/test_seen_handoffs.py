from dataclasses import replace

from handoff_evals.checks import Decision
from handoff_evals.graph import Edge, HandoffGraph, joined, seen_graph, traffic
from handoff_evals.transcript import FunctionCall, FunctionCallOutput, Message, Turn
from tests.support.conversations import move, ref, request, transcript, turn
from tests.support.trials import RICH


def call(name: str, agent: str) -> FunctionCall:
    return FunctionCall(name=name, arguments="{}", call_id=name, agent=ref(agent))


def handing(old: str, new: str, *calls: str, user: str = "Hello.") -> Turn:
    return Turn(
        user=user,
        events=(
            Message(role="user", text=user),
            *(call(name, old) for name in calls),
            move(old, new),
        ),
        model_calls=(),
        active=ref(new),
    )


def test_the_tool_that_was_called_before_a_handoff_led_there() -> None:
    graph = seen_graph([transcript("a", handing("a", "b", "look_up", "to_b"))], origin="run")
    assert [(edge.pair, edge.via) for edge in graph.edges] == [(("a", "b"), "to_b")]
    assert graph.first == "a"


def test_of_several_calls_the_one_that_is_known_to_lead_there_did() -> None:
    known = HandoffGraph(edges=(Edge(old="a", new="b", via="to_b"),))
    graph = seen_graph(
        [transcript("a", handing("a", "b", "to_b", "note"))], origin="run", known=known
    )
    assert graph.edges[0].via == "to_b"


def test_a_task_that_is_over_leads_nowhere_new() -> None:
    there = turn("a", "a", events=(move("a", "ask", "task"), move("ask", "a", "return")))
    graph = seen_graph([transcript("a", there)], origin="run")
    assert [(edge.pair, edge.kind) for edge in graph.edges] == [(("a", "ask"), "task")]


def test_what_the_new_agents_model_received_tells_what_was_carried() -> None:
    def carried(*messages: str) -> set[str]:
        first = handing("a", "a", user="My number is 4471.")
        second = handing("a", "b", "to_b", user="I want billing.")
        asked = request("b", *(("user", each) for each in messages), after=1)
        seen = transcript("a", replace(first, events=()), replace(second, model_calls=(asked,)))
        return set(seen_graph([seen], origin="run").edges[0].carried)

    assert carried("You are b.") == {"nothing"}
    assert carried("I want billing.") == {"part"}
    assert carried("My number is 4471.", "I want billing.") == {"all"}


def test_instances_of_a_run_take_the_place_of_their_class() -> None:
    source = HandoffGraph(
        agents=(ref("front"), ref("desk")),
        edges=(
            Edge(
                old="front", new="desk", via="to_x", context="all", known_from=frozenset({"source"})
            ),
        ),
        first="front",
    )
    seen = seen_graph(
        [transcript("front", handing("front", "desk[topic=x]", "to_x"))], origin="run"
    )
    both = joined([source, seen])
    assert both.labels == ("front", "desk[topic=x]")
    assert [edge.pair for edge in both.edges] == [("front", "desk[topic=x]")]
    assert both.edges[0].context == "all"


def test_an_edge_of_source_and_run_is_one() -> None:
    source = HandoffGraph(
        agents=(ref("a"), ref("b")),
        edges=(Edge(old="a", new="b", via="to_b", known_from=frozenset({"source"})),),
    )
    seen = seen_graph([transcript("a", handing("a", "b"))], origin="run")
    [edge] = joined([source, seen]).edges
    assert edge.origins == ("source", "run")
    assert edge.via == "to_b"


def test_what_a_run_showed_is_unclear_no_longer() -> None:
    source = HandoffGraph(agents=(ref("a"),), unclear=(("a", "to_b"), ("a", "to_c")))
    seen = seen_graph([transcript("a", handing("a", "b", "to_b"))], origin="run")
    assert joined([source, seen]).unclear == (("a", "to_c"),)


GRAPH = HandoffGraph(
    agents=(ref("a"), ref("b"), ref("c")),
    edges=(Edge(old="a", new="b", via="to_b"), Edge(old="a", new="c", via="to_c")),
    first="a",
)


def decided(expected: str, actual: str, outcome: str) -> Decision:
    return Decision(
        turn=1,
        expected=expected,
        actual=actual,
        outcome=outcome,  # type: ignore[arg-type]
        on_path=True,
    )


def test_a_wrong_handoff_is_missed_on_one_edge_and_unexpected_on_another() -> None:
    trial = replace(
        RICH,
        transcript=transcript("a", handing("a", "c", "to_c")),
        decisions=(decided("b", "c", "wrong"),),
    )
    counted = traffic([trial], GRAPH)
    assert (counted["a", "b"].missed, counted["a", "b"].taken) == (1, 0)
    assert (counted["a", "c"].unexpected, counted["a", "c"].taken) == (1, 1)


def test_a_tool_that_refuses_is_an_error_on_its_edge() -> None:
    refused = FunctionCallOutput(
        name="to_b", output="no", call_id="to_b", is_error=True, agent=ref("a")
    )
    there = Turn(user="Hi", events=(call("to_b", "a"), refused), model_calls=(), active=ref("a"))
    trial = replace(RICH, transcript=transcript("a", there), decisions=())
    assert traffic([trial], GRAPH)["a", "b"].tool_errors == 1


def test_an_unscored_trial_is_no_traffic() -> None:
    trial = replace(RICH, transcript=transcript("a", handing("a", "b")), scores=())
    assert trial.status == "unscored"
    assert traffic([trial], GRAPH)["a", "b"].taken == 0
