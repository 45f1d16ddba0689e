from dataclasses import replace

import pytest

from handoff_evals.scenarios import (
    ConversationExpectation,
    ExpectedPath,
    Hop,
    Scenario,
    Target,
    played_in_turns,
)
from tests.support.conversations import expects
from tests.support.paths import whole


def played(scenario: Scenario) -> list[list[str]]:
    """Who takes the call in each turn, in order."""
    found: list[list[str]] = []
    for turn in played_in_turns(scenario).turns:
        expect = turn.expect
        steps = [] if expect.handoffs is None else [step.new.label for step in expect.handoffs]
        found.append(steps or ([] if expect.agent is None else [expect.agent.label]))
    return found


def on_path(path: ExpectedPath, turns: int) -> Scenario:
    return whole(*[None] * turns, expect=ConversationExpectation(path=path))


@pytest.mark.parametrize(
    ("path", "turns", "expected"),
    [
        ("a -> b -> c", 3, [["b"], ["c"], []]),
        ("a -> b -> c -> d", 2, [["b"], ["c", "d"]]),
        ("a -> optional b -> c or d", 2, [["c"], []]),
        ("a", 1, [[]]),
    ],
)
def test_hops_are_spread_over_the_turns(path: str, turns: int, expected: list[list[str]]) -> None:
    assert played(on_path(ExpectedPath.parse(path), turns)) == expected


def test_a_hop_that_is_due_in_a_turn_is_played_in_it() -> None:
    hops = (replace(Hop.parse("b"), turn=2), Hop.parse("c"))
    assert played(on_path(ExpectedPath(hops=hops), 3)) == [[], ["b"], ["c"]]


def test_where_only_the_end_is_known_the_last_turn_goes_there() -> None:
    asked = whole(None, None, expect=ConversationExpectation(final=Target.parse("b")))
    assert played(asked) == [[], ["b"]]


def test_turns_that_name_agents_say_what_is_played() -> None:
    path = ConversationExpectation(path=ExpectedPath.parse("a -> b"))
    asked = replace(whole(None, None, expect=path), turns=(expects(), expects("b")))
    assert played(asked) == [[], ["b"]]
