"""Who carries the caller's words to an agent and returns a transcript."""

from handoff_evals.drivers.call import Call, Limits
from handoff_evals.drivers.text import Driver, InProcessDriver

__all__ = [
    "Call",
    "Driver",
    "InProcessDriver",
    "Limits",
]
