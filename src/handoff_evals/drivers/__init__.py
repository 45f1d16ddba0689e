"""Who carries the caller's words to an agent and returns a transcript."""

from handoff_evals.drivers.call import Call
from handoff_evals.drivers.text import Driver, InProcessDriver, rehearse
from handoff_evals.drivers.turn_record import Limits

__all__ = [
    "Call",
    "Driver",
    "InProcessDriver",
    "Limits",
    "rehearse",
]
