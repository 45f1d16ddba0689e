"""The port of what holds a conversation."""

from typing import Protocol

from handoff_evals.scenario import Scenario
from handoff_evals.transcript import Transcript


class Driver(Protocol):
    """Holds conversations with one agent under test on one model."""

    async def hold(self, scenario: Scenario, *, seed: int) -> Transcript:
        """Hold one conversation and return its record; what goes wrong stands in it."""
        ...
