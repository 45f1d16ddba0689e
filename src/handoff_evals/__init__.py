"""Behaviour tests and evaluations for agent handoffs in LiveKit Agents.

The names below are loaded when they are first used: importing this package costs
nothing, importing livekit costs seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handoff_evals.assembly.models import local_llm
    from handoff_evals.livekit.call import Call, Limits
    from handoff_evals.livekit.entry import AgentEntry
    from handoff_evals.livekit.faulty import FaultyLLM
    from handoff_evals.livekit.mishap import Mishap
    from handoff_evals.livekit.scripted import Request, ScriptedLLM, ToolCall, tool_call
    from handoff_evals.livekit.tap import Tap
    from handoff_evals.plugin.calls import CallFactory
    from handoff_evals.plugin.under_test import CallUnderTest

_HOMES = {
    "AgentEntry": "handoff_evals.livekit.entry",
    "CallFactory": "handoff_evals.plugin.calls",
    "CallUnderTest": "handoff_evals.plugin.under_test",
    "Call": "handoff_evals.livekit.call",
    "FaultyLLM": "handoff_evals.livekit.faulty",
    "Limits": "handoff_evals.livekit.call",
    "Mishap": "handoff_evals.livekit.mishap",
    "Request": "handoff_evals.livekit.scripted",
    "ScriptedLLM": "handoff_evals.livekit.scripted",
    "Tap": "handoff_evals.livekit.tap",
    "ToolCall": "handoff_evals.livekit.scripted",
    "tool_call": "handoff_evals.livekit.scripted",
    "local_llm": "handoff_evals.assembly.models",
}

__all__ = [
    "AgentEntry",
    "Call",
    "CallFactory",
    "CallUnderTest",
    "FaultyLLM",
    "Limits",
    "Mishap",
    "Request",
    "ScriptedLLM",
    "Tap",
    "ToolCall",
    "local_llm",
    "tool_call",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
