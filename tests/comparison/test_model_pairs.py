"""Models side by side: one estimand, and the verdict of the interval that stands beside it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.comparison import Comparison, Record, compare_all
from handoff_evals.stats import TrialPairs
from handoff_evals.stats.assessment import difference_of
from tests.comparison.test_verdict import held

NO_LARGER = "no difference larger than the margin"
RANK = {"regressed": 0, "can't tell": 1, NO_LARGER: 1, "improved": 2}
"""Where nobody was there first, the two in the middle stand beside each other."""


def record(name: str, *outcomes: str) -> Record:
    """A model with one decision in each of so many scenarios."""
    trials = [
        replace(held(number, "missed"), status="unscored", decisions=())
        if outcome == "unscored"
        else held(number, outcome)
        for number, outcome in enumerate(outcomes)
    ]
    return Record(name=name, trials=tuple(trials))


def compared(a: list[str], b: list[str]) -> Comparison:
    [found] = compare_all([record("a", *a), record("b", *b)])
    return found


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (["correct"] * 20, ["missed"] * 6 + ["correct"] * 14, "regressed"),
        (["missed"] * 6 + ["correct"] * 14, ["correct"] * 20, "improved"),
        (["correct"] * 20, ["missed"] * 5 + ["correct"] * 15, "can't tell"),
        (["correct"] * 29, ["correct"] * 29, NO_LARGER),
        (["correct"] * 28, ["correct"] * 28, "can't tell"),
        (["unscored"] * 60, ["unscored"] * 60, "can't tell"),
    ],
)
def test_the_verdict_is_that_of_the_interval(a: list[str], b: list[str], verdict: str) -> None:
    found = compared(a, b)
    assert found.verdict == verdict
    assert found.headline.startswith(f"b against a: {verdict.partition(' larger')[0]}")


def test_a_gain_that_is_not_ruled_out_is_a_difference_too() -> None:
    found = compared(["missed"] * 5 + ["correct"] * 15, ["correct"] * 20)
    assert found.overall.loss < 0.1 < found.gain
    assert found.verdict == "can't tell"


def test_bounced_decisions_do_not_rank_a_worse_model_above_a_better_one() -> None:
    """On path: 2 of 2 and 1 of 3 right of a, and 2 of 2 and 0 of 1 of b; of all, a is better."""
    a = [held(0, "correct", "correct"), held(1, "correct", "bounced", "bounced")]
    astray = held(1, "missed", "missed", "missed")
    decisions = tuple(replace(each, on_path=each.turn == 1) for each in astray.decisions)
    b = [held(0, "correct", "correct"), replace(astray, decisions=decisions)]
    [found] = compare_all([Record(name="a", trials=tuple(a)), Record(name="b", trials=tuple(b))])
    assert found.all_decisions is not None
    assert found.all_decisions.value == pytest.approx(-1 / 6)
    assert found.overall.difference is not None
    assert found.overall.difference.value == 0


def test_several_pairs_share_the_chance_of_a_false_verdict() -> None:
    worse = ["missed"] * 6 + ["correct"] * 14
    two = compared(["correct"] * 20, worse)
    three = compare_all(
        [record("a", *["correct"] * 20), record("b", *worse), record("c", *["correct"] * 20)]
    )
    assert two.verdict == "regressed"
    assert [each.verdict for each in three] == ["can't tell"] * 3
    assert three[0].overall.difference is not None
    assert three[0].overall.difference.confidence == pytest.approx(1 - 0.05 / 3)


outcomes = st.lists(
    st.tuples(*[st.sampled_from(["correct", "correct", "missed", "unscored"])] * 2),
    min_size=1,
    max_size=15,
)


@given(outcomes, st.integers(1, 4), st.data())
@settings(deadline=None)
def test_making_a_trial_of_b_worse_never_makes_its_verdict_better(
    pairs: list[tuple[str, str]], copies: int, data: st.DataObject
) -> None:
    a, b = ([pair[side] for pair in pairs * copies] for side in (0, 1))
    place = data.draw(st.integers(0, len(b) - 1))
    if b[place] != "correct":
        return
    now = data.draw(st.sampled_from(["missed", "unscored"]))
    worse = [*b[:place], now, *b[place + 1 :]]
    assert RANK[compared(a, worse).verdict] <= RANK[compared(a, b).verdict]


@given(outcomes)
@settings(deadline=None)
def test_what_is_shown_is_what_decides(pairs: list[tuple[str, str]]) -> None:
    a, b = ([pair[side] for pair in pairs] for side in (0, 1))
    found = compared(a, b)
    seen = found.overall.difference
    came = {"correct": True, "missed": False, "unscored": None}
    assert seen == difference_of(
        [TrialPairs(a=(came[one],), b=(came[other],)) for one, other in pairs]
    )
    if seen is not None:
        assert (found.verdict == "regressed") is (seen.high < 0)
        assert (found.verdict == "improved") is (seen.low > 0)
        assert f"[{seen.low:+.3f}, {seen.high:+.3f}]" in found.sentences[1]


def test_models_without_a_scenario_in_common_are_no_pair() -> None:
    other = Record(name="b", trials=(held(7, "correct"),))
    [found] = compare_all([record("a", "correct"), other])
    assert found.headline == "b against a: can't tell, they have no scenario in common"
    assert found.left_out == 2
