"""A run's numbers, held against the trials that they are of."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.checks import OUTCOMES, Decision, Score, Status
from handoff_evals.results import ModelSummary, Trial, TrialKey, summarise
from handoff_evals.transcript import Transcript
from tests.support.trials import MANIFEST, RICH

LABELS = ("One", "Two", "Three")
PLANNED = replace(
    MANIFEST,
    suites=(replace(MANIFEST.suites[0], scenarios=LABELS),),
    trials=4,
    models=("scripted",),
)
FEW = settings(derandomize=True, database=None, deadline=None)

decisions = st.builds(
    Decision,
    turn=st.just(1),
    expected=st.sampled_from(["desk", "billing"]),
    actual=st.sampled_from(["desk", "billing"]),
    outcome=st.sampled_from(OUTCOMES),
    on_path=st.booleans(),
)


@st.composite
def trials(draw: st.DrawFn) -> list[Trial]:
    """Some of the planned trials, each once, in the order in which they ended."""
    places = [(label, number) for label in LABELS for number in range(PLANNED.trials)]
    return [
        replace(
            RICH,
            key=TrialKey(suite="Any", scenario=label, model="scripted", number=number),
            scores=(Score(name="handoff", status=draw(STATUSES), reason=draw(CAUSES), turn=1),),
            decisions=tuple(draw(st.lists(decisions, max_size=3))),
        )
        for label, number in draw(st.lists(st.sampled_from(places), unique=True))
    ]


STATUSES: st.SearchStrategy[Status] = st.sampled_from(["passed", "failed", "unscored"])
CAUSES = st.sampled_from(["api_timeout", "model_raised"])


def of(found: list[Trial]) -> ModelSummary:
    return summarise(found, PLANNED).models["scripted"]


@given(found=trials())
@FEW
def test_every_planned_trial_is_counted_once(found: list[Trial]) -> None:
    counts = of(found).trials

    statuses = Counter(trial.status for trial in found)
    assert (counts.passed, counts.failed, counts.unscored) == tuple(
        statuses[status] for status in ("passed", "failed", "unscored")
    )
    assert counts.total == len(LABELS) * PLANNED.trials
    assert sum(counts.causes.values()) == counts.unscored


@given(found=trials())
@FEW
def test_every_expected_decision_of_a_scored_trial_is_counted_once(found: list[Trial]) -> None:
    model = of(found)

    made = [each for trial in found if trial.status != "unscored" for each in trial.decisions]
    on_path = [each for each in made if each.on_path]
    assert model.decisions.outcomes == {
        outcome: sum(each.outcome == outcome for each in on_path) for outcome in OUTCOMES
    }
    assert model.decisions.cascaded == len(made) - len(on_path)
    assert model.decisions.expected == model.accuracy.of == len(made)
    assert model.decisions.on_path == model.on_path.of == len(on_path)


@given(found=trials())
@FEW
def test_shares_are_averaged_over_scenarios_and_what_is_off_path_is_not_correct(
    found: list[Trial],
) -> None:
    model = of(found)
    scored = [trial for trial in found if trial.status != "unscored"]

    def mean(right: Callable[[Trial], list[bool]]) -> float | None:
        shares = []
        for label in LABELS:
            listed = [each for t in scored if t.key.scenario == label for each in right(t)]
            shares += [Fraction(sum(listed), len(listed))] if listed else []
        return float(sum(shares) / len(shares)) if shares else None

    def correct(trial: Trial) -> list[bool]:
        return [each.on_path and each.outcome == "correct" for each in trial.decisions]

    def correct_on_path(trial: Trial) -> list[bool]:
        return [each.outcome == "correct" for each in trial.decisions if each.on_path]

    for share, expected in (
        (model.passed, mean(lambda trial: [trial.status == "passed"])),
        (model.accuracy, mean(correct)),
        (model.on_path, mean(correct_on_path)),
    ):
        if expected is None:
            assert (share.value, share.low, share.high) == (None, None, None)
            continue
        assert share.value == pytest.approx(expected)
        assert share.low is not None
        assert share.high is not None
        assert share.value is not None
        assert 0 <= share.low <= share.value <= share.high <= 1


@given(found=trials(), lot=st.randoms(use_true_random=False))
@FEW
def test_the_order_in_which_trials_ended_says_nothing(found: list[Trial], lot: Random) -> None:
    other = list(found)
    lot.shuffle(other)

    assert of(other) == of(found)


@pytest.mark.parametrize(
    ("seconds", "median", "p95"),
    [
        ([], None, None),
        ([2.0], 2.0, 2.0),
        ([1.0, 11.0], 6.0, 10.5),
        ([float(number) for number in range(101)], 50.0, 95.0),
    ],
)
def test_the_slowest_of_few_are_not_left_out(
    seconds: list[float], median: float | None, p95: float | None
) -> None:
    (call,) = RICH.transcript.model_calls
    opening, turn = RICH.transcript.turns
    calls = tuple(replace(call, ttft_s=each) for each in seconds)
    heard = replace(RICH, transcript=Transcript(turns=(opening, replace(turn, model_calls=calls))))

    found = summarise([heard], MANIFEST).models["scripted"].ttft_s

    assert found.median == pytest.approx(median)
    assert found.p95 == pytest.approx(p95)
