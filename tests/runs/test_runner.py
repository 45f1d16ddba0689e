import asyncio

import pytest

from handoff_evals.results import Price
from handoff_evals.runs import RetryPolicy, trial_seed
from handoff_evals.runs.lane import Budget
from handoff_evals.scenarios import Scenario, Suite
from handoff_evals.transcript import Transcript
from tests.support.fake_drivers import SUITE, FakeDriver, FakeRun, dead, expecting, keys, well


async def test_every_planned_trial_is_handed_over_once() -> None:
    made = FakeRun({"a": FakeDriver(), "b": FakeDriver()}, trials=3)

    assert await made.run() == ()
    assert len(made.done) == len(made.planned) == 18
    assert keys(made.done) == {(p.key.scenario, p.key.model, p.key.number) for p in made.planned}


async def test_a_trial_has_its_scores_its_seed_and_its_times() -> None:
    made = FakeRun({"a": FakeDriver()})
    await made.run()

    one, two, _ = sorted(
        made.done, key=lambda trial: ("one", "two", "three").index(trial.key.scenario)
    )
    assert (one.status, two.status) == ("passed", "failed")
    assert [decision.outcome for decision in two.decisions] == ["missed"]
    assert one.seed == trial_seed(one.key, 7)
    assert one.started_at.endswith("+00:00")
    assert one.duration_s >= 0
    assert one.transcript == well(SUITE.scenarios[0])


async def test_decisions_that_were_never_reached_are_in_the_trial() -> None:
    suite = Suite(name="Shop", agent="m:A", scenarios=(expecting("long", "service", "b", "c"),))
    made = FakeRun({"a": FakeDriver()}, suite=suite)
    await made.run()

    [trial] = made.done
    assert [each.outcome for each in trial.decisions] == ["correct", "unreached", "unreached"]


async def test_it_starts_with_one_conversation_and_doubles_up_to_the_limit() -> None:
    driver = FakeDriver()
    await FakeRun({"a": driver}, trials=10, limit=4).run()

    assert driver.at_once[:2] == [1, 1]
    assert max(driver.at_once) == 4


async def test_the_models_together_run_no_more_conversations_than_the_run_may() -> None:
    together: list[int] = []

    def count(_: Scenario) -> Transcript:
        together.append(sum(each.running for each in drivers.values()))
        return well(SUITE.scenarios[0])

    drivers = {name: FakeDriver(count) for name in ("a", "b", "c")}
    await FakeRun(drivers, trials=8, total=3).run()

    assert max(together) == 3


async def test_a_slow_model_delays_nothing_but_itself() -> None:
    made = FakeRun({"slow": FakeDriver(rounds=500), "quick": FakeDriver()}, trials=4)
    await made.run()

    order = [trial.key.model for trial in made.done]
    assert order.index("slow") > 5
    assert order[:6] == ["quick"] * 6


@pytest.mark.parametrize(
    "cause", ["api_timeout", "api_connection", "model_timeout", "api_status_429", "api_status_503"]
)
async def test_a_trial_without_an_answer_is_run_again_where_that_may_help(cause: str) -> None:
    answers = {"one": [dead(cause), dead(cause)]}

    def fails_twice(scenario: Scenario) -> Transcript:
        left = answers.get(scenario.label)
        return left.pop() if left else well(scenario)

    driver = FakeDriver(fails_twice)
    made = FakeRun({"a": driver})

    assert await made.run() == ()
    assert [label for label, _ in driver.scenarios].count("one") == 3
    assert {trial.key.scenario: trial.status for trial in made.done}["one"] == "passed"
    assert len(made.done) == 3


@pytest.mark.parametrize("cause", ["api_status_401", "script_exhausted", "model_raised"])
async def test_a_trial_that_would_fail_again_is_not_run_again(cause: str) -> None:
    driver = FakeDriver(lambda _: dead(cause))
    made = FakeRun({"a": driver})
    await made.run()

    assert len(driver.scenarios) == 3
    assert {trial.cause for trial in made.done} == {cause}


async def test_retries_that_are_used_up_leave_the_trial_unscored() -> None:
    driver = FakeDriver(lambda _: dead("api_timeout"))
    made = FakeRun({"a": driver}, retry_policy=RetryPolicy(wait_s=0, retries=1))
    await made.run()

    assert len(driver.scenarios) == 6
    assert [trial.status for trial in made.done] == ["unscored"] * 3


async def test_a_dead_model_is_asked_no_more_and_the_others_go_on() -> None:
    drivers = {"dead": FakeDriver(lambda _: dead("api_status_401")), "alive": FakeDriver()}
    made = FakeRun(drivers, trials=4, retry_policy=RetryPolicy(wait_s=0, breaker=5))

    (left,) = await made.run()

    assert left == (
        "dead: the breaker opened after 5 unscored trials in a row (api_status_401); "
        "7 trials were not run"
    )
    assert sum(trial.key.model == "alive" for trial in made.done) == 12


async def test_a_model_that_answers_now_and_then_keeps_the_breaker_closed() -> None:
    def every_other(scenario: Scenario) -> Transcript:
        return well(scenario) if scenario.label == "two" else dead("model_raised")

    made = FakeRun(
        {"a": FakeDriver(every_other)}, trials=5, retry_policy=RetryPolicy(wait_s=0, breaker=4)
    )

    assert await made.run() == ()
    assert len(made.done) == 15


async def test_a_run_ends_when_its_tokens_are_spent() -> None:
    made = FakeRun({"a": FakeDriver()}, trials=4, limit=1, budget=Budget(max_tokens=250))

    (left,) = await made.run()

    assert left == "max_tokens = 250 is reached (300 used); 9 trials were not run"
    assert len(made.done) == 3


async def test_a_run_ends_when_its_money_is_spent() -> None:
    made = FakeRun(
        {"a": FakeDriver(), "free": FakeDriver()},
        trials=4,
        limit=1,
        budget=Budget(max_cost=0.002),
        prices={"a": Price(prompt=10, completion=10)},
    )

    (left,) = await made.run()

    assert left.startswith("--max-cost 0.002 is reached (0.0020 spent)")
    assert sum(trial.key.model == "a" for trial in made.done) == 2


async def test_a_run_that_is_cancelled_keeps_what_is_done_and_drops_the_rest() -> None:
    kept = asyncio.Event()

    def one_then_none(scenario: Scenario) -> Transcript:
        if scenario.label == "one":
            kept.set()
        return well(scenario)

    driver = FakeDriver(one_then_none)
    made = FakeRun({"a": driver}, trials=50, limit=2)
    running = asyncio.create_task(made.run())
    await kept.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert driver.running == 0
    assert 1 <= len(made.done) < 150
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_of_the_harness_ends_the_run_and_leaves_nothing_running() -> None:
    def broken(_: Scenario) -> Transcript:
        raise OSError("disk full")

    slow = FakeDriver(rounds=10_000)
    with pytest.raises(OSError, match="disk full"):
        await FakeRun({"slow": slow, "broken": FakeDriver(broken)}).run()

    assert slow.running == 0
