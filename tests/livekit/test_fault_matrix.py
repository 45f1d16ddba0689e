"""Each fault of a model by what the harness makes of it; the cases are the benchmark's."""

import asyncio

import pytest
from livekit.agents import Agent, AgentSession, APIConnectOptions, llm
from livekit.agents.voice.agent_session import SessionConnectOptions

from benchmarks.fault_matrix import (
    CASES,
    SCENARIO,
    STALLED_S,
    FrontDesk,
    Row,
    healthy,
    hold,
    trial,
)
from handoff_evals.checks import overall, score
from handoff_evals.drivers import Call, Limits
from handoff_evals.livekit import AgentEntry, Reply, Request, ScriptedLLM
from handoff_evals.livekit.faulty import FaultyLLM, ModelFault
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.transcript import Fault

pytestmark = pytest.mark.usefixtures("no_waiting")

MISSED = ["missed", "missed"]
CORRECT = ["correct", "correct"]

UNSCORED = {
    "429": "api_status_429",
    "500": "api_status_500",
    "connection refused": "api_connection",
    "time-out before the first chunk": "api_timeout",
    "silence before the first chunk": "model_timeout",
    "stall midway": "model_timeout",
    "cut midway": "api_connection",
    "cut after the handoff's call": "api_connection",
    "500 in the second turn": "api_status_500",
}
"""No answer to judge: the infrastructure's fault, by its cause."""

FAILED = {
    "empty reply": ["empty_reply"],
    "malformed arguments, beyond repair": ["malformed_arguments", "max_tool_steps"],
    "unknown tool": ["unknown_tool", "max_tool_steps"],
    "missing arguments": ["missing_arguments", "max_tool_steps"],
    "two handoffs in one reply": ["several_handoffs"],
    "refusal": [],
}
"""An answer that is judged, with the model's faults in it; one that is given again and again ends
by livekit's limit."""

PASSED = {
    "none": [],
    "429, then well": [],
    "malformed arguments, repaired": ["malformed_arguments"],
    "unknown tool, then corrected": ["unknown_tool"],
    "extra arguments": ["extra_arguments"],
    "missing arguments, then corrected": ["missing_arguments"],
    "handoff beside an ordinary tool": [],
}
"""As FAILED, but the caller got to the right agent all the same."""


async def run_case(name: str) -> Row:
    """Run a case, and check what is true of every one of them."""
    row = await hold(CASES[name])
    assert (row.occurred > 0) == bool(CASES[name].faults), "the fault never happened"
    assert not row.session._started
    assert row.left == 0
    assert row.next_status == "passed"
    return row


def test_every_case_is_expected_to_come_to_something() -> None:
    assert set(CASES) == {*UNSCORED, *FAILED, *PASSED}


@pytest.mark.parametrize("name", UNSCORED)
async def test_a_model_that_gives_no_answer_leaves_the_trial_unscored(name: str) -> None:
    row = await run_case(name)

    assert row.status == "unscored"
    assert row.faults == [("infrastructure", UNSCORED[name])]


@pytest.mark.parametrize("name", FAILED)
async def test_a_bad_answer_fails_the_trial_as_the_models_behaviour(name: str) -> None:
    row = await run_case(name)

    assert row.status == "failed"
    assert row.outcomes == MISSED
    assert row.faults == [("model", cause) for cause in FAILED[name]]


@pytest.mark.parametrize("name", PASSED)
async def test_a_bad_answer_that_does_no_harm_passes_and_is_noted(name: str) -> None:
    row = await run_case(name)

    assert row.status == "passed"
    assert row.outcomes == CORRECT
    assert row.faults == [("model", cause) for cause in PASSED[name]]


@pytest.mark.parametrize("name", ["silence before the first chunk", "stall midway"])
async def test_a_stall_ends_at_the_turns_deadline(name: str) -> None:
    row = await run_case(name)

    # Above the deadline only by what a busy machine needs, far below the 10 s at which
    # a provider's client might give up.
    assert STALLED_S <= row.seconds < STALLED_S + 4
    (fault,) = row.transcript.faults
    assert fault.ended
    assert fault.turn == 1


async def test_what_was_said_before_a_cut_stays_in_the_record() -> None:
    row = await run_case("cut midway")

    assert row.transcript.turns[1].said == "Good afternoon, "
    assert row.transcript.model_calls[-1].error is not None


async def test_what_came_before_a_stall_stays_in_the_model_call() -> None:
    row = await run_case("stall midway")

    last = row.transcript.model_calls[-1]
    assert (last.text, last.finished) == ("Good afternoon, ", False)


async def test_a_failure_is_one_fault_however_often_it_was_tried() -> None:
    row = await run_case("429")

    assert row.occurred == 2
    (fault,) = row.transcript.faults
    assert fault.ended
    assert "2 attempts" in fault.detail


async def test_an_empty_reply_leaves_the_caller_unanswered() -> None:
    row = await run_case("empty reply")

    failed = {found.name for found in score(SCENARIO, row.transcript) if found.status == "failed"}
    assert failed == {"handoff", "answered"}


async def test_two_handoffs_in_one_reply_are_both_dropped() -> None:
    row = await run_case("two handoffs in one reply")

    first = row.transcript.turns[1]
    assert first.handoffs == ()
    assert [made["name"] for made in first.model_calls[0].calls] == [
        "transfer_to_billing",
        "transfer_to_sales",
    ]


async def test_a_call_where_none_is_allowed_is_the_models_fault() -> None:
    def calls_on(request: Request) -> Reply:
        reply = healthy(request)
        return tool_call("open_ticket") if request.tool_choice == "none" else reply

    transcript, _ = await trial(
        FaultyLLM(ScriptedLLM(calls_on), ModelFault.beside(tool_call("open_ticket")).at(1))
    )

    assert [(fault.owner, fault.cause) for fault in transcript.faults] == [
        ("model", "forbidden_call")
    ]
    assert overall(score(SCENARIO, transcript)) == "passed"


@pytest.mark.parametrize(
    ("fault", "cause"),
    [(ModelFault.status(500), "api_status_500"), (ModelFault.cut(after=1), "api_connection")],
    ids=["500", "cut"],
)
async def test_a_model_that_fails_at_the_greeting_leaves_the_trial_unscored(
    fault: ModelFault, cause: str
) -> None:
    (found,) = await opening(FaultyLLM(ScriptedLLM(healthy), fault))

    assert (found.owner, found.cause, found.turn, found.ended) == ("infrastructure", cause, 0, True)


async def test_the_wait_that_a_provider_asks_for_reaches_the_fault() -> None:
    model = FaultyLLM(ScriptedLLM(healthy), ModelFault.status(429, retry_after=3))

    (fault,) = await opening(model)

    assert fault.retry_after_s == 3.0


async def test_a_trial_beside_a_stalled_one_is_unharmed() -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    (stalled, _), (well, _) = await asyncio.gather(
        trial(FaultyLLM(ScriptedLLM(healthy), ModelFault.stall()), turn_s=STALLED_S),
        trial(ScriptedLLM(healthy)),
    )

    assert overall(score(SCENARIO, stalled)) == "unscored"
    assert overall(score(SCENARIO, well)) == "passed"
    assert clock() - began < STALLED_S + 4


class _Greeter(FrontDesk):
    async def on_enter(self) -> None:
        self.session.generate_reply()


async def opening(model: llm.LLM[None]) -> tuple[Fault, ...]:
    """Call an agent that greets by its model, with one retry, and hang up."""
    retry = SessionConnectOptions(
        llm_conn_options=APIConnectOptions(max_retry=1, retry_interval=0.0)
    )

    def make(tapped: llm.LLM[None]) -> tuple[Agent, AgentSession[None]]:
        return _Greeter(), AgentSession(llm=tapped, conn_options=retry)

    call = Call(AgentEntry.of(make), model, limits=Limits())
    await call.start()
    await call.close()
    assert not call.session._started
    return tuple(call.faults)
