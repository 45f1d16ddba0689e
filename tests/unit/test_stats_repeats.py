from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import pass_at_k, pass_hat_k

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""


@st.composite
def trials(draw: st.DrawFn) -> tuple[int, int, int]:
    """Trials, passes, and how many to choose."""
    n = draw(st.integers(1, 9))
    return n, draw(st.integers(0, n)), draw(st.integers(1, n))


@UNHURRIED
@given(trials())
def test_both_are_the_average_over_every_choice_of_k_trials(drawn: tuple[int, int, int]) -> None:
    n, c, k = drawn
    choices = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, choices)) / len(choices))
    assert pass_hat_k(n, c, k) == pytest.approx(sum(map(all, choices)) / len(choices))


@UNHURRIED
@given(trials())
def test_passing_always_is_harder_than_passing_once(drawn: tuple[int, int, int]) -> None:
    n, c, k = drawn
    assert 0 <= pass_hat_k(n, c, k) <= pass_hat_k(n, c, 1) == pytest.approx(c / n)
    assert pass_at_k(n, c, 1) - 1e-12 <= pass_at_k(n, c, k) <= 1


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 2, 0), (3, 2, 4)])
def test_choices_that_can_not_be_made_are_refused(n: int, c: int, k: int) -> None:
    for estimate in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match=f"n={n}, c={c}, k={k}: give"):
            estimate(n, c, k)
