from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from handoff_evals.stats import Interval, lower_bound, mean_interval, upper_bound
from handoff_evals.stats.bounded_mean import chance_below, weighted_below

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

fifths = st.integers(-5, 5).map(lambda fifth: fifth / 5)
differences = st.lists(fifths, min_size=1, max_size=40)


@pytest.mark.parametrize(("scenarios", "ruled_out"), [(29, True), (28, False)])
def test_29_scenarios_that_are_the_same_rule_out_a_loss_of_a_tenth(
    scenarios: int, *, ruled_out: bool
) -> None:
    loss = -lower_bound([0.0] * scenarios, least=-1, level=0.05)
    assert loss == pytest.approx(1 - 0.05 ** (1 / scenarios))
    assert (loss < 0.1) is ruled_out


@pytest.mark.parametrize("n", [1, 7, 40, 300])
def test_two_values_give_clopper_and_pearsons_bounds(n: int) -> None:
    for right in {0, 1, n // 2, n}:
        found = mean_interval([1.0] * right + [0.0] * (n - right))
        low = beta.ppf(0.025, right, n - right + 1) if right else 0
        high = beta.ppf(0.975, right + 1, n - right) if right < n else 1
        assert found.low == pytest.approx(low, abs=1e-7)
        assert found.high == pytest.approx(high, abs=1e-7)


@UNHURRIED
@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_single_trials_leave_out_zero_exactly_where_mcnemars_test_rejects(
    worse: int, better: int, same: int
) -> None:
    values = [-1.0] * worse + [1.0] * better + [0.0] * same
    gained = chance_below([-value for value in values], at=0.0, least=-1)
    assert gained == pytest.approx(binom.cdf(better, worse + better, 0.5), abs=1e-9)


@pytest.mark.parametrize("n", [2, 5, 40, 200, 2000])
def test_the_chance_is_that_of_a_beta_distribution_where_two_values_occur(n: int) -> None:
    for first, at in product({1, n // 2, n - 1}, (0.001, 0.1, 0.5, 0.9)):
        counts = np.array([first, n - first], dtype=np.float64)
        found = float(weighted_below(np.array([1 - at, -at]), counts))
        assert found == pytest.approx(beta.cdf(at, first, n - first), abs=1e-8)


def test_the_chance_is_the_share_of_random_weightings() -> None:
    values = np.array([-0.4, 0.2, 1.0, 0.0, -1.0])
    weights = np.random.default_rng(1).dirichlet([1] * 5, size=200_000)
    share = (weights @ values <= 0.1).mean()
    assert chance_below(values[:4].tolist(), at=0.1, least=-1) == pytest.approx(share, abs=0.005)


@UNHURRIED
@given(differences, st.data())
def test_making_a_value_smaller_moves_neither_bound_up(
    values: list[float], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    smaller = list(values)
    smaller[place] = data.draw(st.floats(-1, values[place]))
    lower = partial(lower_bound, least=-1, level=0.05)
    upper = partial(upper_bound, most=1, level=0.05)
    assert lower(smaller) <= lower(values) + 1e-7
    assert upper(smaller) <= upper(values) + 1e-7


@UNHURRIED
@given(differences)
def test_the_interval_stays_in_range_and_never_has_zero_width(values: list[float]) -> None:
    found = mean_interval(values, least=-1, most=1)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.width > 0


@UNHURRIED
@given(differences)
def test_swapping_the_sides_mirrors_it(values: list[float]) -> None:
    found = mean_interval(values, least=-1, most=1)
    mirrored = mean_interval([-value for value in values], least=-1, most=1)
    assert found.low == pytest.approx(-mirrored.high, abs=1e-7)


def test_what_is_missing_widens_the_interval_on_both_sides() -> None:
    whole = mean_interval([0.5] * 20)
    partly = mean_interval([0.5] * 19, missing=([0.5] * 19 + [0], [0.5] * 19 + [1]))
    assert partly.low < whole.low < whole.high < partly.high


def test_few_scenarios_of_a_skewed_kind_are_covered() -> None:
    """Exactly, at a true mean of 0.1: most values are 0, a few are 1."""
    for n in (5, 20, 60):
        right = np.arange(n + 1)
        covered = [
            (found := mean_interval([1.0] * k + [0.0] * (n - k))).low <= 0.1 <= found.high
            for k in right.tolist()
        ]
        assert float(np.dot(covered, binom.pmf(right, n, 0.1))) >= 0.95


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval([0.5], confidence=confidence)


def test_an_interval_that_leaves_out_its_value_can_not_be_made() -> None:
    with pytest.raises(ValueError, match="encloses its value"):
        Interval(value=0.9, low=0.2, high=0.8, confidence=0.95, method="none")


def test_what_has_no_mean_in_the_range_is_refused() -> None:
    with pytest.raises(ValueError, match="no values; give one a scenario"):
        mean_interval([])
    with pytest.raises(ValueError, match=r"1\.5 is outside the range from 0\.0 to 1\.0"):
        mean_interval([0.5, 1.5])
