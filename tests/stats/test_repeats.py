from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import (
    Tries,
    identical_trials,
    pass_at_k,
    pass_hat_k,
    pass_hat_k_interval,
)

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


tried = st.lists(st.builds(Tries, passed=st.integers(0, 4), failed=st.integers(0, 4)), max_size=20)


@UNHURRIED
@given(tried, st.integers(1, 4))
def test_passing_k_times_has_an_interval_over_scenarios(found: list[Tries], k: int) -> None:
    result = pass_hat_k_interval(found, k)
    full = [each for each in found if each.scored >= k]
    if not full:
        assert result is None
        return
    assert result is not None
    mean = sum(pass_hat_k(each.scored, each.passed, k) for each in full) / len(full)
    assert result.interval.value == pytest.approx(mean)
    assert result.scenarios == len(full)
    assert 0 <= result.interval.low <= mean + 1e-12
    assert result.interval.width > 0


def test_trials_of_a_scenario_do_not_narrow_it_as_scenarios_would() -> None:
    few = pass_hat_k_interval([Tries(passed=3, failed=0)] * 20, 3)
    assert few is not None
    # 20 scenarios that all pass, whatever the number of their trials.
    assert few.interval.low == pytest.approx(0.025 ** (1 / 20))


def test_what_is_unscored_is_named_and_widens_it() -> None:
    whole = pass_hat_k_interval([Tries(passed=3, failed=0)] * 20, 3)
    partly = pass_hat_k_interval(
        [Tries(passed=3, failed=0)] * 19 + [Tries(passed=1, failed=0, unscored=2)], 3
    )
    assert whole is not None
    assert partly is not None
    assert (partly.scenarios, partly.short, partly.unscored) == (19, 1, 2)
    assert partly.interval.value == 1
    assert partly.interval.low < whole.interval.low


@UNHURRIED
@given(
    st.lists(
        st.builds(
            Tries, passed=st.integers(0, 3), failed=st.integers(0, 3), unscored=st.integers(0, 2)
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 3),
    st.data(),
)
def test_a_pass_that_fails_or_is_lost_never_raises_the_lower_bound(
    found: list[Tries], k: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(found) - 1))
    each = found[place]
    before = pass_hat_k_interval(found, k)
    if not each.passed or before is None:
        return
    failed = Tries(passed=each.passed - 1, failed=each.failed + 1, unscored=each.unscored)
    lost = Tries(passed=each.passed - 1, failed=each.failed, unscored=each.unscored + 1)
    for worse in (failed, lost):
        after = pass_hat_k_interval([*found[:place], worse, *found[place + 1 :]], k)
        if after is not None:
            assert after.interval.low <= before.interval.low + 1e-7


def test_counts_and_choices_that_can_not_be_are_refused() -> None:
    with pytest.raises(ValueError, match="holds a negative count"):
        Tries(passed=-1, failed=0)
    with pytest.raises(ValueError, match="k is 0; give a number of trials"):
        pass_hat_k_interval([Tries(passed=1, failed=0)], 0)


@pytest.mark.parametrize(
    ("digests", "identical"),
    [
        ([["x", "x", "x"], ["y", "y"]], True),
        ([["x", "x", "x"], ["y", "z"]], False),
        ([["x", "x"]] * 18 + [["y", "z"]] * 2, True),
        ([["x", "x"]] * 17 + [["y", "z"]] * 3, False),
        ([["x"], ["y"]], False),
        ([["x", "x"], ["y"]], True),
        ([], False),
    ],
)
def test_trials_that_repeat_each_other_are_noticed(
    digests: list[list[str]], *, identical: bool
) -> None:
    assert identical_trials(digests) is identical
