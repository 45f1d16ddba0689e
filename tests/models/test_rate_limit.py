"""A model's limits per minute: what is too early waits, and no other clock runs meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import Agent, function_tool, llm

from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.livekit import AgentEntry, Reply, Request, ScriptedLLM
from handoff_evals.livekit.deadlines import now
from handoff_evals.livekit.faulty import FaultyLLM, ModelFault
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.models import resolve
from handoff_evals.models.rate_limit import LimitedLLM, RateLimit, SentRequest, limited
from handoff_evals.results import Trial, seams
from handoff_evals.runs import Pace, Runner
from handoff_evals.runs.lane import plan
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Suite, Target, Watch
from tests.support.phone import Plain, open_call, short_events, skipping_waits


@dataclass
class Clock:
    """Moves when it is told to."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Sender:
    """Sends as soon as it may, in an order of its own, and notes when it did."""

    limit: RateLimit
    clock: Clock
    sent: list[tuple[float, int]] = field(default_factory=list)

    def send(self, tokens: int = 0) -> None:
        while not isinstance(claimed := self.limit.claim(), SentRequest):
            assert claimed > 0
            self.clock.at += claimed
        self.sent.append((self.clock.at, tokens))
        self.limit.settle(claimed, tokens)

    def in_the_minute_before(self, at: float) -> list[tuple[float, int]]:
        return [(then, tokens) for then, tokens in self.sent if at - 60 < then <= at]


@given(
    limit=st.integers(1, 5),
    # Exact as floats: a rounded sum would look like a wait of a millisecond.
    pauses=st.lists(st.sampled_from([0.0, 0.125, 7.0, 20.0, 59.0, 61.0]), min_size=1, max_size=40),
)
def test_no_minute_has_more_requests_than_the_limit_and_none_waits_without_need(
    limit: int, pauses: list[float]
) -> None:
    clock = Clock()
    sender = Sender(RateLimit(requests=limit, clock=clock), clock)
    for pause in pauses:
        clock.at += pause
        asked = clock.at
        sender.send()
        at = clock.at
        assert len(sender.in_the_minute_before(at)) <= limit
        if at > asked:
            # A moment earlier the limit was used up.
            assert len(sender.in_the_minute_before(at - 0.01)) == limit


@given(
    tokens=st.lists(st.integers(1, 90), min_size=1, max_size=40),
    pause=st.sampled_from([0.0, 1.0, 15.0]),
)
def test_a_request_goes_only_while_the_minutes_tokens_are_not_used_up(
    tokens: list[int], pause: float
) -> None:
    clock = Clock()
    sender = Sender(RateLimit(tokens=100, clock=clock), clock)
    for each in tokens:
        clock.at += pause
        sender.send(each)
        before = sender.in_the_minute_before(clock.at)[:-1]
        assert sum(used for _, used in before) < 100


def test_what_requests_mostly_take_is_kept_free_for_one_that_is_not_answered_yet() -> None:
    clock = Clock()
    limit = RateLimit(tokens=100, clock=clock)
    first = limit.claim()
    assert isinstance(first, SentRequest)
    limit.settle(first, 40)

    second, third = limit.claim(), limit.claim()

    assert isinstance(second, SentRequest)
    assert third == pytest.approx(60)
    limit.settle(second, 10)
    assert isinstance(limit.claim(), SentRequest)


def test_a_request_that_takes_more_than_the_limit_goes_alone() -> None:
    clock = Clock()
    sender = Sender(RateLimit(tokens=10, clock=clock), clock)
    for _ in range(3):
        sender.send(500)
    assert [at for at, _ in sender.sent] == pytest.approx([0, 60, 120])


def a_minute_each() -> RateLimit:
    """One request a minute, on the clock of the loop that runs."""
    return RateLimit(requests=1, clock=now)


class Transfers(Plain):
    @function_tool
    async def transfer(self) -> Agent:
        """Transfer."""
        return Answers()


class Answers(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You take over.")

    async def on_enter(self) -> None:
        self.session.generate_reply()


async def test_waiting_is_in_no_deadline_and_in_no_time_that_is_reported() -> None:
    model = limited(ScriptedLLM(["One.", tool_call("transfer"), "Two."]), a_minute_each())
    with skipping_waits():
        async with open_call(Transfers, model=model, limits=Limits(turn_s=5)) as call:
            await call.start()
            await call.say("One?")
            turn = await call.say("Two?")

    assert call.faults == []
    assert short_events(turn)[-1] == "answers: Two."
    for asked in turn.model_calls:
        assert asked.held_s > 55
        assert asked.ttft_s is not None
        assert asked.ttft_s < 5
        assert asked.duration_s < 5
    assert turn.duration_s < 5
    assert list(seams(call.transcript)) == []


async def test_a_model_that_stalls_is_a_timeout_however_long_it_was_held_back() -> None:
    stalling = FaultyLLM(ScriptedLLM(["One.", "Two."]), ModelFault.stall().at(2))
    model = limited(stalling, a_minute_each())
    with skipping_waits():
        async with open_call(Plain, model=model, limits=Limits(turn_s=5, close_s=5)) as call:
            await call.start()
            await call.say("One?")
            turn = await call.say("Two?")

    assert [fault.cause for fault in call.faults] == ["model_timeout"]
    assert turn.model_calls[0].held_s > 55
    assert turn.duration_s >= 5


async def test_a_retry_is_a_request_and_waits_like_one() -> None:
    broken = FaultyLLM(ScriptedLLM(["One."]), ModelFault.status(500).at(1))
    with skipping_waits():
        async with open_call(Plain, model=limited(broken, a_minute_each())) as call:
            await call.start()
            turn = await call.say("One?")

    assert short_events(turn)[-1] == "plain: One."
    assert turn.model_calls[0].held_s > 55


async def test_all_conversations_of_a_model_share_its_limit() -> None:
    limit = RateLimit(requests=2, clock=now)
    asked: list[float] = []

    def answer(_: Request) -> Reply:
        asked.append(now())
        return "Well."

    with skipping_waits():
        trials = await run(lambda: limited(ScriptedLLM(answer), limit), conversations=6)

    assert [trial.status for trial in trials] == ["passed"] * 6
    began = asked[0]
    minutes = [round((at - began) / 60) for at in asked]
    assert minutes == [0, 0, 1, 1, 2, 2]


async def test_a_run_that_is_cancelled_waits_for_nothing() -> None:
    async def stop_soon(task: asyncio.Task[list[Trial]]) -> None:
        await asyncio.sleep(5)
        task.cancel()

    limit = a_minute_each()
    before = asyncio.all_tasks()
    with skipping_waits():
        began = now()
        task = asyncio.create_task(run(lambda: limited(ScriptedLLM(well), limit), conversations=6))
        await stop_soon(task)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert now() - began < 30
    assert asyncio.all_tasks() == before


def well(_: Request) -> Reply:
    return "Well."


async def run(model: Callable[[], llm.LLM[Any]], *, conversations: int) -> list[Trial]:
    """Hold as many conversations of one turn, all at once."""
    turn = ScriptedTurn(user="Hello?", expect=Expectation(agent=Target(id="plain")))
    suite = Suite(
        name="Desk",
        agent="m:Plain",
        scenarios=tuple(Scenario(label=f"{n}", turns=(turn,)) for n in range(conversations)),
    )
    driver = TextDriver(
        entry=AgentEntry.of(Plain),
        model=lambda _scenario, _seed: model(),
        watch=Watch(),
        limits=Limits(turn_s=5),
    )
    trials: list[Trial] = []
    runner = Runner(
        drivers={("Desk", "m"): driver},
        pace=Pace(total=conversations, per_model={"m": conversations}),
        done=trials.append,
    )
    await runner.run(plan([suite], ["m"], trials=1, seed=0))
    return trials


async def test_the_projects_limits_are_kept_to_by_all_trials_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "k")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.handoff-evals.models.slow]\nmodel = "m"\napi_key_env = "SOME_KEY"\n'
        "requests_per_minute = 1\n"
        '[tool.handoff-evals.models.free]\nmodel = "m"\napi_key_env = "SOME_KEY"\n'
    )

    slow, free = resolve(["slow", "free"], folder=tmp_path)

    scenario = Scenario(label="any", turns=())
    one, other, third = slow.build(scenario, 0), slow.build(scenario, 1), free.build(scenario, 0)
    assert isinstance(one, LimitedLLM)
    assert isinstance(other, LimitedLLM)
    assert one.limit is other.limit
    assert isinstance(one.limit.claim(), SentRequest)
    assert not isinstance(other.limit.claim(), SentRequest)
    assert third is not None
    assert not isinstance(third, LimitedLLM)
    for model in (one, other, third):
        await model.aclose()
