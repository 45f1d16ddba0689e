from itertools import product
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from handoff_evals.stats import (
    breakage_test,
    holm,
    mcnemar,
    paired_permutation,
    sign_test,
    stratified_test,
)

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

counts = st.integers(0, 60)
fifths = st.integers(-5, 5)
p_values = st.lists(st.floats(0, 1), max_size=12)


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (10, 2, 0.03857421875), (4, 4, 1)],
)
def test_mcnemar_is_the_sign_test_of_the_pairs_that_differ(b: int, c: int, p: float) -> None:
    assert mcnemar(b, c) == pytest.approx(p)


@UNHURRIED
@given(counts, counts)
def test_mcnemar_prefers_neither_model(b: int, c: int) -> None:
    assert mcnemar(b, c) == pytest.approx(mcnemar(c, b))
    assert 0 < mcnemar(b, c) <= 1


def test_mcnemar_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="are no counts"):
        mcnemar(-1, 3)


@settings(deadline=None, max_examples=25)
@given(st.lists(fifths, min_size=1, max_size=8))
def test_permutation_is_what_enumerating_all_sign_flips_gives(differences: list[int]) -> None:
    flipped = [
        sum(sign * value for sign, value in zip(signs, differences, strict=True))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    extreme = sum(abs(total) >= abs(sum(differences)) for total in flipped)
    found = paired_permutation([value / 5 for value in differences])
    assert found == pytest.approx(extreme / len(flipped))


def test_differences_that_cancel_are_no_evidence_though_floats_do_not_add_up() -> None:
    assert paired_permutation([-0.2, -0.4, 0.2, 0.4]) == 1


@pytest.mark.parametrize(("b", "c"), [(6, 0), (10, 2), (1, 0), (5, 5), (0, 0)])
def test_permutation_of_single_trials_is_mcnemar(b: int, c: int) -> None:
    assert paired_permutation([1.0] * b + [-1.0] * c + [0.0] * 7) == pytest.approx(mcnemar(b, c))


def test_permutation_of_many_scenarios_is_near_the_exact_p_value() -> None:
    assert paired_permutation([1.0] * 40 + [-1.0] * 24) == pytest.approx(mcnemar(40, 24), abs=0.01)


def test_permutation_of_many_scenarios_is_never_zero_and_the_same_each_time() -> None:
    differences = [0.2, 0.4] * 30
    found = paired_permutation(differences, seed=3)
    assert 0 < found < 0.001
    assert found == paired_permutation(differences, seed=3)


def test_holm_gives_the_adjusted_values_in_the_order_asked() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]) == ()


@UNHURRIED
@given(p_values)
def test_holm_never_lowers_a_p_value_and_keeps_their_order(raw: list[float]) -> None:
    adjusted = holm(raw)
    assert all(p <= held <= 1 for p, held in zip(raw, adjusted, strict=True))
    ranked = [held for _, held in sorted(zip(raw, adjusted, strict=True))]
    assert ranked == sorted(ranked)


@UNHURRIED
@given(p_values, st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_procedure_rejects(raw: list[float], level: float) -> None:
    rejected = 0
    for rank, p in enumerate(sorted(raw)):
        if (len(raw) - rank) * p > level:
            break
        rejected += 1
    assert sum(p <= level for p in holm(raw)) == rejected


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan")])
def test_holm_refuses_what_is_no_p_value(wrong: float) -> None:
    with pytest.raises(ValueError, match="is no p-value"):
        holm([0.2, wrong])


@st.composite
def passes(draw: st.DrawFn) -> tuple[int, int, int]:
    trials = draw(st.integers(1, 5))
    return draw(st.integers(0, trials)), draw(st.integers(0, trials)), trials


@st.composite
def counted(draw: st.DrawFn) -> tuple[int, int, int]:
    """Worse, better, and all scenarios."""
    scenarios = draw(st.integers(1, 40))
    worse = draw(st.integers(0, scenarios))
    return worse, draw(st.integers(0, scenarios - worse)), scenarios


@pytest.mark.parametrize(
    ("worse", "better", "scenarios", "p"),
    [(5, 0, 20, 0.0128), (4, 0, 20, 0.0268), (7, 0, 7, 0.5**14), (7, 1, 60, 0.0182), (3, 3, 9, 1)],
)
def test_five_worse_and_none_better_is_more_than_chance(
    worse: int, better: int, scenarios: int, p: float
) -> None:
    assert sign_test(worse, better, scenarios) == pytest.approx(p, abs=1e-4)


@UNHURRIED
@given(
    counted(), st.lists(st.floats(0, 1), min_size=1, max_size=40), st.sampled_from([0.01, 0.05, 1])
)
def test_no_mixture_of_stable_and_flaky_scenarios_raises_more_false_alarms_than_the_sign_test_says(
    found: tuple[int, int, int], pass_rates: list[float], scale: float
) -> None:
    """Exactly: each scenario passes with its own chance, the same on both sides."""
    worse, better, scenarios = found
    if worse <= better:
        return
    least = (worse - better) / sqrt(worse + better)
    differing = np.ones(1)
    for rate in (pass_rates * scenarios)[:scenarios]:
        differs = 2 * rate * (1 - rate) * scale
        differing = np.convolve(differing, [1 - differs, differs])
    alarm = 0.0
    for number, chance in enumerate(differing.tolist()):
        if number:
            needed = int(np.ceil((number + least * sqrt(number)) / 2 - 1e-9))
            alarm += chance * float(binom.sf(needed - 1, number, 0.5))
    assert alarm <= sign_test(worse, better, scenarios) + 1e-12


@UNHURRIED
@given(counted())
def test_a_scenario_that_gets_worse_never_makes_the_sign_test_less_sure(
    found: tuple[int, int, int],
) -> None:
    worse, better, scenarios = found
    now = sign_test(worse, better, scenarios)
    if worse + better < scenarios:
        assert sign_test(worse + 1, better, scenarios) <= now + 1e-12
    if better:
        assert sign_test(worse, better - 1, scenarios) <= now + 1e-12


def test_with_one_trial_each_the_stratified_test_is_mcnemars() -> None:
    for worse, better in ((6, 0), (5, 2), (3, 3), (0, 4)):
        found = [(1, 0, 1)] * worse + [(0, 1, 1)] * better + [(1, 1, 1)] * 5 + [(0, 0, 1)]
        expected = binom.sf(worse - 1, worse + better, 0.5)
        assert stratified_test(found) == pytest.approx(expected)


@UNHURRIED
@given(st.integers(1, 6), st.data())
def test_one_scenario_gives_fishers_exact_test(trials: int, data: st.DataObject) -> None:
    a, b = (data.draw(st.integers(0, trials)) for _ in range(2))
    expected = hypergeom.sf(a - 1, 2 * trials, a + b, trials)
    assert stratified_test([(a, b, trials)]) == pytest.approx(expected)


@settings(deadline=None, max_examples=40)
@given(st.lists(passes(), min_size=1, max_size=3))
def test_the_stratified_test_is_what_dealing_all_passes_out_anew_gives(
    found: list[tuple[int, int, int]],
) -> None:
    seen = sum(a / trials for a, _, trials in found)
    total = 0.0
    for shares in product(*(range(trials + 1) for _, _, trials in found)):
        chance = 1.0
        for share, (a, b, trials) in zip(shares, found, strict=True):
            chance *= hypergeom.pmf(share, 2 * trials, a + b, trials)
        if sum(share / each[2] for share, each in zip(shares, found, strict=True)) >= seen - 1e-9:
            total += chance
    assert stratified_test(found) == pytest.approx(total)


@UNHURRIED
@given(st.lists(passes(), min_size=1, max_size=15), st.data())
def test_a_candidates_pass_that_fails_never_makes_the_stratified_test_less_sure(
    found: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(found) - 1))
    a, b, trials = found[place]
    if b:
        worse = [*found[:place], (a, b - 1, trials), *found[place + 1 :]]
        assert stratified_test(worse) <= stratified_test(found) + 1e-12


def test_nothing_seen_is_no_evidence() -> None:
    assert stratified_test([]) == 1
    assert breakage_test(0, []) == 1
    assert sign_test(0, 0, 0) == 1


@pytest.mark.parametrize("pass_rate", [0.1, 0.5, 0.8])
def test_broken_scenarios_are_no_more_frequent_by_chance_than_their_test_says(
    pass_rate: float,
) -> None:
    trials, scenarios = 3, 20
    each = pass_rate**trials * (1 - pass_rate) ** trials
    for broken in range(5):
        by_chance = float(binom.sf(broken - 1, scenarios, each))
        assert by_chance <= breakage_test(broken, [trials] * scenarios) + 1e-12


def test_four_broken_of_twenty_are_certain_and_trials_of_any_number_count() -> None:
    assert breakage_test(4, [3] * 20) < 0.0003
    assert breakage_test(1, [5] * 3 + [2, 1, 1]) == pytest.approx(
        1 - (1 - 0.25**5) ** 3 * (1 - 0.25**2)
    )


@pytest.mark.parametrize("wrong", [(3, 2, 4), (-1, 0, 2)])
def test_pairs_that_can_not_be_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="can't be; give 0 or more of each"):
        sign_test(*wrong)


def test_more_passes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="give passes of each side from 0 to the trials"):
        stratified_test([(1, 3, 2)])
    with pytest.raises(ValueError, match="3 broken of 2 scenarios with several trials"):
        breakage_test(3, [3, 3, 1])


def test_the_number_of_ways_is_exact_for_many_trials() -> None:
    assert stratified_test([(30, 0, 30)]) == pytest.approx(1 / comb(60, 30))
