"""Behaviour tests and evaluations for agent handoffs in LiveKit Agents.

The names below are loaded when they are first used: importing this package costs
nothing, importing livekit costs seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handoff_evals.checks import Score, check, reached
    from handoff_evals.drivers import Call, Limits
    from handoff_evals.livekit.agent_entry import AgentEntry
    from handoff_evals.livekit.faulty import FaultyLLM, ModelFault
    from handoff_evals.livekit.scripted import Request, ScriptedLLM, ToolCall, tool_call
    from handoff_evals.livekit.tap import Tap
    from handoff_evals.models.local import local_llm
    from handoff_evals.plugin.agent_call import CallUnderTest
    from handoff_evals.plugin.call_fixture import CallFactory
    from handoff_evals.scenarios import Scenario
    from handoff_evals.transcript import Transcript

_HOMES = {
    "AgentEntry": "handoff_evals.livekit.agent_entry",
    "Call": "handoff_evals.drivers",
    "CallFactory": "handoff_evals.plugin.call_fixture",
    "CallUnderTest": "handoff_evals.plugin.agent_call",
    "FaultyLLM": "handoff_evals.livekit.faulty",
    "Limits": "handoff_evals.drivers",
    "ModelFault": "handoff_evals.livekit.faulty",
    "Request": "handoff_evals.livekit.scripted",
    "Scenario": "handoff_evals.scenarios",
    "Score": "handoff_evals.checks",
    "ScriptedLLM": "handoff_evals.livekit.scripted",
    "Tap": "handoff_evals.livekit.tap",
    "ToolCall": "handoff_evals.livekit.scripted",
    "local_llm": "handoff_evals.models.local",
    "Transcript": "handoff_evals.transcript",
    "check": "handoff_evals.checks",
    "reached": "handoff_evals.checks",
    "tool_call": "handoff_evals.livekit.scripted",
}

__all__ = [
    "AgentEntry",
    "Call",
    "CallFactory",
    "CallUnderTest",
    "FaultyLLM",
    "Limits",
    "ModelFault",
    "Request",
    "Scenario",
    "Score",
    "ScriptedLLM",
    "Tap",
    "ToolCall",
    "Transcript",
    "check",
    "local_llm",
    "reached",
    "tool_call",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
