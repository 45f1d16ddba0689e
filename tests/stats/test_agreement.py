import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import Confusion, corrected_rate, kappa, kappa_interval

UNHURRIED = settings(deadline=None, max_examples=40)
counts = st.integers(0, 60)
tables = st.builds(
    Confusion, both_pass=counts, passed_wrongly=counts, failed_wrongly=counts, both_fail=counts
)


def confusion(numbers: "np.typing.NDArray[np.int64]") -> Confusion:
    a, b, c, d = map(int, numbers)
    return Confusion(both_pass=a, passed_wrongly=b, failed_wrongly=c, both_fail=d)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # Cohen's kappa of a textbook: 20 and 15 agree, of 50.
        (Confusion(both_pass=20, passed_wrongly=5, failed_wrongly=10, both_fail=15), 0.4),
        (Confusion(both_pass=25, both_fail=25), 1.0),
        (Confusion(passed_wrongly=25, failed_wrongly=25), -1.0),
        (Confusion(both_pass=50), None),
        (Confusion(), None),
    ],
)
def test_kappa_is_agreement_beyond_chance(table: Confusion, expected: float | None) -> None:
    assert kappa(table) == (expected if expected is None else pytest.approx(expected))


@UNHURRIED
@given(tables)
def test_the_interval_is_around_kappa_and_within_its_range(table: Confusion) -> None:
    found = kappa_interval(table)
    if found is not None:
        assert -1 <= found.low <= found.value <= found.high <= 1


@UNHURRIED
@given(tables)
def test_judge_and_labels_may_change_places(table: Confusion) -> None:
    other = Confusion(
        both_pass=table.both_pass,
        passed_wrongly=table.failed_wrongly,
        failed_wrongly=table.passed_wrongly,
        both_fail=table.both_fail,
    )
    assert kappa(table) == kappa(other)


def test_fifty_labels_that_all_agree_leave_some_doubt() -> None:
    found = kappa_interval(Confusion(both_pass=25, both_fail=25))
    assert found is not None
    assert 0.8 < found.low < 0.95


@pytest.mark.parametrize(("right", "caught"), [(0.9, 0.9), (0.97, 0.92), (0.8, 0.6)])
def test_intervals_of_kappa_cover_the_truth_in_95_of_100(right: float, caught: float) -> None:
    draw = np.random.default_rng(7)
    shares = np.array([right, 1 - caught, 1 - right, caught]) / 2
    truth = kappa(confusion((shares * 1e6).astype(np.int64)))
    assert truth is not None
    trials, above = 250, 0
    hits = 0
    for _ in range(trials):
        found = kappa_interval(confusion(draw.multinomial(60, shares)))
        assert found is not None
        hits += found.low <= truth <= found.high
        above += found.low > truth
    assert hits / trials > 0.91
    assert above / trials < 0.06  # a judge that is too weak rarely counts


@UNHURRIED
@given(tables, st.integers(1, 80), st.data())
def test_a_corrected_rate_is_a_share_with_its_interval(
    table: Confusion, judged: int, data: st.DataObject
) -> None:
    found = corrected_rate(data.draw(st.integers(0, judged)), judged, table)
    if found is not None:
        assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    "table",
    [
        Confusion(),
        Confusion(both_pass=30),
        Confusion(both_fail=30),
        Confusion(both_pass=10, failed_wrongly=10, passed_wrongly=10, both_fail=10),
        Confusion(both_pass=1, failed_wrongly=10, passed_wrongly=10, both_fail=1),
    ],
)
def test_errors_that_are_not_known_or_no_better_than_chance_correct_nothing(
    table: Confusion,
) -> None:
    assert corrected_rate(5, 10, table) is None


def test_a_judge_that_passes_a_fifth_of_what_fails_is_corrected_downwards() -> None:
    table = Confusion(both_pass=50, passed_wrongly=10, both_fail=40)
    found = corrected_rate(90, 100, table)
    assert found is not None
    assert found.value == pytest.approx((0.9 - 0.2) / 0.8)


@pytest.mark.parametrize(("passed", "judged"), [(3, 2), (-1, 2)])
def test_more_passed_than_judged_is_refused(passed: int, judged: int) -> None:
    with pytest.raises(ValueError, match="give a number from 0"):
        corrected_rate(passed, judged, Confusion())


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        Confusion(both_pass=-1)


@pytest.mark.parametrize(
    ("truth", "right", "caught"), [(0.9, 0.95, 0.95), (0.5, 0.9, 0.85), (0.7, 0.8, 0.75)]
)
def test_intervals_of_corrected_rates_cover_the_truth(
    truth: float, right: float, caught: float
) -> None:
    draw = np.random.default_rng(3)
    says = truth * right + (1 - truth) * (1 - caught)
    hits = raw_hits = 0
    trials = 250
    for _ in range(trials):
        both_pass, both_fail = draw.binomial(50, right), draw.binomial(50, caught)
        table = confusion(np.array([both_pass, 50 - both_fail, 50 - both_pass, both_fail]))
        passed = int(draw.binomial(60, says))
        found = corrected_rate(passed, 60, table)
        assert found is not None
        hits += found.low <= truth <= found.high
        raw_hits += abs(passed / 60 - truth) < 1.96 * (says * (1 - says) / 60) ** 0.5
    assert hits / trials > 0.91
    assert hits >= raw_hits - 10
