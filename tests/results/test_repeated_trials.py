"""What several trials of a scenario come to in a summary, and what unscored ones leave open."""

from dataclasses import replace

import pytest

from handoff_evals.checks import Score, Status
from handoff_evals.results import ModelSummary, Trial, summarise
from tests.support.trials import MANIFEST, RICH


def trial(scenario: str, number: int, status: Status) -> Trial:
    key = replace(RICH.key, scenario=scenario, number=number)
    return replace(RICH, key=key, scores=(Score(name="answered", status=status),))


def summary_of(**scenarios: str) -> ModelSummary:
    """Of each scenario a letter a trial: passed, failed, or unscored."""
    statuses: dict[str, Status] = {"p": "passed", "f": "failed", "u": "unscored"}
    trials = [
        trial(name, number, statuses[letter])
        for name, letters in scenarios.items()
        for number, letter in enumerate(letters)
    ]
    return summarise(trials, MANIFEST).models[RICH.key.model]


def test_passing_every_time_has_an_interval_over_scenarios() -> None:
    found = summary_of(a="ppp", b="ppf", c="fff").pass_hat
    assert [each.value for each in found.values()] == pytest.approx([5 / 9, 4 / 9, 1 / 3])
    assert all(each.low < each.value < each.high for each in found.values())
    assert {each.scenarios for each in found.values()} == {3}


def test_scenarios_that_are_left_with_too_few_trials_are_named() -> None:
    found = summary_of(a="ppp", b="puu").pass_hat[3]
    assert (found.value, found.scenarios, found.left_out, found.unscored) == (1, 1, 1, 2)


def test_unscored_trials_widen_the_interval_of_what_passed() -> None:
    whole = summary_of(**{f"s{n}": "pp" for n in range(20)}).passed
    partly = summary_of(**{f"s{n}": "pp" if n else "pu" for n in range(20)}).passed
    gone = summary_of(**{f"s{n}": "pp" if n else "uu" for n in range(20)}).passed
    assert whole.value == partly.value == gone.value == 1
    assert whole.low is not None
    assert partly.low is not None
    assert gone.low is not None
    assert gone.low < partly.low < whole.low


def test_an_unscored_trial_is_as_uncertain_for_decisions() -> None:
    whole, partly = (
        summary_of(**{f"s{n}": letters for n in range(20)}).accuracy for letters in ("pp", "pu")
    )
    assert whole.high is not None
    assert partly.high is not None
    assert partly.high > whole.high
