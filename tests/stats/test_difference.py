from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from handoff_evals.stats import Interval, mcnemar, paired_difference, smallest_difference

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

share = st.integers(0, 5).map(lambda passed: passed / 5)
pairs = st.lists(st.tuples(share, share), min_size=1, max_size=40)


def difference(shares: list[tuple[float, float]]) -> Interval:
    return paired_difference([a for a, _ in shares], [b for _, b in shares])


def discordant(worse: int, better: int, same: int) -> list[float]:
    return [-1.0] * worse + [1.0] * better + [0.0] * same


@UNHURRIED
@given(pairs)
def test_the_interval_stays_in_range_and_never_has_zero_width(
    shares: list[tuple[float, float]],
) -> None:
    found = difference(shares)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.width > 0


@UNHURRIED
@given(pairs)
def test_swapping_the_models_mirrors_it(shares: list[tuple[float, float]]) -> None:
    found, mirrored = difference(shares), difference([(b, a) for a, b in shares])
    assert found.low == pytest.approx(-mirrored.high)
    assert found.value == pytest.approx(-mirrored.value)


@UNHURRIED
@given(st.lists(st.tuples(share, share), min_size=2, max_size=40))
def test_the_same_results_from_twice_the_scenarios_narrow_it(
    shares: list[tuple[float, float]],
) -> None:
    once, twice = difference(shares), difference(shares * 2)
    assert twice.width < once.width or once.width > 1.9


def test_no_difference_seen_still_leaves_what_could_have_been_missed() -> None:
    found = paired_difference([1.0] * 20, [1.0] * 20)
    # Two imagined scenarios, one up and one down, among 22.
    assert found.value == 0
    assert found.high == pytest.approx(student.ppf(0.975, 19) * sqrt(2 / 22 / 22))
    assert found.low == -found.high


def test_single_trials_give_bonett_and_prices_interval_with_t_for_z() -> None:
    worse, better, same = 12, 3, 35
    found = paired_difference(
        [1.0] * worse + [0.0] * better + [1.0] * same,
        [0.0] * worse + [1.0] * better + [1.0] * same,
    )
    one, other = (worse + 1) / 52, (better + 1) / 52
    half = student.ppf(0.975, 49) * sqrt((one + other - (one - other) ** 2) / 52)
    assert found.value == pytest.approx(-9 / 50)
    assert found.low == pytest.approx(other - one - half)
    assert found.high == pytest.approx(other - one + half)


def test_one_scenario_rules_nothing_out() -> None:
    found = paired_difference([1.0], [0.0])
    assert (found.low, found.value, found.high) == (-1, -1, 1)


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([], [], "0 and 0 scenarios can't be paired"),
        ([1.0], [1.0, 0.0], "1 and 2 scenarios can't be paired"),
        ([1.0], [3.0], "3.0 is no share"),
        ([float("nan")], [1.0], "nan is no share"),
    ],
)
def test_what_can_not_be_paired_is_refused(a: list[float], b: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        paired_difference(a, b)


def test_six_scenarios_are_the_fewest_that_can_show_anything() -> None:
    assert mcnemar(5, 0) > 0.05 > mcnemar(6, 0)
    assert smallest_difference([0.0] * 5) is None
    assert smallest_difference([0.0] * 6) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("noise", [0, 4])
def test_more_scenarios_show_smaller_differences(noise: int) -> None:
    found = [smallest_difference(discordant(noise, noise, same)) for same in (20, 50, 200, 1000)]
    assert found == sorted(found, reverse=True, key=lambda value: value or 1)
    assert None not in found


def test_noise_between_the_models_hides_differences() -> None:
    quiet, loud = smallest_difference([0.0] * 100), smallest_difference(discordant(20, 20, 60))
    assert quiet is not None
    assert loud is not None
    assert quiet < loud / 2


def test_more_power_needs_a_larger_difference() -> None:
    seen = discordant(5, 5, 90)
    usual, sure = smallest_difference(seen), smallest_difference(seen, power=0.95)
    assert usual is not None
    assert sure is not None
    assert usual < sure


def test_trials_that_average_out_show_smaller_differences() -> None:
    single, averaged = smallest_difference([1.0, -1.0] * 25), smallest_difference([0.2, -0.2] * 25)
    assert single is not None
    assert averaged is not None
    assert averaged < single / 3


@UNHURRIED
@given(pairs)
def test_a_smallest_difference_is_one_that_can_be(shares: list[tuple[float, float]]) -> None:
    found = smallest_difference([b - a for a, b in shares])
    assert found is None or 0 < found <= 1


def test_a_power_below_chance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"power is 0\.2; give a chance from 0.5"):
        smallest_difference([0.0] * 10, power=0.2)


def test_no_scenarios_have_no_smallest_difference() -> None:
    with pytest.raises(ValueError, match="no scenarios"):
        smallest_difference([])
