from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.checks import (
    OUTCOMES,
    Decision,
    announces_transfer,
    confusion,
    decisions,
    per_agent,
)
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import Transcript, Turn
from tests.support.conversations import expects, ref, scenario, transcript, turn

AGENTS = ("service", "billing", "technical", "desk[topic=claims]", "desk[topic=payments]")
TARGETS = (*AGENTS, "desk")
WORDS = ("Yes.", "", "I'm transferring you to billing now.", "Shall I transfer you?")

agents = st.sampled_from(AGENTS)
UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

moves = st.lists(agents, max_size=3)


@st.composite
def held(draw: st.DrawFn) -> tuple[Scenario, Transcript]:
    """Any scenario, and any conversation of at most its turns."""
    start = draw(agents)
    expected = draw(st.lists(st.none() | st.sampled_from(TARGETS), min_size=1, max_size=6))
    through = draw(st.lists(moves, max_size=len(expected)))
    ends = accumulate(through, lambda at, path: path[-1] if path else at, initial=start)
    turns = [
        turn(at, *path, said=draw(st.sampled_from(WORDS)))
        for at, path in zip(ends, through, strict=False)
    ]
    return scenario(*map(expects, expected)), transcript(start, *turns)


def made(asked: Scenario, record: Transcript) -> list[Decision]:
    """The decisions that the conversation reached."""
    return [each for each in decisions(asked, record) if each.outcome != "unreached"]


def holds(name: str, expected: str, before: str, after: Turn) -> bool:
    """The design's table, each row by itself."""
    wanted = expects(expected).expect.agent
    assert wanted is not None
    there, was_there = wanted.matches(after.active), wanted.matches(ref(before))
    number, announced = len(after.handoffs), announces_transfer(after.said)
    return {
        "correct": there and number == (0 if was_there else 1),
        "bounced": there and number > (0 if was_there else 1),
        "spurious": not there and was_there,
        "wrong": not there and not was_there and number > 0,
        "missed": not there and not was_there and number == 0 and not announced,
        "phantom": not there and not was_there and number == 0 and announced,
    }[name]


@UNHURRIED
@given(held())
def test_every_decision_has_exactly_one_outcome_and_it_is_the_one_of_the_table(
    case: tuple[Scenario, Transcript],
) -> None:
    asked, record = case
    for decision in made(asked, record):
        before, after = record.turns[decision.turn - 1], record.turns[decision.turn]
        fitting = [
            name
            for name in OUTCOMES
            if name != "unreached" and holds(name, decision.expected, before.active.label, after)
        ]
        assert fitting == [decision.outcome]


@UNHURRIED
@given(held())
def test_every_turn_with_an_expected_agent_is_one_decision_reached_or_not(
    case: tuple[Scenario, Transcript],
) -> None:
    asked, record = case
    expected = [
        (index, index < len(record.turns))
        for index, each in enumerate(asked.turns, 1)
        if each.expect.agent is not None
    ]

    found = decisions(asked, record)

    assert [(each.turn, each.outcome != "unreached") for each in found] == expected


@UNHURRIED
@given(agents, st.lists(st.sampled_from(AGENTS), min_size=1, max_size=6))
def test_a_conversation_that_follows_its_expectations_is_all_correct(
    start: str, expected: list[str]
) -> None:
    turns = [
        turn(at) if at == then else turn(at, then) for at, then in pairwise([start, *expected])
    ]
    found = decisions(scenario(*map(expects, expected)), transcript(start, *turns))

    assert [(each.outcome, each.on_path) for each in found] == [("correct", True)] * len(expected)


@UNHURRIED
@given(held())
def test_decisions_up_to_the_first_miss_are_on_path(case: tuple[Scenario, Transcript]) -> None:
    for decision in decisions(*case):
        assert decision.on_path
        if decision.outcome not in {"correct", "bounced"}:
            break


@UNHURRIED
@given(held())
def test_a_decision_is_off_path_only_where_an_earlier_one_left_the_caller_on_a_wrong_agent(
    case: tuple[Scenario, Transcript],
) -> None:
    asked, record = case
    for earlier, later in pairwise(made(asked, record)):
        left_at, starts_at = record.turns[earlier.turn].active, record.turns[later.turn - 1].active
        missed = earlier.outcome not in {"correct", "bounced"}
        assert later.on_path == (not missed or left_at != starts_at)


@UNHURRIED
@given(held())
def test_who_recovered_is_where_the_turn_expects_them_and_was_not_before(
    case: tuple[Scenario, Transcript],
) -> None:
    asked, record = case
    right = {each.turn: each.outcome in {"correct", "bounced"} for each in decisions(asked, record)}
    for decision in decisions(asked, record):
        back = decision.recovered_after
        later = [at for at, there in right.items() if there and at > decision.turn]
        if right[decision.turn] or not later:
            assert back is None
        else:
            assert back == later[0] - decision.turn


@UNHURRIED
@given(held(), st.integers(min_value=1, max_value=6))
def test_what_comes_later_changes_no_outcome(case: tuple[Scenario, Transcript], kept: int) -> None:
    asked, record = case
    cut = Transcript(turns=record.turns[:kept])
    whole = [(each.outcome, each.on_path) for each in made(asked, record)]
    part = [(each.outcome, each.on_path) for each in made(asked, cut)]

    assert part == whole[: len(part)]


@UNHURRIED
@given(held())
def test_the_matrix_adds_up_to_the_decisions_on_path(case: tuple[Scenario, Transcript]) -> None:
    found = decisions(*case)
    matrix = confusion(found)
    on_path = [each for each in found if each.on_path]

    assert sum(sum(row.values()) for row in matrix.values()) == len(on_path)
    hits = sum(row.get(expected, 0) for expected, row in matrix.items())
    assert hits == sum(each.outcome in {"correct", "bounced"} for each in on_path)
    for quality in per_agent(matrix).values():
        assert all(
            share is None or 0 <= share <= 1 for share in (quality.precision, quality.recall)
        )
