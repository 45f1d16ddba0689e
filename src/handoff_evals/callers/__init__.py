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
from handoff_evals.callers.guards import CAUSES, CallerFault, caller_faults
from handoff_evals.callers.scripted_turns import ScriptedCaller
from handoff_evals.callers.simulated import (
    AskCaller,
    CallerFaultError,
    CallerReply,
    SimulatedCaller,
    brief_version,
    end_call_schema,
    has_brief,
)

__all__ = [
    "CAUSES",
    "AskCaller",
    "Caller",
    "CallerFault",
    "CallerFaultError",
    "CallerReply",
    "HangsUp",
    "Heard",
    "Says",
    "ScriptedCaller",
    "SimulatedCaller",
    "SoFar",
    "brief_version",
    "caller",
    "caller_faults",
    "caller_for",
    "end_call_schema",
    "has_brief",
    "heard_so_far",
]
