import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from handoff_evals.runner import (
    Attempt,
    Budget,
    Lane,
    Pace,
    Patience,
    Planned,
    Runner,
    plan,
    trial_seed,
)
from handoff_evals.scenario import Expectation, Scenario, ScriptedTurn, Suite, Target
from handoff_evals.store import Price
from handoff_evals.transcript import Fault, Transcript, Turn, Usage
from handoff_evals.trial import Trial, TrialKey
from tests.unit.conversations import opening, request, transcript, turn

AT_ONCE = Patience(wait_s=0)


def expecting(label: str, *agents: str) -> Scenario:
    return Scenario(
        label=label,
        turns=tuple(
            ScriptedTurn(user="Hello?", expect=Expectation(agent=Target(id=agent)))
            for agent in agents
        ),
    )


SUITE = Suite(
    name="Shop",
    agent="m:A",
    scenarios=(expecting("one", "service"), expecting("two", "billing"), expecting("three")),
)


def well(_: Scenario) -> Transcript:
    spent = request("service", usage=Usage(prompt=70, completion=30))
    return transcript("service", turn("service", calls=(spent,)))


def dead(cause: str, retry_after_s: float | None = None) -> Transcript:
    fault = Fault(
        owner="infrastructure",
        cause=cause,
        detail="",
        turn=0,
        retry_after_s=retry_after_s,
        ended=True,
    )
    return Transcript(turns=(opening("service"),), faults=(fault,))


@dataclass
class Puppet:
    """Holds conversations as it is told, and counts how many at once."""

    answer: Callable[[Scenario], Transcript] = well
    rounds: int = 3
    """Of the event loop that each of them takes."""
    held: list[tuple[str, int]] = field(default_factory=list)
    at_once: list[int] = field(default_factory=list)
    running: int = 0

    async def hold(self, scenario: Scenario, *, seed: int, number: int) -> Transcript:  # noqa: ARG002 - the port's
        self.running += 1
        self.at_once.append(self.running)
        self.held.append((scenario.label, seed))
        try:
            for _ in range(self.rounds):
                await asyncio.sleep(0)
            return self.answer(scenario)
        finally:
            self.running -= 1


@dataclass
class Given:
    """A run on puppets, one for each model."""

    puppets: dict[str, Puppet]
    trials: int = 1
    suite: Suite = SUITE
    total: int = 16
    limit: int = 8
    patience: Patience = AT_ONCE
    budget: Budget = field(default_factory=Budget)
    prices: dict[str, Price] = field(default_factory=dict)
    done: list[Trial] = field(default_factory=list)

    @property
    def planned(self) -> list[Planned]:
        return list(plan([self.suite], list(self.puppets), trials=self.trials, seed=7))

    async def run(self) -> tuple[str, ...]:
        runner = Runner(
            drivers={(self.suite.name, name): each for name, each in self.puppets.items()},
            pace=Pace(
                total=self.total,
                per_model=dict.fromkeys(self.puppets, self.limit),
                patience=self.patience,
            ),
            done=self.done.append,
            budget=self.budget,
            prices=self.prices,
        )
        return await runner.run(self.planned)


def keys(trials: Sequence[Trial]) -> set[tuple[str, str, int]]:
    return {(each.key.scenario, each.key.model, each.key.number) for each in trials}


def test_a_plan_has_every_trial_once_and_the_models_take_turns() -> None:
    planned = list(plan([SUITE], ["a", "b"], trials=2, seed=0))

    shown = [(p.key.number, p.key.scenario, p.key.model) for p in planned]
    assert shown[:4] == [(0, "one", "a"), (0, "one", "b"), (0, "two", "a"), (0, "two", "b")]
    assert len(set(shown)) == len(shown) == 12
    assert [number for number, _, _ in shown] == [0] * 6 + [1] * 6


def test_two_models_meet_the_same_seeds_and_nothing_else_does() -> None:
    def key(**given: object) -> TrialKey:
        fields = {"suite": "s", "scenario": "x", "model": "a", "number": 0, **given}
        return TrialKey(**fields)  # type: ignore[arg-type]  # as given

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


async def test_every_planned_trial_is_handed_over_once() -> None:
    given = Given({"a": Puppet(), "b": Puppet()}, trials=3)

    assert await given.run() == ()
    assert len(given.done) == len(given.planned) == 18
    assert keys(given.done) == {(p.key.scenario, p.key.model, p.key.number) for p in given.planned}


async def test_a_trial_holds_all_that_is_known_of_it() -> None:
    given = Given({"a": Puppet()})
    await given.run()

    one, two, three = sorted(
        given.done, key=lambda trial: ("one", "two", "three").index(trial.key.scenario)
    )
    assert (one.status, two.status, three.status) == ("passed", "failed", "failed")
    assert [decision.outcome for decision in two.decisions] == ["missed"]
    assert one.seed == trial_seed(one.key, 7)
    assert (one.unreached, three.unreached) == (0, 0)
    assert one.started_at.endswith("+00:00")
    assert one.duration_s >= 0
    assert one.transcript == well(SUITE.scenarios[0])


async def test_decisions_that_were_never_reached_are_counted() -> None:
    suite = Suite(name="Shop", agent="m:A", scenarios=(expecting("long", "service", "b", "c"),))
    given = Given({"a": Puppet()}, suite=suite)
    await given.run()

    assert (len(given.done[0].decisions), given.done[0].unreached) == (1, 2)


async def test_it_starts_with_one_conversation_and_doubles_up_to_the_limit() -> None:
    puppet = Puppet()
    await Given({"a": puppet}, trials=10, limit=4).run()

    assert puppet.at_once[:2] == [1, 1]
    assert max(puppet.at_once) == 4


async def test_the_models_together_hold_no_more_conversations_than_the_run_may() -> None:
    together: list[int] = []

    def count(_: Scenario) -> Transcript:
        together.append(sum(each.running for each in puppets.values()))
        return well(SUITE.scenarios[0])

    puppets = {name: Puppet(count) for name in ("a", "b", "c")}
    await Given(puppets, trials=8, total=3).run()

    assert max(together) == 3


async def test_a_slow_model_holds_up_nothing_but_itself() -> None:
    given = Given({"slow": Puppet(rounds=500), "quick": Puppet()}, trials=4)
    await given.run()

    order = [trial.key.model for trial in given.done]
    assert order.index("slow") > 5
    assert order[:6] == ["quick"] * 6


@pytest.mark.parametrize(
    "cause", ["api_timeout", "api_connection", "model_timeout", "api_status_429", "api_status_503"]
)
async def test_a_trial_without_an_answer_is_held_again_where_that_may_help(cause: str) -> None:
    answers = {"one": [dead(cause), dead(cause)]}

    def fails_twice(scenario: Scenario) -> Transcript:
        left = answers.get(scenario.label)
        return left.pop() if left else well(scenario)

    puppet = Puppet(fails_twice)
    given = Given({"a": puppet})

    assert await given.run() == ()
    assert [label for label, _ in puppet.held].count("one") == 3
    assert {trial.key.scenario: trial.status for trial in given.done}["one"] == "passed"
    assert len(given.done) == 3


@pytest.mark.parametrize("cause", ["api_status_401", "script_exhausted", "model_raised"])
async def test_a_trial_that_would_fail_again_is_not_held_again(cause: str) -> None:
    puppet = Puppet(lambda _: dead(cause))
    given = Given({"a": puppet})
    await given.run()

    assert len(puppet.held) == 3
    assert {trial.cause for trial in given.done} == {cause}


async def test_retries_that_are_used_up_leave_the_trial_unscored() -> None:
    puppet = Puppet(lambda _: dead("api_timeout"))
    given = Given({"a": puppet}, patience=Patience(wait_s=0, retries=1))
    await given.run()

    assert len(puppet.held) == 6
    assert [trial.status for trial in given.done] == ["unscored"] * 3


async def test_a_dead_model_is_asked_no_more_and_the_others_go_on() -> None:
    puppets = {"dead": Puppet(lambda _: dead("api_status_401")), "alive": Puppet()}
    given = Given(puppets, trials=4, patience=Patience(wait_s=0, breaker=5))

    (left,) = await given.run()

    assert left == (
        "dead: the breaker opened after 5 unscored trials in a row (api_status_401); "
        "7 trials were not run"
    )
    assert sum(trial.key.model == "alive" for trial in given.done) == 12


async def test_a_model_that_answers_now_and_then_keeps_the_breaker_closed() -> None:
    def every_other(scenario: Scenario) -> Transcript:
        return well(scenario) if scenario.label == "two" else dead("model_raised")

    given = Given({"a": Puppet(every_other)}, trials=5, patience=Patience(wait_s=0, breaker=4))

    assert await given.run() == ()
    assert len(given.done) == 15


async def test_a_run_ends_when_its_tokens_are_spent() -> None:
    given = Given({"a": Puppet()}, trials=4, limit=1, budget=Budget(max_tokens=250))

    (left,) = await given.run()

    assert left == "--max-tokens 250 is reached (300 used); 9 trials were not run"
    assert len(given.done) == 3


async def test_a_run_ends_when_its_money_is_spent() -> None:
    given = Given(
        {"a": Puppet(), "free": Puppet()},
        trials=4,
        limit=1,
        budget=Budget(max_cost=0.002),
        prices={"a": Price(prompt=10, completion=10)},
    )

    (left,) = await given.run()

    assert left.startswith("--max-cost 0.002 is reached (0.0020 spent)")
    assert sum(trial.key.model == "a" for trial in given.done) == 2


async def test_a_run_that_is_cancelled_keeps_what_is_done_and_drops_the_rest() -> None:
    kept = asyncio.Event()

    def one_then_none(scenario: Scenario) -> Transcript:
        if scenario.label == "one":
            kept.set()
        return well(scenario)

    puppet = Puppet(one_then_none)
    given = Given({"a": puppet}, trials=50, limit=2)
    running = asyncio.create_task(given.run())
    await kept.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert puppet.running == 0
    assert 1 <= len(given.done) < 150
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_of_the_harness_ends_the_run_and_leaves_nothing_running() -> None:
    def broken(_: Scenario) -> Transcript:
        raise OSError("disk full")

    slow = Puppet(rounds=10_000)
    with pytest.raises(OSError, match="disk full"):
        await Given({"slow": slow, "broken": Puppet(broken)}).run()

    assert slow.running == 0


def lane(*planned: Planned, patience: Patience | None = None) -> Lane:
    return Lane.of("a", planned, limit=8, patience=patience or Patience())


def settled(one: Lane, record: Transcript, *, now: float) -> bool:
    attempt = one.take(now)
    trial = Trial(
        key=attempt.planned.key,
        seed=0,
        transcript=record,
        scores=(),
        decisions=(),
        unreached=0,
        started_at="",
        duration_s=0,
    )
    return one.settle(attempt, trial, now)


PLANNED = tuple(plan([SUITE], ["a"], trials=3, seed=0))


def test_too_many_requests_halve_the_conversations_at_once_and_pause_the_model() -> None:
    one = lane(*PLANNED)
    one.at_once = 8

    assert not settled(one, dead("api_status_429", retry_after_s=30), now=100)

    assert one.at_once == 4
    assert one.ready_at(101) == 130


def test_what_a_provider_asks_for_is_waited_for_in_full() -> None:
    one = lane(PLANNED[0])

    assert not settled(one, dead("api_status_429", retry_after_s=300), now=100)

    assert one.ready_at(101) == 400


def test_a_provider_that_asks_for_an_hour_is_given_up() -> None:
    one = lane(*PLANNED)

    assert settled(one, dead("api_status_429", retry_after_s=3600), now=100)

    assert one.ready_at(101) == 101
    assert one.causes == ["api_status_429"]


def test_a_retry_waits_longer_each_time_and_never_more_than_a_minute() -> None:
    waits = []
    for number in range(8):
        one = lane(patience=Patience(wait_s=1, retries=20))
        one.waiting.append(Attempt(planned=PLANNED[0], number=number))
        settled(one, dead("api_timeout"), now=0)
        waits.append(one.waiting[0].not_before)

    assert all(2**number / 2 <= waits[number] <= 2**number for number in range(6))
    assert max(waits) <= 60


def test_a_trial_that_waits_for_its_retry_lets_the_others_pass() -> None:
    one = lane(*PLANNED[:2])
    settled(one, dead("api_timeout"), now=0)

    assert one.ready_at(0) == 0
    assert one.take(0).planned is PLANNED[1]


def test_a_lane_without_work_slots_or_trust_has_nothing_ready() -> None:
    assert lane().ready_at(0) is None
    busy = lane(*PLANNED)
    busy.take(0)
    assert busy.ready_at(0) is None
    broken = lane(*PLANNED)
    broken.in_a_row = broken.patience.breaker
    assert broken.ready_at(0) is None


def test_turns_are_priced_by_the_million_tokens() -> None:
    spent = request("a", usage=Usage(prompt=1_000_000, completion=500_000))
    record = Transcript(
        turns=(Turn(user=None, events=(), model_calls=(spent,), active=spent.agent),)
    )
    trial = Trial(
        key=PLANNED[0].key,
        seed=0,
        transcript=record,
        scores=(),
        decisions=(),
        unreached=0,
        started_at="",
        duration_s=0,
    )

    assert Price(prompt=2, completion=8).of(trial.transcript.usage) == pytest.approx(6)
