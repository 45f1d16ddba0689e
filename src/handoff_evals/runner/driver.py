"""The port of what holds a conversation."""

from typing import Protocol

from handoff_evals.scenario import Scenario
from handoff_evals.transcript import Transcript


class Driver(Protocol):
    """Holds conversations with one agent under test on one model."""

    async def hold(self, scenario: Scenario, *, seed: int, number: int) -> Transcript:
        """Hold one conversation and return its record; what goes wrong stands in it.

        Args:
            scenario: what the caller says.
            seed: the trial's.
            number: which of the scenario's trials it is, from 0.
        """
        ...
