"""What a user writes; `test_public_names.py` checks its types with mypy and never runs it."""

from pathlib import Path
from typing import assert_type

from livekit.agents import Agent, AgentSession, RunResult
from livekit.agents.voice.run_result import RunAssert  # noqa: TC002 - never run

from handoff_evals import (
    AgentCall,
    AgentCallFixture,
    AgentEntry,
    CallTurn,
    Expectation,
    FaultyLLM,
    FuzzReport,
    Handoff,
    Limits,
    ModelFault,
    Received,
    Request,
    Run,
    Scenario,
    ScriptedLLM,
    ScriptedTurn,
    Subject,
    Suite,
    Summary,
    Target,
    ToolCall,
    Transcript,
    Trial,
    TurnAssert,
    evaluate,
    fuzz,
    load_suite,
    tool_call,
)
from handoff_evals.testing import AudioCall, Clip, FakeTTS, ToneBook


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are the desk.")


def answer(request: Request) -> str | ToolCall:
    return tool_call("transfer") if "transfer" in request.tool_names else request.last_user_text


async def test_a_call(agent_call: AgentCallFixture) -> None:
    script = ScriptedLLM(["Hello.", [tool_call("transfer", to="billing"), "Yes?"]], unused_ok=True)
    call = await agent_call(Desk(), llm=script, limits=Limits(turn_s=5.0))
    assert_type(call, AgentCall)
    await agent_call(Desk, llm="never", keep_faults=True)
    await agent_call(lambda _model: (Desk(), AgentSession()), llm=ScriptedLLM(answer))
    await agent_call("agents:Desk", llm=FaultyLLM(script, ModelFault.status(429).at(2)))
    turn = await call.say("Hello?")
    assert_type(turn, CallTurn)
    assert_type(turn.expect, TurnAssert)
    livekit_own: RunAssert = turn.expect
    livekit_own.next_event().is_message(role="assistant")
    turn.expect.handoff(Desk, "billing")
    turn.expect.handoff(None, call.active_agent)
    turn.expect.no_handoff()
    assert_type(turn.said, str)
    assert_type(turn.handoffs, list[Handoff])
    result: RunResult[object] = turn.result
    assert result.events
    assert_type(call.active_agent, Agent)
    assert_type(call.active_agent_id, str)
    assert_type(call.handoffs, list[Handoff])
    assert_type(call.transcript, Transcript)
    received = call.received_by(Desk)
    assert_type(received, Received)
    assert_type(received.contains("4471").first.lacks("secret"), Received)
    assert call.session.userdata.name == "Maria"


def test_random_calls() -> None:
    entry = AgentEntry.load("agents:Desk")
    subject = Subject(entry=entry, graph={"desk": ["billing[topic=refunds]"]})
    assert_type(fuzz(subject, conversations=100, fresh=True), FuzzReport)


def look_at_a_run(folder: Path) -> float | None:
    turns = (ScriptedTurn(user="Hi", expect=Expectation(agent=Target.parse("desk"))),)
    suite = Suite(name="desk", agent="agents:Desk", scenarios=(Scenario(label="Hi", turns=turns),))
    run = evaluate(
        [suite, load_suite(folder / "scenarios.yaml"), "evals"], model=["local", "never"]
    )
    assert_type(run, Run)
    assert_type(Run.open(folder), Run)
    assert_type(run.summary, Summary)
    assert_type(run.trials, tuple[Trial, ...])
    assert_type(run.trial("Hi", model="never").transcript, Transcript)
    return run.summary.models["local"].accuracy.value


async def listen(agent: Agent, vad: object) -> None:
    voice = FakeTTS("athena", ToneBook())
    async with AudioCall(agent, ScriptedLLM([]), vad=vad, voice=voice) as call:  # type: ignore[arg-type]
        assert_type(await call.turn(Clip.read(Path("hello.wav"))), None)


async def test_what_is_wrong_is_seen_by_mypy(agent_call: AgentCallFixture) -> None:
    call = await agent_call(Desk(), llm=42)  # type: ignore[arg-type]
    turn = await call.say(42)  # type: ignore[arg-type]
    turn.expect.handoff(Desk, None)  # type: ignore[arg-type]
    call.nothing  # type: ignore[attr-defined]  # noqa: B018
    evaluate("evals", model=42)  # type: ignore[arg-type]
