from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import (
    VERDICTS,
    Assessment,
    Outcome,
    Terms,
    TrialPairs,
    assess,
    lower_bound,
)
from handoff_evals.stats.assessment import difference_of

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

TERMS: Final = Terms()
P, F, U = True, False, None


def scenario(a: Sequence[Outcome], b: Sequence[Outcome]) -> TrialPairs:
    return TrialPairs(a=tuple(a), b=tuple(b))


WORSE, BETTER, SAME = scenario([P], [F]), scenario([F], [P]), scenario([P], [P])
MISSING = scenario([U], [U])
outcomes = st.sampled_from([P, P, P, F, F, U])


@st.composite
def suites(draw: st.DrawFn) -> list[TrialPairs]:
    """A few kinds of scenarios, each of them several times: some verdicts need many."""
    found: list[TrialPairs] = []
    for _ in range(draw(st.integers(1, 4))):
        trials = draw(st.integers(1, 4))
        sides = [draw(st.lists(outcomes, min_size=trials, max_size=trials)) for _ in range(2)]
        found += [scenario(*sides)] * draw(st.integers(1, 20))
    return found


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        ([WORSE] * 7, "regressed"),
        ([WORSE] * 5 + [SAME] * 15, "regressed"),
        ([WORSE] * 4 + [SAME] * 16, "can't tell"),
        ([SAME] * 43 + [WORSE] * 17, "regressed"),
        ([SAME] * 29, "no difference larger than the margin"),
        ([SAME] * 28, "can't tell"),
        ([BETTER] * 6 + [SAME] * 10, "improved"),
        ([BETTER] * 5 + [SAME] * 10, "no difference larger than the margin"),
        ([MISSING] * 60, "can't tell"),
        ([], "can't tell"),
        ([scenario([P] * 3, [F] * 3)] * 2 + [scenario([P] * 3, [P] * 3)] * 18, "regressed"),
    ],
)
def test_the_verdict_follows_from_the_trials(pairs: list[TrialPairs], verdict: str) -> None:
    assert assess(pairs, TERMS).verdict == verdict


def test_scenarios_that_broke_for_certain_are_no_improvement_where_others_rose_a_little() -> None:
    fell = [scenario([P] * 5, [F] * 5)] * 4
    rose = [scenario([P] * 4 + [F], [P] * 5)] * 18
    found = assess(fell + rose, TERMS)
    assert (found.verdict, found.broken, found.worse, found.better) == ("regressed", 4, 4, 18)


def test_a_loss_of_the_margin_over_many_scenarios_is_never_called_small() -> None:
    """Five trials, 200 scenarios, every second one of them fails once more often."""
    fell = [scenario([P] * 5, [P] * 4 + [F])] * 100
    assert assess(fell + [scenario([P] * 5, [P] * 5)] * 100, TERMS).verdict == "regressed"


def test_identical_trials_are_counted_once() -> None:
    pairs = [scenario([P] * 3, [F] * 3)] * 3 + [scenario([P] * 3, [P] * 3)] * 10
    assert assess(pairs, TERMS).verdict == "regressed"
    once = assess(pairs, TERMS, identical=True)
    assert (once.verdict, once.broken) == ("can't tell", 0)
    single = assess([WORSE] * 3 + [SAME] * 10, TERMS)
    assert once.p_loss == single.p_loss
    assert once.difference == single.difference


def test_everything_unscored_has_no_difference_and_rules_nothing_out() -> None:
    found = assess([MISSING] * 60, TERMS)
    assert found.difference is None
    assert found.loss == 1
    assert (found.unscored, found.pairs) == (60, 60)


def test_a_few_unscored_pairs_are_enough_to_be_unsure_of_the_margin() -> None:
    assert assess([SAME] * 29 + [MISSING], TERMS).verdict == "can't tell"
    assert assess([SAME] * 29 + [scenario([P], [U])], TERMS).verdict == "can't tell"


def test_missing_failures_of_the_baseline_make_no_regression() -> None:
    """The baseline's failures went unscored: what is left of it looks better than it was."""
    lost = [scenario([U], [P])] * 8
    assert assess([WORSE] * 8 + lost + [SAME] * 10, TERMS).verdict == "can't tell"


def test_up_to_60_scenarios_nothing_is_said_before_all_are_run() -> None:
    seen = [SAME] * 43
    assert assess(seen, TERMS, planned=60).verdict == "can't tell"
    assert assess([WORSE] * 20, TERMS, planned=60).verdict == "can't tell"


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ([SAME] * 43, "no difference larger than the margin"),
        ([SAME] * 42, "can't tell"),
        ([WORSE] * 11, "regressed"),
        ([WORSE] * 10, "can't tell"),
        ([BETTER] * 12, "improved"),
    ],
)
def test_of_more_scenarios_some_may_be_enough(seen: list[TrialPairs], verdict: str) -> None:
    assert assess(seen, TERMS, planned=200).verdict == verdict
    assert assess(seen, replace(TERMS, fixed=True), planned=200).verdict == "can't tell"


def test_what_is_the_same_for_certain_counts_as_the_same() -> None:
    found = assess([SAME] * 9, TERMS, unchanged=20)
    assert (found.verdict, found.scenarios, found.same) == (VERDICTS[2], 29, 29)


@UNHURRIED
@given(suites(), st.booleans(), st.sampled_from([0, 80, 200]), st.integers(0, 20), st.data())
def test_making_a_trial_of_the_candidate_worse_never_makes_a_verdict_better(
    pairs: list[TrialPairs],
    identical: bool,  # noqa: FBT001 - hypothesis passes it by name
    planned: int,
    unchanged: int,
    data: st.DataObject,
) -> None:
    """Passed to failed, passed to unscored, unscored to failed; several at once, too."""
    worse = list(pairs)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(worse) - 1))
        number = data.draw(st.integers(0, worse[place].trials - 1))
        if worse[place].b[number] is not False:
            now = data.draw(st.sampled_from([F, U])) if worse[place].b[number] else F
            b = list(worse[place].b)
            b[number] = now
            worse[place] = replace(worse[place], b=tuple(b))
    before, after = (
        assess(each, TERMS, planned=planned, unchanged=unchanged, identical=identical)
        for each in (pairs, worse)
    )
    assert VERDICTS.index(after.verdict) <= VERDICTS.index(before.verdict)


@UNHURRIED
@given(suites())
def test_a_verdict_is_that_of_the_interval_beside_it(pairs: list[TrialPairs]) -> None:
    found = assess(pairs, TERMS)
    if found.difference is None:
        assert found.verdict == "can't tell"
        return
    if found.difference.high < 0:
        assert found.verdict == "regressed"
    if found.verdict == "improved":
        assert found.difference.low > 0
    if found.verdict == "no difference larger than the margin":
        assert found.loss < TERMS.margin
        assert found.difference.low <= 0 <= found.difference.high
    assert found.difference == difference_of(pairs)
    assert -found.loss == pytest.approx(
        lower_bound([each.at_worst for each in pairs], least=-1, level=0.05)
    )


@UNHURRIED
@given(suites())
def test_no_verdict_says_both_for_the_two_directions(pairs: list[TrialPairs]) -> None:
    swapped = [TrialPairs(a=each.b, b=each.a) for each in pairs]
    found = {assess(pairs, TERMS).verdict, assess(swapped, TERMS).verdict}
    assert found != {"improved"}


def test_a_suite_that_did_not_change_seldom_looks_changed() -> None:
    lots = np.random.default_rng(3)
    found: list[Assessment] = []
    for _ in range(300):
        rates = lots.beta(2, 0.5, size=(20, 1, 1))
        passed = (lots.random((20, 2, 3)) < rates).tolist()
        found.append(assess([scenario(a, b) for a, b in passed], TERMS))
    for verdict in ("regressed", "improved"):
        assert sum(each.verdict == verdict for each in found) / 300 <= 0.025 + 2 * 0.009


@pytest.mark.parametrize(("name", "value"), [("alpha", 5.0), ("margin", 0)])
def test_terms_that_can_not_be_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; give a share between 0 and 1"):
        Terms(**{name: value})  # type: ignore[arg-type]  # either of two
