"""Who carries the caller's words to an agent and returns a transcript."""

from handoff_evals.drivers.call import BaseCall
from handoff_evals.drivers.caller_side import CallerSide
from handoff_evals.drivers.driver import (
    Driver,
    driver_for,
    driver_named,
    drivers,
    no_model,
    rehearse,
)
from handoff_evals.drivers.shared_state import Turns
from handoff_evals.drivers.spoken import SpokenCall, SpokenDriver
from handoff_evals.drivers.text import Call, TextDriver
from handoff_evals.drivers.turn_record import Limits

__all__ = [
    "BaseCall",
    "Call",
    "CallerSide",
    "Driver",
    "Limits",
    "SpokenCall",
    "SpokenDriver",
    "TextDriver",
    "Turns",
    "driver_for",
    "driver_named",
    "drivers",
    "no_model",
    "rehearse",
]
