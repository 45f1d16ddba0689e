"""Holds a scripted conversation with an agent in this process."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from livekit.agents import llm

from handoff_evals.cassette import Cassette
from handoff_evals.errors import UsageError
from handoff_evals.livekit.call import Call, Limits
from handoff_evals.livekit.entry import AgentEntry
from handoff_evals.scenario import Scenario, Watch
from handoff_evals.transcript import Fault, Transcript


@dataclass(frozen=True, kw_only=True)
class InProcessDriver:
    """The driver on `AgentSession`: one entry, one model, any number of conversations."""

    entry: AgentEntry
    model: Callable[[Scenario, int], llm.LLM[Any] | None]
    """Gives the model for one trial, from the scenario and the trial's seed; None
    lets every agent answer by its own."""
    watch: Watch
    limits: Limits
    cassette: Cassette | None = None
    """What answers in the model's place, and keeps what the model answers."""

    async def hold(self, scenario: Scenario, *, seed: int, number: int = 0) -> Transcript:
        """Hold one conversation to its end, or to the fault that ended it."""
        try:
            model = self.model(scenario, seed)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 - no model, so nobody to judge
            return _no_model(error)
        reel = None
        if self.cassette is not None:
            reel = self.cassette.reel(scenario.label, trial=number, seed=seed)
        call = Call(
            self.entry,
            model,
            limits=self.limits,
            watch=self.watch,
            scenario=scenario,
            reel=reel,
        )
        try:
            await call.hold(turn.user for turn in scenario.turns)
        finally:
            with suppress(Exception):  # it has answered; how it closes says nothing
                if model is not None:
                    await asyncio.wait_for(model.aclose(), self.limits.close_s)
        transcript = call.transcript
        if reel is not None:
            reel.close(whole=transcript.unscored_because is None)
        return transcript


def _no_model(error: Exception) -> Transcript:
    detail = f"{type(error).__name__}: {error}"
    return Transcript(
        turns=(),
        faults=(
            Fault(owner="infrastructure", cause="no_model", detail=detail, turn=0, ended=True),
        ),
    )
