"""The caller of one conversation: asked for its words turn by turn, until somebody hangs up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

from handoff_evals.callers import Caller, HangsUp, Says, ScriptedCaller, caller_for, heard_so_far
from handoff_evals.scenarios import Scenario, ScriptedTurn
from handoff_evals.transcript import CallerRecord, Turn


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

    @classmethod
    def scripted(cls, turns: Sequence[ScriptedTurn]) -> Self:
        """The caller that says these turns."""
        return cls(caller=ScriptedCaller(turns))

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """The caller of a scenario by its own words."""
        kind, caller = caller_for(scenario)
        return cls(caller=caller, kind=kind)

    @property
    def script(self) -> Sequence[ScriptedTurn]:
        """The turns of a scripted caller; none of any other."""
        return self.caller.turns if isinstance(self.caller, ScriptedCaller) else ()

    @property
    def record(self) -> CallerRecord | None:
        """What the transcript has of it; None of a scripted one."""
        if self.kind == "scripted":
            return None
        return CallerRecord(kind=self.kind, hung_up=self.hung_up)

    async def next(self, turns: Sequence[Turn], model: object) -> Says | None:
        """The next words, None where the caller hangs up.

        Args:
            turns: those that are over.
            model: what answers for the agents; one that follows the caller hears of the words.
        """
        reaction = await self.caller.next(heard_so_far(turns))
        if isinstance(reaction, HangsUp):
            self.hung_up = reaction.why
            return None
        if isinstance(model, FollowsCaller):
            model.follow(reaction)
        return reaction
