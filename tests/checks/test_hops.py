from collections import Counter
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.checks import Decision, decisions
from handoff_evals.scenarios import ConversationExpectation, ExpectedPath, Hop, Target
from handoff_evals.transcript import ENDED_CALL, AgentHandoff, Fault
from tests.support.conversations import ref, transcript, turn
from tests.support.paths import OUTCOMES, RIGHT, family, whole

FAMILY = list(family(seed=1, each=40))


def verdict(found: tuple[Decision, ...]) -> str:
    """What the first decision that is not correct came to."""
    wrong = next((each for each in found if each.outcome != "correct"), None)
    if wrong is None:
        return "correct"
    return "premature" if wrong.premature else wrong.outcome


@pytest.mark.parametrize("truth", OUTCOMES)
def test_a_conversation_is_called_what_it_is(truth: str) -> None:
    told = [each for each in FAMILY if each.truth == truth]
    assert {verdict(decisions(each.due, each.transcript)) for each in told} <= OUTCOMES[truth]


def test_a_path_without_turns_passes_hops_at_any_time_and_nothing_else() -> None:
    passed = {
        each.truth for each in FAMILY if verdict(decisions(each.path, each.transcript)) == "correct"
    }
    assert passed == {*RIGHT, "early"}


def test_a_file_that_names_the_agent_of_each_turn_fails_late_hops_that_a_path_passes() -> None:
    counts = Counter(
        (each.truth, verdict(decisions(each.by_turns, each.transcript))) for each in FAMILY
    )
    assert counts["late", "correct"] == counts["together", "correct"] == 0


def test_each_hop_is_one_decision_whatever_happens() -> None:
    for told in FAMILY:
        path = told.due.conversation.path
        assert path is not None
        found = decisions(told.due, told.transcript)
        assert [each.place for each in found] == [f"hop {n + 1}" for n in range(len(path.hops))]


walks = st.lists(st.lists(st.sampled_from("abcx"), max_size=3), min_size=1, max_size=6)


@given(
    walks,
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    st.sampled_from(["exact", "in order"]),
    st.integers(min_value=0, max_value=5),
)
def test_an_agent_that_hangs_up_early_is_never_more_often_right(
    walk: list[list[str]], path: list[str], kind: str, kept: int
) -> None:
    active, turns = "a", []
    for through in walk:
        turns.append(turn(active, *through))
        active = [active, *through][-1]
    record = transcript("a", *turns)
    hops = ExpectedPath(hops=tuple(map(Hop.parse, path)), in_order=kind == "in order")
    asked = whole(*[None] * len(turns), expect=ConversationExpectation(path=hops))
    ended = Fault(owner="agent", cause=ENDED_CALL, detail="it hung up", turn=kept)
    early = replace(record, turns=record.turns[: kept + 1], faults=(ended,))
    if kept < len(turns):
        found = decisions(asked, early)
        assert verdict(found) != "correct"
        assert right(found) <= right(decisions(asked, record))


def right(found: tuple[Decision, ...]) -> int:
    return sum(each.on_path and each.outcome == "correct" for each in found)


def judged(path: ExpectedPath, *turns: tuple[str, ...], said: str = "Yes.") -> list[str]:
    """The outcome of each decision, and its note."""
    record = transcript(turns[0][0], *(turn(*each, said=said) for each in turns))
    asked = whole(*[None] * len(turns), expect=ConversationExpectation(path=path))
    return [
        f"{each.outcome} {each.actual}{f': {each.note}' if each.note else ''}"
        for each in decisions(asked, record)
    ]


@pytest.mark.parametrize(
    ("path", "turns", "expected"),
    [
        (
            "a -> b -> c",
            [("a", "b", "c")],
            ["correct b", "correct c: with the hop before it in turn 1"],
        ),
        ("a -> b or c", [("a", "c")], ["correct c"]),
        ("a -> b -> optional c -> d", [("a", "b"), ("b", "d")], ["correct b", "correct d"]),
        (
            "a -> b -> optional c -> d",
            [("a", "b"), ("b", "c"), ("c", "d")],
            ["correct b", "correct d"],
        ),
        ("a -> b -> optional c", [("a", "b"), ("b", "c"), ("c", "d")], ["spurious d: by way of d"]),
        ("a -> b", [("a", "x"), ("x", "b")], ["spurious x: by way of x"]),
        ("a -> b", [("a", "x", "b")], ["bounced b: by way of x"]),
        ("a -> b", [("a", "b"), ("b", "a", "b")], ["bounced b: by way of a"]),
        ("a -> b", [("a", "x")], ["wrong x"]),
        (
            "a -> b -> c",
            [("a", "c"), ("c", "b"), ("b", "c")],
            ["spurious c: premature: c is expected later", "correct c"],
        ),
        ("a -> b -> c", [("a",), ("a",)], ["missed a", "missed a"]),
        ("a -> b -> c", [("a", "c")], ["missed c: the call went on without it", "correct c"]),
        ("a", [("a",)], ["correct a"]),
        ("a", [("a", "b")], ["spurious b: by way of b"]),
        ("a", [("a", "b", "a")], ["bounced a: by way of b"]),
        ("z -> b", [("a", "b")], ["bounced b: it came from a instead of z"]),
    ],
)
def test_hops_of_an_exact_path(
    path: str, turns: list[tuple[str, ...]], expected: list[str]
) -> None:
    assert judged(ExpectedPath.parse(path), *turns) == expected


def test_an_announced_hop_that_never_comes_is_a_phantom() -> None:
    path = ExpectedPath.parse("a -> b")
    assert judged(path, ("a",), said="I'm transferring you to b now.") == ["phantom a"]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([("a", "b"), ("b", "x", "c")], ["correct b", "correct c"]),
        ([("a", "b"), ("b", "c", "x")], ["correct b", "correct c"]),
        ([("a", "c"), ("c", "b")], ["correct b", "missed b"]),
    ],
)
def test_between_hops_in_order_others_may_lie(
    turns: list[tuple[str, ...]], expected: list[str]
) -> None:
    hops = (Hop.parse("b"), Hop.parse("c"))
    assert judged(ExpectedPath(hops=hops, in_order=True), *turns) == expected


def test_a_hop_says_how_late_it_came_and_one_that_came_early_is_premature() -> None:
    path = ExpectedPath(hops=(replace(Hop.parse("b"), turn=2),))
    assert judged(path, ("a",), ("a",), ("a", "b")) == ["correct b: 1 turn late: in turn 3"]
    assert judged(path, ("a", "b"), ("b",)) == ["spurious b: premature: b is due in turn 2"]


def test_what_follows_from_a_missing_hop_is_off_path() -> None:
    asked = whole(None, expect=ConversationExpectation(path=ExpectedPath.parse("a -> b -> c")))
    found = decisions(asked, transcript("a", turn("a")))
    assert [each.on_path for each in found] == [True, False]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([("a", "b")], "correct"),
        ([("a", "x", "b")], "correct"),
        ([("a", "b"), ("b", "a")], "wrong"),
        ([("a",)], "missed"),
    ],
)
def test_where_a_call_ends_is_one_decision_however_it_got_there(
    turns: list[tuple[str, ...]], expected: str
) -> None:
    asked = whole(*[None] * len(turns), expect=ConversationExpectation(final=Target.parse("b")))
    [found] = decisions(asked, transcript("a", *(turn(*each) for each in turns)))
    assert (found.place, found.outcome) == ("final", expected)


def by_way_of(*moves: AgentHandoff, end: str) -> list[str]:
    """The outcomes of the path from a to b, in a single turn in which nobody else says anything."""
    record = transcript("a", replace(turn("a"), events=moves, active=ref(end)))
    asked = whole(None, expect=ConversationExpectation(path=ExpectedPath.parse("a -> b")))
    return [each.outcome for each in decisions(asked, record)]


def step(old: str, new: str, kind: Literal["handoff", "task", "return"]) -> AgentHandoff:
    return AgentHandoff(old=ref(old), new=ref(new), kind=kind)


def test_a_task_that_an_agent_awaits_is_no_detour() -> None:
    task = step("a", "task", "task")
    assert by_way_of(task, step("task", "a", "return"), step("a", "b", "handoff"), end="b") == [
        "correct"
    ]
    assert by_way_of(task, step("task", "b", "handoff"), end="b") == ["correct"]


def test_an_agent_that_the_call_only_passed_by_is_no_detour() -> None:
    assert by_way_of(step("a", "x", "handoff"), step("x", "b", "handoff"), end="b") == ["correct"]
