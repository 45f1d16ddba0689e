from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import loss_evidence
from handoff_evals.stats.significance import anytime_lower_bound, anytime_upper_bound

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

WORSE, BETTER, SAME = (1, 0, 1), (0, 1, 1), (1, 1, 1)


@st.composite
def passes(draw: st.DrawFn) -> tuple[int, int, int]:
    trials = draw(st.integers(1, 5))
    return draw(st.integers(0, trials)), draw(st.integers(0, trials)), trials


@pytest.mark.parametrize("pairs", [1, 2, 7, 40])
def test_a_fair_coin_earns_nothing_on_average(pairs: int) -> None:
    mean = sum(
        comb(pairs, worse) * loss_evidence([WORSE] * worse + [BETTER] * (pairs - worse)) / 2**pairs
        for worse in range(pairs + 1)
    )
    assert mean == pytest.approx(1)


@UNHURRIED
@given(st.lists(passes(), max_size=5), st.integers(1, 5), st.data())
def test_a_scenario_that_did_not_change_adds_no_evidence_on_average(
    before: list[tuple[int, int, int]], trials: int, data: st.DataObject
) -> None:
    both = data.draw(st.integers(0, 2 * trials))
    shares = range(max(0, both - trials), min(both, trials) + 1)
    ahead = sum(
        comb(trials, share)
        * comb(trials, both - share)
        / comb(2 * trials, both)
        * loss_evidence([*before, (share, both - share, trials)])
        for share in shares
    )
    assert ahead == pytest.approx(loss_evidence(before))


@UNHURRIED
@given(st.lists(passes(), min_size=1, max_size=20), st.data())
def test_a_candidates_pass_that_fails_never_weakens_the_evidence(
    found: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(found) - 1))
    a, b, trials = found[place]
    if b:
        worse = [*found[:place], (a, b - 1, trials), *found[place + 1 :]]
        assert loss_evidence(worse) >= loss_evidence(found) * (1 - 1e-9)


def test_thousands_of_scenarios_overflow_nothing() -> None:
    assert loss_evidence([WORSE] * 5000) > 1e300
    assert loss_evidence([BETTER] * 5000) < 0.01


def test_looking_after_every_scenario_raises_at_most_the_promised_false_alarms() -> None:
    """With every scenario passing every second time, of which half differ."""
    lots = np.random.default_rng(7).integers(0, 2, size=(400, 120, 2))
    alarms = 0
    for suite in lots.tolist():
        found = [(a, b, 1) for a, b in suite]
        alarms += any(loss_evidence(found[:seen]) >= 20 for seen in range(5, 121, 5))
    assert alarms / 400 <= 0.05 + 2 * 0.011


@UNHURRIED
@given(st.lists(st.integers(-5, 5).map(lambda fifth: fifth / 5), min_size=1, max_size=60))
def test_the_bounds_stay_in_range_and_mirror_each_other(values: list[float]) -> None:
    low = anytime_lower_bound(values, least=-1, level=0.05)
    high = anytime_upper_bound(values, most=1, level=0.05)
    assert -1 <= low <= np.mean(values) + 1e-9
    assert np.mean(values) - 1e-9 <= high <= 1
    mirrored = anytime_upper_bound([-value for value in values], most=1, level=0.05)
    assert low == pytest.approx(-mirrored)


@UNHURRIED
@given(
    st.lists(st.integers(-5, 5).map(lambda fifth: fifth / 5), min_size=1, max_size=60), st.data()
)
def test_making_a_value_smaller_moves_no_bound_up(values: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    smaller = list(values)
    smaller[place] = data.draw(st.floats(-1, values[place]))
    for level in (0.05, 0.2):
        now = anytime_lower_bound(values, least=-1, level=level)
        assert anytime_lower_bound(smaller, least=-1, level=level) <= now + 1e-7


def test_the_order_of_the_scenarios_is_no_part_of_the_evidence() -> None:
    found = [WORSE, (2, 3, 3), SAME, (3, 0, 3)]
    assert loss_evidence(found) == pytest.approx(loss_evidence(found[::-1]))


def test_nothing_seen_rules_nothing_out() -> None:
    assert anytime_lower_bound([], least=-1, level=0.05) == -1
    assert anytime_lower_bound([-1.0] * 9, least=-1, level=0.05) == -1


def test_43_scenarios_that_are_the_same_rule_out_a_loss_of_a_tenth_at_any_look() -> None:
    assert anytime_lower_bound([0.0] * 43, least=-1, level=0.05) > -0.1
    assert anytime_lower_bound([0.0] * 42, least=-1, level=0.05) < -0.1
