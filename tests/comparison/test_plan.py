"""What a suite will be able to show, before it is run."""

from dataclasses import replace

import pytest

from handoff_evals.checks import Score
from handoff_evals.comparison import Past, plan
from handoff_evals.results import Trial
from handoff_evals.scenarios import Suite
from handoff_evals.stats import Terms, expected_spread
from tests.support.conversations import expects, scenario
from tests.support.trials import RICH

TERMS = Terms()


def suite_of(scenarios: int) -> Suite:
    each = tuple(
        replace(scenario(expects("desk"), expects("desk")), label=str(n)) for n in range(scenarios)
    )
    return Suite(name="Any", agent="m:A", scenarios=each, sha256="00")


def trial(label: str, number: int, *, passed: bool) -> Trial:
    score = Score(name="handoff", status="passed" if passed else "failed")
    key = replace(RICH.key, scenario=label, number=number)
    return replace(RICH, key=key, scores=(score,), duration_s=2.0)


def test_more_trials_and_more_scenarios_find_smaller_losses() -> None:
    found = [
        plan([suite_of(scenarios)], trials=trials, terms=TERMS).found
        for scenarios, trials in ((20, 1), (20, 3), (80, 3))
    ]
    assert None not in found
    assert found == sorted(found, key=lambda share: share or 1, reverse=True)


def test_29_scenarios_are_the_fewest_that_rule_out_a_tenth() -> None:
    few, enough = (plan([suite_of(n)], trials=1, terms=TERMS) for n in (28, 29))
    assert few.needed_for_margin == 29
    assert any("out of reach here" in each for each in few.sentences)
    assert any("in reach if few differ" in each for each in enough.sentences)


def test_an_earlier_run_says_what_it_takes_and_how_flaky_it_is() -> None:
    past = Past.of(
        trial(label, number, passed=label == "steady" or number == 0)
        for label in ("steady", "flaky")
        for number in range(2)
    )
    assert past is not None
    assert (past.conversations, past.pass_rate, past.seconds) == (4, 0.75, 8)
    assert past.spread.model == pytest.approx((0 + 2 * 0.5 * 0.5 * 2) / 2)
    found = plan([suite_of(10)], trials=2, terms=TERMS, past=past)
    assert (found.conversations, found.turns, found.seconds) == (20, 40, 40)
    assert found.calls == 5 * past.calls
    assert found.tokens == 5 * past.tokens
    assert "About " in found.sentences[1]


def test_single_trials_are_taken_to_be_as_flaky_as_all_of_them() -> None:
    past = Past.of(trial(str(n), 0, passed=n > 0) for n in range(10))
    assert past is not None
    assert past.spread == expected_spread(0.9)


def test_a_run_without_a_score_is_nothing_to_go_by() -> None:
    assert Past.of([replace(RICH, scores=(Score(name="handoff", status="unscored"),))]) is None
