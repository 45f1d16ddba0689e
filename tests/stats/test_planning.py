import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_evals.stats import (
    Spread,
    TrialPairs,
    advise,
    expected_spread,
    smallest_loss,
    spread,
)

UNHURRIED = settings(deadline=None)
"""A machine that is busy with other tests fails no property."""

QUIET = Spread(model=0.0, scenarios=0.0)
FLAKY = Spread(model=0.3, scenarios=0.0)
UNEVEN = Spread(model=0.02, scenarios=0.2)


def suite(rates: np.ndarray, shift: np.ndarray, trials: int) -> list[TrialPairs]:
    lots = np.random.default_rng(5)
    a = lots.random((len(rates), trials)) < rates[:, None]
    b = lots.random((len(rates), trials)) < (rates + shift)[:, None]
    return [
        TrialPairs(a=tuple(map(bool, one)), b=tuple(map(bool, other)))
        for one, other in zip(a, b, strict=True)
    ]


def test_repeated_trials_show_how_much_the_model_wavers() -> None:
    found = spread(suite(np.full(4000, 0.7), np.zeros(4000), 3))
    assert found is not None
    assert found.model == pytest.approx(2 * 0.7 * 0.3, abs=0.02)
    assert found.scenarios == pytest.approx(0, abs=0.01)


def test_what_is_left_is_how_much_the_scenarios_differ() -> None:
    shift = np.where(np.arange(4000) % 4 == 0, -0.8, 0.0)
    found = spread(suite(np.full(4000, 0.8), shift, 3))
    assert found is not None
    assert found.scenarios == pytest.approx(0.25 * 0.75 * 0.8**2, abs=0.02)


def test_single_trials_can_not_tell_the_two_apart() -> None:
    assert spread([TrialPairs(a=(True,), b=(False,))] * 20) is None
    assert spread([TrialPairs(a=(True, None), b=(False, True))] * 20) is None


def test_seven_quiet_scenarios_show_what_breaks_most_of_them() -> None:
    found = smallest_loss(7, 1, QUIET)
    assert found is not None
    assert 0.6 < found <= 1


@pytest.mark.parametrize("noise", [QUIET, FLAKY, UNEVEN])
@pytest.mark.parametrize("basis", ["these scenarios", "scenarios like these"])
def test_more_scenarios_show_smaller_losses(noise: Spread, basis: str) -> None:
    found = [
        smallest_loss(n, 3, noise, basis=basis)  # type: ignore[arg-type]  # parametrized
        for n in (10, 20, 50, 200, 1000)
    ]
    sizes = [1.0 if each is None else each for each in found]
    assert sizes == sorted(sizes, reverse=True)
    assert found[-1] is not None


def test_more_comparisons_and_more_power_need_larger_losses() -> None:
    usual = smallest_loss(60, 1, FLAKY)
    among_ten = smallest_loss(60, 1, FLAKY, level=0.0025)
    surer = smallest_loss(60, 1, FLAKY, power=0.95)
    assert usual is not None
    assert among_ten is not None
    assert surer is not None
    assert usual < min(among_ten, surer)


def test_trials_average_the_model_out_and_not_the_scenarios() -> None:
    more = advise(40, 1, FLAKY, loss=0.15)
    assert more.trials is not None
    assert more.trials <= 5
    uneven = advise(40, 3, UNEVEN, loss=0.15, basis="scenarios like these")
    assert (uneven.more, uneven.trials) == ("scenarios", None)
    assert uneven.scenarios is not None
    assert uneven.scenarios > 60


def test_nothing_is_to_be_added_where_the_loss_is_seen_already() -> None:
    found = advise(200, 3, QUIET, loss=0.1)
    assert (found.more, found.scenarios, found.trials) == ("nothing", 200, 3)


@UNHURRIED
@given(st.integers(5, 100), st.integers(1, 5), st.floats(0.05, 0.3))
def test_what_is_advised_is_enough(scenarios: int, trials: int, loss: float) -> None:
    found = advise(scenarios, trials, FLAKY, loss=loss)
    if found.scenarios is not None:
        seen = smallest_loss(found.scenarios, trials, FLAKY)
        assert seen is not None
        assert seen <= loss
    if found.trials is not None:
        seen = smallest_loss(scenarios, found.trials, FLAKY)
        assert seen is not None
        assert seen <= loss


def test_what_is_expected_before_a_run_is_a_coins_spread() -> None:
    expected = expected_spread(0.9)
    assert expected.model == pytest.approx(0.18)
    assert expected.scenarios == 0.0
    with pytest.raises(ValueError, match=r"pass_rate is 90; give a share from 0 to 1"):
        expected_spread(90)


def test_what_can_not_be_planned_is_refused() -> None:
    with pytest.raises(ValueError, match="0 scenarios, 1 trials: give 1 or more"):
        smallest_loss(0, 1, QUIET)
    with pytest.raises(ValueError, match=r"power is 0\.2; give a chance from 0\.5"):
        smallest_loss(10, 1, QUIET, power=0.2)
