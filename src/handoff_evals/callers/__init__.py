"""Who speaks to the agents: scripted, by rules, or played by a model; no livekit here."""

from handoff_evals.callers.caller import (
    Caller,
    HangsUp,
    Heard,
    Says,
    SoFar,
    caller,
    caller_for,
    heard_so_far,
)
from handoff_evals.callers.scripted_turns import ScriptedCaller

__all__ = [
    "Caller",
    "HangsUp",
    "Heard",
    "Says",
    "ScriptedCaller",
    "SoFar",
    "caller",
    "caller_for",
    "heard_so_far",
]
