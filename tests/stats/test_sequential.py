from dataclasses import FrozenInstanceError
from itertools import product
from math import comb, exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import Pairs, Ruling, decide, e_either, e_worse, largest_regression
from handoff_evals.stats.sequential import _log_smaller, _log_worse

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

counts = st.integers(0, 80)
seen = st.builds(Pairs, worse=counts, better=counts, same=counts)
few = st.integers(0, 12)
few_seen = st.builds(Pairs, worse=few, better=few, same=few)


def smaller(pairs: Pairs, margin: float) -> float:
    return exp(float(_log_smaller(pairs.worse, pairs.better, pairs.same, margin)))


@pytest.mark.parametrize("discordant", [1, 2, 7, 40])
def test_a_fair_coin_earns_nothing_on_average(discordant: int) -> None:
    for value in (e_worse, e_either):
        mean = sum(
            comb(discordant, worse) * value(worse, discordant - worse) / 2**discordant
            for worse in range(discordant + 1)
        )
        assert mean == pytest.approx(1)


@pytest.mark.parametrize("chance", [0.0, 0.2, 0.45])
def test_a_candidate_that_is_better_loses_the_stake_against_it(chance: float) -> None:
    mean = sum(
        comb(20, worse) * chance**worse * (1 - chance) ** (20 - worse) * e_worse(worse, 20 - worse)
        for worse in range(21)
    )
    assert mean < 1


@UNHURRIED
@given(counts, counts)
def test_the_next_fair_pair_changes_no_e_value_on_average(worse: int, better: int) -> None:
    for value in (e_worse, e_either):
        ahead = (value(worse + 1, better) + value(worse, better + 1)) / 2
        assert ahead == pytest.approx(value(worse, better))


@UNHURRIED
@given(counts, counts)
def test_the_two_sided_e_value_is_the_mean_of_the_one_sided(worse: int, better: int) -> None:
    mean = (e_worse(worse, better) + e_worse(better, worse)) / 2
    assert e_either(worse, better) == pytest.approx(mean)


def test_thousands_of_pairs_overflow_nothing() -> None:
    assert e_worse(5000, 0) > 1e300
    assert e_worse(0, 5000) == 0
    assert e_either(5000, 0) > 1e300


def test_looking_after_every_pair_raises_at_most_the_promised_false_alarms() -> None:
    """Exactly, where every one of 300 pairs differs, which is the worst case."""
    alive, alarms, level = np.array([1.0]), 0.0, log(2 / 0.05)
    for pairs in range(1, 301):
        moved = np.append(alive, 0) / 2 + np.append(0, alive) / 2
        worse = np.arange(pairs + 1)
        ruled = _log_worse(worse, pairs - worse) >= level
        ruled |= _log_worse(pairs - worse, worse) >= level
        alarms += float(moved[ruled].sum())
        alive = np.where(ruled, 0, moved)
    assert 0.02 < alarms <= 0.05


@UNHURRIED
@given(few_seen, st.floats(0.01, 0.6), st.floats(0, 1), st.floats(0, 0.4))
def test_a_regression_of_the_margin_or_more_never_pays_the_stake_against_it(
    pairs: Pairs, margin: float, spread: float, further: float
) -> None:
    loss = min(1.0, margin + further)
    better = spread * (1 - loss) / 2
    worse = better + loss
    ahead = (
        worse * smaller(pairs.after(baseline=True, candidate=False), margin)
        + better * smaller(pairs.after(baseline=False, candidate=True), margin)
        + (1 - worse - better) * smaller(pairs.after(baseline=True, candidate=True), margin)
    )
    now = smaller(pairs, margin)
    assert ahead <= now * (1 + 1e-9)
    assert further > 0 or ahead == pytest.approx(now)


@UNHURRIED
@given(seen)
def test_the_largest_regression_is_where_the_stake_pays_just_enough(pairs: Pairs) -> None:
    bound = largest_regression(pairs)
    assert -1 <= bound <= 1
    if bound < 1:
        assert smaller(pairs, bound) == pytest.approx(20, rel=1e-3)


@UNHURRIED
@given(seen)
def test_worse_pairs_raise_the_largest_regression_and_better_ones_lower_it(pairs: Pairs) -> None:
    bound = largest_regression(pairs)
    assert largest_regression(pairs.after(baseline=True, candidate=False)) >= bound - 1e-9
    assert largest_regression(pairs.after(baseline=False, candidate=True)) <= bound + 1e-9


def test_nothing_seen_rules_no_regression_out() -> None:
    assert largest_regression(Pairs()) == 1


def test_a_pair_makes_new_counts_and_leaves_the_old_as_they_are() -> None:
    before = Pairs(worse=1, better=2, same=3)
    assert before.after(baseline=True, candidate=False) == Pairs(worse=2, better=2, same=3)
    assert before.after(baseline=False, candidate=True) == Pairs(worse=1, better=3, same=3)
    assert before.after(baseline=True, candidate=True) == Pairs(worse=1, better=2, same=4)
    assert before.after(baseline=False, candidate=False) == Pairs(worse=1, better=2, same=4)
    assert before == Pairs(worse=1, better=2, same=3)
    with pytest.raises(FrozenInstanceError):
        before.worse = 5  # type: ignore[misc]  # that it can't be done is what is tested


@pytest.mark.parametrize(
    ("pairs", "remaining", "ruling"),
    [
        (Pairs(), 200, Ruling.CONTINUE),
        (Pairs(worse=7), 100, Ruling.CONTINUE),
        (Pairs(worse=8), 100, Ruling.REGRESSED),
        (Pairs(better=8), 100, Ruling.IMPROVED),
        (Pairs(same=60), 100, Ruling.NO_LARGER),
        (Pairs(worse=9, same=300), 100, Ruling.REGRESSED),
        (Pairs(better=5, same=60), 100, Ruling.CONTINUE),
        (Pairs(better=5, same=60), 0, Ruling.NO_LARGER),
        (Pairs(same=3), 0, Ruling.FUTILE),
        (Pairs(worse=4, better=4), 3, Ruling.FUTILE),
    ],
)
def test_the_ruling_follows_the_pairs(pairs: Pairs, remaining: int, ruling: Ruling) -> None:
    assert decide(pairs, remaining).ruling is ruling


@UNHURRIED
@given(seen)
def test_with_no_pair_remaining_there_is_always_a_ruling(pairs: Pairs) -> None:
    assert decide(pairs, 0).ruling is not Ruling.CONTINUE


@settings(deadline=None, max_examples=30)
@given(few_seen, st.integers(0, 3))
def test_futile_means_that_no_outcome_of_the_rest_would_have_ruled(
    pairs: Pairs, remaining: int
) -> None:
    outcomes = []
    for rest in product((0, 1, 2), repeat=remaining):
        end = Pairs(
            worse=pairs.worse + rest.count(0),
            better=pairs.better + rest.count(1),
            same=pairs.same + rest.count(2),
        )
        outcomes.append(decide(end, 0).ruling)
    if decide(pairs, remaining).ruling is Ruling.FUTILE:
        assert set(outcomes) == {Ruling.FUTILE}
    elif decide(pairs, remaining).ruling is Ruling.CONTINUE:
        assert set(outcomes) != {Ruling.FUTILE}


@UNHURRIED
@given(seen, st.integers(0, 50))
def test_swapping_the_models_swaps_regressed_and_improved(pairs: Pairs, remaining: int) -> None:
    swapped = Pairs(worse=pairs.better, better=pairs.worse, same=pairs.same)
    regressed = decide(pairs, remaining).ruling is Ruling.REGRESSED
    assert regressed is (decide(swapped, remaining).ruling is Ruling.IMPROVED)


def test_a_look_carries_the_figures_that_its_ruling_rests_on() -> None:
    look = decide(Pairs(worse=8, same=10), 20)
    assert look.worse == e_worse(8, 0) >= 40
    assert look.better == e_worse(0, 8) < 1
    assert look.largest_regression == largest_regression(Pairs(worse=8, same=10))


def test_impossible_requests_are_refused_with_what_would_be_valid() -> None:
    with pytest.raises(ValueError, match="-1 pairs can't remain"):
        decide(Pairs(), -1)
    with pytest.raises(ValueError, match=r"alpha is 5\.0; give a share"):
        decide(Pairs(), 1, alpha=5.0)
    with pytest.raises(ValueError, match="margin is 0; give a share"):
        decide(Pairs(), 1, margin=0)
    with pytest.raises(ValueError, match="negative count"):
        Pairs(worse=-1)
