from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from handoff_evals.stats import Interval, clustered
from handoff_evals.stats.intervals import effective_decisions

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

count = st.integers(1, 12).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
suites = st.lists(count, min_size=1, max_size=30)


def effective(*counts: tuple[int, int]) -> float:
    right, total = np.array(counts, dtype=np.float64).T
    return float(effective_decisions(right, total))


@UNHURRIED
@given(suites)
def test_the_interval_stays_in_range_and_never_has_zero_width(
    counts: list[tuple[int, int]],
) -> None:
    found = clustered(counts)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.width > 0


@UNHURRIED
@given(suites)
def test_right_and_wrong_are_treated_alike(counts: list[tuple[int, int]]) -> None:
    found = clustered(counts)
    mirrored = clustered([(total - right, total) for right, total in counts])
    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-9)
    assert found.high == pytest.approx(1 - mirrored.low, abs=1e-9)


@UNHURRIED
@given(suites, st.randoms(use_true_random=False))
def test_the_order_of_the_scenarios_changes_nothing(
    counts: list[tuple[int, int]], random: Random
) -> None:
    found = clustered(counts)
    random.shuffle(counts)
    again = clustered(counts)
    assert again.low == pytest.approx(found.low)
    assert again.high == pytest.approx(found.high)


@UNHURRIED
@given(suites)
def test_the_same_results_from_twice_the_scenarios_narrow_it(
    counts: list[tuple[int, int]],
) -> None:
    assert clustered(counts * 2).width < clustered(counts).width


@UNHURRIED
@given(suites)
def test_decisions_are_worth_at_least_their_scenarios_and_at_most_themselves(
    counts: list[tuple[int, int]],
) -> None:
    totals = [total for _, total in counts]
    fewest = sum(totals) ** 2 / sum(total**2 for total in totals)
    assert fewest - 1e-9 <= effective(*counts) <= sum(totals) + 1e-9


@UNHURRIED
@given(suites)
def test_more_confidence_is_a_wider_interval(counts: list[tuple[int, int]]) -> None:
    assert clustered(counts, 0.8).width < clustered(counts, 0.99).width


@UNHURRIED
@given(st.integers(20, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_one_decision_a_scenario_gives_about_wilsons_interval(share: tuple[int, int]) -> None:
    right, n = share
    found = clustered([(1, 1)] * right + [(0, 1)] * (n - right))
    plain = binomtest(right, n).proportion_ci(method="wilson")
    assert found.low == pytest.approx(plain.low, abs=0.02)
    assert found.high == pytest.approx(plain.high, abs=0.02)


@pytest.mark.parametrize("n", [1, 2, 20, 77])
def test_one_more_right_scenario_moves_both_bounds_up(n: int) -> None:
    found = [clustered([(1, 1)] * right + [(0, 1)] * (n - right)) for right in range(n + 1)]
    assert [each.low for each in found] == sorted(each.low for each in found)
    assert [each.high for each in found] == sorted(each.high for each in found)


@pytest.mark.parametrize("trials", [1, 5, 50])
def test_all_right_counts_the_scenarios_and_not_their_trials(trials: int) -> None:
    found = clustered([(trials, trials)] * 20)
    # The rule of three, exactly: 20 scenarios all right leave out what 0.025 would reach.
    assert found.low == pytest.approx(0.025 ** (1 / 20))
    assert found.high == 1


def test_one_scenario_says_next_to_nothing_however_long_it_is() -> None:
    found = clustered([(60, 100)])
    assert found.low < 0.01
    assert found.high > 0.99


def test_a_single_failure_does_not_make_the_trials_look_independent() -> None:
    """All right is 20 scenarios' worth; one wrong in a hundred can't be a hundred's."""
    assert effective(*[(5, 5)] * 19, (4, 5)) < 25


def test_scenarios_that_are_right_or_wrong_throughout_count_once() -> None:
    assert effective(*[(5, 5)] * 12, *[(0, 5)] * 8) == pytest.approx(20)


def test_scenarios_that_are_equally_hard_count_nearly_every_decision() -> None:
    assert effective(*[(3, 6), (4, 6), (2, 6)] * 20) > 350


@UNHURRIED
@given(st.lists(count, min_size=2, max_size=30))
def test_it_is_never_surer_than_the_spread_of_whole_scenarios(
    counts: list[tuple[int, int]],
) -> None:
    """Long scenarios may be the hard ones, which the correlation alone doesn't show."""
    n, decisions = len(counts), sum(total for _, total in counts)
    share = sum(right for right, _ in counts) / decisions
    spread = sum((right - share * total) ** 2 for right, total in counts) / decisions**2
    scenarios_worth = decisions**2 / sum(total**2 for _, total in counts)
    surest = share * (1 - share) / effective(*counts)
    largest = share * (1 - share) / scenarios_worth
    assert surest >= min(spread * n / (n - 1), largest) - 1e-12


def test_a_scenario_without_a_decision_tells_nothing() -> None:
    assert clustered([(3, 4), (0, 0), (2, 4)]) == clustered([(3, 4), (2, 4)])


@pytest.mark.parametrize("counts", [[], [(0, 0), (0, 0)]])
def test_no_decision_at_all_is_an_error(counts: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="holds no decision"):
        clustered(counts)


@pytest.mark.parametrize("wrong", [(3, 2), (-1, 2)])
def test_a_count_that_can_not_be_is_named(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"is no count; give 0 <= correct <= total"):
        clustered([(1, 2), wrong])


@pytest.mark.parametrize("n", [20, 28, 50, 200])
def test_one_decision_a_scenario_is_covered_as_often_as_promised(n: int) -> None:
    """Exactly, beside every bound, where coverage is least and most."""
    found = [clustered([(1, 1)] * right + [(0, 1)] * (n - right)) for right in range(n + 1)]
    low, high = (np.array([getattr(each, end) for each in found]) for end in ("low", "high"))
    beside = np.concatenate([low - 1e-9, low + 1e-9, high - 1e-9, high + 1e-9])
    shares = beside[(beside >= 0.05) & (beside <= 0.99)][:, None]
    chance = binom.pmf(np.arange(n + 1), n, shares)
    covered = np.sum(((low <= shares) & (shares <= high)) * chance, axis=1)
    middle = (shares[:, 0] >= 0.2) & (shares[:, 0] <= 0.8)
    assert covered.min() >= 0.93
    assert covered[middle].max() <= 0.98


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        clustered([(1, 2)], confidence)


def test_an_interval_that_leaves_out_its_value_can_not_be_made() -> None:
    with pytest.raises(ValueError, match="encloses its value"):
        Interval(value=0.9, low=0.2, high=0.8, confidence=0.95, method="none")
