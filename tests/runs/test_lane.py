import pytest

from handoff_evals.results import Price, Trial
from handoff_evals.runs import Planned, RetryPolicy
from handoff_evals.runs.lane import Attempt, Lane, plan
from handoff_evals.transcript import Transcript, Turn, Usage
from tests.support.conversations import request
from tests.support.puppets import SUITE, dead


def lane(*planned: Planned, retry_policy: RetryPolicy | None = None) -> Lane:
    return Lane.of("a", planned, limit=8, retry_policy=retry_policy or RetryPolicy())


def settled(one: Lane, record: Transcript, *, now: float) -> bool:
    attempt = one.take(now)
    trial = Trial(
        key=attempt.planned.key,
        seed=0,
        transcript=record,
        scores=(),
        decisions=(),
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
        one = lane(retry_policy=RetryPolicy(wait_s=1, retries=20))
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
    broken.in_a_row = broken.retry_policy.breaker
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
        started_at="",
        duration_s=0,
    )

    assert Price(prompt=2, completion=8).of(trial.transcript.usage) == pytest.approx(6)
