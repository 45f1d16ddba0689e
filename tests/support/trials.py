"""A manifest and a trial with everything in it."""

from dataclasses import replace

from handoff_evals.checks import Decision, Score
from handoff_evals.results import Manifest, SuiteRecord, Trial, TrialKey
from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentError,
    AgentHandoff,
    AgentRef,
    Fault,
    FunctionCall,
    FunctionCallOutput,
    Message,
    ModelCall,
    ToolSchema,
    Transcript,
    Turn,
    Usage,
)

MANIFEST = Manifest(
    created_at="2026-01-02T03:04:05+00:00",
    command=("handoff-evals", "run"),
    suites=(
        SuiteRecord(
            name="Any",
            path="evals/any/scenarios.yaml",
            sha256="00",
            agent="m:A",
            agent_sha256="11",
            scenarios=("A question",),
        ),
    ),
    models=("scripted",),
    trials=2,
    seed=7,
    versions={"livekit-agents": "1.8.9"},
    notes=("Grüße",),
)
DESK = AgentRef(id="desk", attributes={"topic": "claims"})
RICH = Trial(
    key=TrialKey(suite="Any", scenario="A question", model="scripted", number=1),
    seed=42,
    transcript=Transcript(
        turns=(
            Turn(
                user=None,
                events=(AgentHandoff(old=None, new=DESK), AgentConfigUpdate(agent=DESK)),
                model_calls=(),
                active=DESK,
            ),
            Turn(
                user="你好, 4471",
                events=(
                    Message(role="user", text="你好, 4471"),
                    FunctionCall(name="t", arguments='{"a": [1]}', call_id="c1", agent=DESK),
                    FunctionCallOutput(
                        name="t", output="", call_id="c1", is_error=True, agent=DESK
                    ),
                    AgentHandoff(old=DESK, new=AgentRef(id="billing")),
                    AgentConfigUpdate(instructions="Be kind.", tools_added=("t",)),
                    AgentError(where="tool", message="KeyError: 'x'", traceback="Traceback\n"),
                    Message(
                        role="assistant",
                        text="Half of a pair: \ud83d",
                        agent=DESK,
                        interrupted=True,
                        metrics={"llm_node_ttft": 0.25},
                    ),
                ),
                model_calls=(
                    ModelCall(
                        agent=DESK,
                        purpose="direct",
                        model="scripted",
                        messages=({"role": "user", "content": [{"type": "text", "text": "x"}]},),
                        tools=(ToolSchema(name="t", description="", parameters={"a": {"b": 1}}),),
                        tool_choice="auto",
                        text="Yes.",
                        calls=({"name": "t", "arguments": "{}", "call_id": "c1"},),
                        usage=Usage(prompt=3, completion=2, cached=1),
                        ttft_s=0.1,
                        error="APIError: x",
                        after_handoffs=1,
                        finished=False,
                    ),
                ),
                active=AgentRef(id="billing"),
                userdata={"name": "Maria", "age": None, "topics": ["a"]},
                duration_s=1.5,
            ),
        ),
        faults=(
            Fault(owner="agent", cause="tool_error", detail="x", turn=1),
            Fault(owner="infrastructure", cause="api_timeout", detail="y", turn=1, ended=True),
        ),
    ),
    scores=(Score(name="handoff", status="failed", reason="missed", turn=1, events=(3,)),),
    decisions=(
        Decision(
            turn=1,
            expected="desk",
            actual="billing",
            outcome="spurious",
            on_path=True,
            premature=True,
            recovered_after=2,
        ),
    ),
    started_at="2026-01-02T03:04:05+00:00",
    duration_s=2.5,
)


def numbered(number: int) -> Trial:
    return replace(RICH, key=replace(RICH.key, number=number))
