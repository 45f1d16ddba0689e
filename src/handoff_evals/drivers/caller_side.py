"""The caller of one conversation: asked for its words turn by turn, until somebody hangs up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

from livekit.agents import APIError

from handoff_evals.callers import (
    Caller,
    CallerFaultError,
    HangsUp,
    Says,
    ScriptedCaller,
    SimulatedCaller,
    caller_for,
    heard_so_far,
)
from handoff_evals.drivers.caller_model import CallerModel
from handoff_evals.errors import HandoffEvalsError
from handoff_evals.livekit import cause_of
from handoff_evals.scenarios import Scenario, ScriptedTurn
from handoff_evals.transcript import CALLER, CallerRecord, Fault, Turn


@runtime_checkable
class FollowsCaller(Protocol):
    """A model that knows the scenario, and is told what the caller says before it is said."""

    def follow(self, said: Says) -> None:
        """Take in the caller's next words."""
        ...


@dataclass(kw_only=True)
class CallerSide:
    """A caller, and what is noted of it."""

    caller: Caller
    kind: str = "scripted"
    hung_up: str = field(default="", init=False)
    model: CallerModel | None = None
    """What plays it; None where no model does."""
    fault: Fault | None = field(default=None, init=False)
    """Why it could not go on, which is nobody's behaviour."""

    @classmethod
    def scripted(cls, turns: Sequence[ScriptedTurn]) -> Self:
        """The caller that says these turns."""
        return cls(caller=ScriptedCaller(turns))

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """The caller of a scenario by its own words."""
        kind, caller = caller_for(scenario)
        return cls(caller=caller, kind=kind)

    @classmethod
    def simulated(cls, scenario: Scenario, model: CallerModel) -> Self:
        """The caller of a scenario as a model plays it."""
        return cls(caller=SimulatedCaller(scenario, model), kind="simulated", model=model)

    @property
    def script(self) -> Sequence[ScriptedTurn]:
        """The turns of a scripted caller; none of any other."""
        return self.caller.turns if isinstance(self.caller, ScriptedCaller) else ()

    @property
    def record(self) -> CallerRecord | None:
        """What the transcript has of it; None of a scripted one."""
        if self.kind == "scripted":
            return None
        return CallerRecord(
            kind=self.kind,
            hung_up=self.hung_up,
            model=self.model.model.model if self.model else "",
            calls=self.model.calls if self.model else (),
        )

    async def next(self, turns: Sequence[Turn], model: object) -> Says | None:
        """The next words, None where the caller hangs up.

        Args:
            turns: those that are over.
            model: what answers for the agents; one that follows the caller hears of the words.
        """
        try:
            reaction = await self.caller.next(heard_so_far(turns))
        except CallerFaultError as error:
            self._fails(error.cause, str(error), turn=len(turns))
            return None
        except (APIError, HandoffEvalsError) as error:
            cause = f"{CALLER}{cause_of(error)}"
            self._fails(cause, f"the caller's model: {error}", turn=len(turns))
            return None
        if isinstance(reaction, HangsUp):
            self.hung_up = reaction.why
            return None
        if isinstance(model, FollowsCaller):
            model.follow(reaction)
        return reaction

    def _fails(self, cause: str, detail: str, *, turn: int) -> None:
        self.fault = Fault(
            owner="infrastructure", cause=cause, detail=detail, turn=turn, ended=True
        )
