"""Holds a scripted conversation with an agent in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livekit.agents import llm

from handoff_evals.livekit.call import Call, Limits
from handoff_evals.livekit.entry import AgentEntry
from handoff_evals.scenario import Scenario, Watch
from handoff_evals.transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class InProcessDriver:
    """The driver on `AgentSession`: one entry, one model, any number of conversations."""

    entry: AgentEntry
    model: Callable[[Scenario, int], llm.LLM[Any]]
    """Gives the model for one trial, from the scenario and the trial's seed."""
    watch: Watch
    limits: Limits

    async def hold(self, scenario: Scenario, *, seed: int) -> Transcript:
        """Hold one conversation to its end, or to the fault that ended it."""
        call = Call(
            self.entry,
            self.model(scenario, seed),
            limits=self.limits,
            watch=self.watch,
            label=scenario.label,
            userdata=scenario.userdata,
        )
        try:
            await call.start()
            for turn in scenario.turns:
                if call.over:
                    break
                await call.say(turn.user)
        finally:
            await call.close()
        return call.transcript
