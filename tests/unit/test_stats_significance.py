from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import holm, mcnemar, paired_permutation

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
