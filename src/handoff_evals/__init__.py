"""Behaviour tests and evaluations for agent handoffs in LiveKit Agents.

Everything that a user's tests and scripts need is here; doubles for calls in audio are
in `handoff_evals.testing`. The names are loaded when they are first used: importing
this package costs nothing, importing livekit costs seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handoff_evals.checks import Score, check, reached
    from handoff_evals.drivers import Limits
    from handoff_evals.errors import HandoffEvalsError, HandoffEvalsWarning, UsageError
    from handoff_evals.fuzzing import (
        BrokenInvariantError,
        ContextItem,
        FuzzReport,
        Subject,
        TooLittleTakenError,
        fuzz,
        replay,
    )
    from handoff_evals.judges import Excerpt, Question, register_judge
    from handoff_evals.livekit import (
        AgentEntry,
        FakeCaller,
        FakeJob,
        Reply,
        Request,
        ScriptedLLM,
        ToolCall,
    )
    from handoff_evals.livekit.decision_model import decided
    from handoff_evals.livekit.faulty import FaultyLLM, ModelFault
    from handoff_evals.livekit.scripted import tool_call
    from handoff_evals.models import Model, ModelKind, model_kind
    from handoff_evals.models.local import local_llm
    from handoff_evals.plugin.agent_call import AgentCall
    from handoff_evals.plugin.call_fixture import AgentCallFixture
    from handoff_evals.plugin.received import Received
    from handoff_evals.plugin.turn import CallTurn, Handoff, TurnAssert
    from handoff_evals.reports import Run
    from handoff_evals.results import ModelTraits, RunFolder, Summary, Trial
    from handoff_evals.runs import evaluate, load_suite
    from handoff_evals.scenarios import (
        ConversationExpectation,
        Expectation,
        ExpectedCall,
        ExpectedHandoff,
        ExpectedPath,
        Hop,
        Never,
        Scenario,
        ScriptedTurn,
        Suite,
        Target,
    )
    from handoff_evals.transcript import Transcript, Turn

_HOMES = {
    "AgentCall": "plugin.agent_call",
    "AgentCallFixture": "plugin.call_fixture",
    "AgentEntry": "livekit",
    "BrokenInvariantError": "fuzzing",
    "CallTurn": "plugin.turn",
    "ContextItem": "fuzzing",
    "ConversationExpectation": "scenarios",
    "Excerpt": "judges",
    "Expectation": "scenarios",
    "ExpectedCall": "scenarios",
    "ExpectedHandoff": "scenarios",
    "ExpectedPath": "scenarios",
    "FakeCaller": "livekit",
    "FakeJob": "livekit",
    "FaultyLLM": "livekit.faulty",
    "FuzzReport": "fuzzing",
    "Handoff": "plugin.turn",
    "HandoffEvalsError": "errors",
    "HandoffEvalsWarning": "errors",
    "Hop": "scenarios",
    "Limits": "drivers",
    "Model": "models",
    "ModelFault": "livekit.faulty",
    "ModelKind": "models",
    "ModelTraits": "results",
    "Never": "scenarios",
    "Question": "judges",
    "Received": "plugin.received",
    "Reply": "livekit",
    "Request": "livekit",
    "Run": "reports",
    "RunFolder": "results",
    "Scenario": "scenarios",
    "Score": "checks",
    "ScriptedLLM": "livekit",
    "ScriptedTurn": "scenarios",
    "Subject": "fuzzing",
    "Suite": "scenarios",
    "Summary": "results",
    "Target": "scenarios",
    "TooLittleTakenError": "fuzzing",
    "ToolCall": "livekit",
    "Transcript": "transcript",
    "Trial": "results",
    "Turn": "transcript",
    "TurnAssert": "plugin.turn",
    "UsageError": "errors",
    "check": "checks",
    "decided": "livekit.decision_model",
    "evaluate": "runs",
    "fuzz": "fuzzing",
    "load_suite": "runs",
    "local_llm": "models.local",
    "model_kind": "models",
    "reached": "checks",
    "register_judge": "judges",
    "replay": "fuzzing",
    "tool_call": "livekit.scripted",
}
"""The room that each name is in."""

__all__ = [
    "AgentCall",
    "AgentCallFixture",
    "AgentEntry",
    "BrokenInvariantError",
    "CallTurn",
    "ContextItem",
    "ConversationExpectation",
    "Excerpt",
    "Expectation",
    "ExpectedCall",
    "ExpectedHandoff",
    "ExpectedPath",
    "FakeCaller",
    "FakeJob",
    "FaultyLLM",
    "FuzzReport",
    "Handoff",
    "HandoffEvalsError",
    "HandoffEvalsWarning",
    "Hop",
    "Limits",
    "Model",
    "ModelFault",
    "ModelKind",
    "ModelTraits",
    "Never",
    "Question",
    "Received",
    "Reply",
    "Request",
    "Run",
    "RunFolder",
    "Scenario",
    "Score",
    "ScriptedLLM",
    "ScriptedTurn",
    "Subject",
    "Suite",
    "Summary",
    "Target",
    "TooLittleTakenError",
    "ToolCall",
    "Transcript",
    "Trial",
    "Turn",
    "TurnAssert",
    "UsageError",
    "check",
    "decided",
    "evaluate",
    "fuzz",
    "load_suite",
    "local_llm",
    "model_kind",
    "reached",
    "register_judge",
    "replay",
    "tool_call",
]


def __getattr__(name: str) -> Any:
    room = _HOMES.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{room}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
