"""Who carries the caller's words to an agent and returns a transcript."""

from handoff_evals.drivers.call import BaseCall
from handoff_evals.drivers.driver import DEFAULT as DEFAULT_DRIVER
from handoff_evals.drivers.driver import Driver, driver_named, drivers
from handoff_evals.drivers.spoken import SpokenCall, SpokenDriver
from handoff_evals.drivers.text import Call, TextDriver
from handoff_evals.drivers.turn_record import Limits

__all__ = [
    "DEFAULT_DRIVER",
    "BaseCall",
    "Call",
    "Driver",
    "Limits",
    "SpokenCall",
    "SpokenDriver",
    "TextDriver",
    "driver_named",
    "drivers",
]
