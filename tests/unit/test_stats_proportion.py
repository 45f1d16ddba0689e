import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import Interval, wilson

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    """How many of how many were right."""
    n = draw(st.integers(1, 400))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_bounds(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@UNHURRIED
@given(shares())
def test_wilson_stays_in_range_and_never_has_zero_width(share: tuple[int, int]) -> None:
    found = wilson(*share)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.width > 0


@UNHURRIED
@given(shares())
def test_wilson_treats_right_and_wrong_alike(share: tuple[int, int]) -> None:
    successes, n = share
    found, mirrored = wilson(successes, n), wilson(n - successes, n)
    assert found.low == pytest.approx(1 - mirrored.high)


@UNHURRIED
@given(shares())
def test_one_more_success_moves_both_wilson_bounds_up(share: tuple[int, int]) -> None:
    successes, n = share
    fewer, more = wilson(successes, n + 1), wilson(successes + 1, n + 1)
    assert fewer.low <= more.low
    assert fewer.high <= more.high


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_what_is_no_share_is_refused_with_what_would_be(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=rf"{successes} of {n} is no share; give n >= 1"):
        wilson(successes, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(1, 2, confidence)


def test_an_interval_that_leaves_out_its_value_can_not_be_made() -> None:
    with pytest.raises(ValueError, match="encloses its value"):
        Interval(value=0.9, low=0.2, high=0.8, confidence=0.95, method="none")
