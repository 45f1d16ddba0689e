"""What is reported is what the model did: held against the log of an erring server."""

import asyncio
from collections import Counter
from random import Random

import pytest

from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.livekit import AgentEntry
from handoff_evals.models.remote import Shared, openai_compatible
from handoff_evals.results import Trial
from handoff_evals.runs import Pace, RetryPolicy, Runner
from handoff_evals.runs.lane import plan
from handoff_evals.scenarios import Suite
from tests.support.openai_server import OpenAIServer, Rates, serve
from tests.support.star import patient_call, star_call, star_suite

pytestmark = pytest.mark.usefixtures("no_waiting")

TURNS = 4


async def held(server: OpenAIServer, suite: Suite, *, retries: int = 0) -> list[Trial]:
    # Only a stalled answer needs an end: then few at a time, so that no other one is late.
    call, lanes = (star_call, 2) if server.rates.stall else (patient_call, 16)
    trials: list[Trial] = []
    shared = Shared(lambda: openai_compatible(server.url, "erring"))
    driver = TextDriver(
        entry=AgentEntry.of(call),
        model=lambda _scenario, seed: shared.borrow(seed=seed),
        watch=suite.watch,
        limits=Limits(turn_s=600.0),
    )
    runner = Runner(
        drivers={(suite.name, "erring"): driver},
        pace=Pace(
            total=lanes,
            per_model={"erring": lanes},
            retry_policy=RetryPolicy(retries=retries, wait_s=0.01, breaker=10_000),
        ),
        done=trials.append,
    )
    async with serve(server):
        client = shared.borrow()  # or a new one would be made whenever no conversation is held
        await runner.run(plan([suite], ["erring"], trials=1, seed=0))
        await client.aclose()
    return trials


def logged(server: OpenAIServer, trials: list[Trial]) -> Counter[str]:
    """The outcomes of the scored conversations on path, by the server's own log."""
    counted: Counter[str] = Counter()
    for trial in trials:
        conversation = int(trial.key.scenario.removeprefix("conversation "))
        wanted = "a"
        for turn in range(1, TURNS + 1):
            decided = server.decided.get((conversation, turn))
            if trial.status == "unscored" or decided is None:
                break
            counted[decided.outcome if decided.start == wanted else "cascaded"] += 1
            wanted = decided.want
    return counted


def reported(trials: list[Trial]) -> Counter[str]:
    return Counter(
        decision.outcome if decision.on_path else "cascaded"
        for trial in trials
        if trial.status != "unscored"
        for decision in trial.decisions
    )


def random_rates(seed: int) -> Rates:
    lot = Random(seed)
    return Rates(
        wrong=lot.uniform(0, 0.3),
        missed=lot.uniform(0, 0.3),
        phantom=lot.uniform(0, 0.3),
        spurious=lot.uniform(0, 0.4),
        bounced=lot.uniform(0, 0.1),
        too_many=lot.uniform(0, 0.05),
        broken=lot.uniform(0, 0.05),
        stall=lot.uniform(0.01, 0.03) if seed % 5 == 0 else 0,
        cut=lot.uniform(0, 0.05),
    )


@pytest.mark.parametrize("seed", range(20))
async def test_outcomes_equal_the_servers_log(seed: int) -> None:
    server = OpenAIServer(rates=random_rates(seed), seed=seed)
    suite = star_suite(scenarios=8, turns=TURNS, seed=seed)
    trials = await held(server, suite)
    assert reported(trials) == logged(server, trials)
    for trial in trials:
        conversation = int(trial.key.scenario.removeprefix("conversation "))
        assert (trial.status == "unscored") == (conversation in server.disturbed), trial.key


async def test_a_dead_server_leaves_everything_unscored() -> None:
    server = OpenAIServer(rates=Rates(broken=1.0))
    trials = await held(server, star_suite(scenarios=4, turns=2, seed=1))
    assert [trial.status for trial in trials] == ["unscored"] * 4
    assert {trial.cause for trial in trials} == {"api_status_500"}


async def test_a_trial_without_an_answer_is_held_again() -> None:
    server = OpenAIServer(rates=Rates(too_many=0.2), seed=3)
    trials = await held(server, star_suite(scenarios=8, turns=2, seed=3), retries=8)
    assert server.disturbed
    assert {trial.status for trial in trials} == {"passed"}
    await asyncio.sleep(0)
