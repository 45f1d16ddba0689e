from handoff_evals.results import TrialKey
from handoff_evals.runs import trial_seed
from handoff_evals.runs.lane import plan
from tests.support.fake_drivers import SUITE


def test_a_plan_has_every_trial_once_and_the_models_take_turns() -> None:
    planned = list(plan([SUITE], ["a", "b"], trials=2, seed=0))

    shown = [(p.key.number, p.key.scenario, p.key.model) for p in planned]
    assert shown[:4] == [(0, "one", "a"), (0, "one", "b"), (0, "two", "a"), (0, "two", "b")]
    assert len(set(shown)) == len(shown) == 12
    assert [number for number, _, _ in shown] == [0] * 6 + [1] * 6


def test_two_models_meet_the_same_seeds_and_nothing_else_does() -> None:
    def key(**made: object) -> TrialKey:
        fields = {"suite": "s", "scenario": "x", "model": "a", "number": 0, **made}
        return TrialKey(**fields)  # type: ignore[arg-type]  # as made

    same = trial_seed(key(), 7)
    assert trial_seed(key(model="b"), 7) == same
    others = [
        trial_seed(key(number=1), 7),
        trial_seed(key(scenario="y"), 7),
        trial_seed(key(suite="t"), 7),
        trial_seed(key(), 8),
    ]
    assert len({same, *others}) == 5
    assert all(0 <= seed < 2**31 for seed in (same, *others))


def test_a_seed_is_the_same_on_every_machine_and_in_every_version() -> None:
    key = TrialKey(suite="Shop", scenario="one", model="a", number=0)

    assert trial_seed(key, 7) == 1027216019
