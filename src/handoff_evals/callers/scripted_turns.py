"""The scripted caller: it says its turns one after the other, whatever it hears."""

from collections.abc import Sequence

from handoff_evals.callers.caller import HangsUp, Says, SoFar, caller
from handoff_evals.scenarios import Scenario, ScriptedTurn


@caller("scripted")
class ScriptedCaller:
    """Says what a scenario's `turns` have.

    Args:
        scenario: or the turns alone.
    """

    def __init__(self, scenario: Scenario | Sequence[ScriptedTurn]) -> None:
        self.turns = tuple(scenario.turns if isinstance(scenario, Scenario) else scenario)
        self._said = 0

    @classmethod
    def plays(cls, scenario: Scenario) -> bool:
        """Every scenario with turns."""
        return not scenario.is_open

    @property
    def interrupts_greeting(self) -> int | str | None:
        """Where the first turn cuts in."""
        return self.turns[0].interrupts if self.turns else None

    @property
    def unsaid(self) -> bool:
        """Whether there are turns left."""
        return self._said < len(self.turns)

    async def next(self, so_far: SoFar) -> Says | HangsUp:  # noqa: ARG002 - it is a script
        """The next turn."""
        if not self.unsaid:
            return HangsUp()
        turn, *later = self.turns[self._said :]
        self._said += 1
        return Says(
            text=turn.user,
            wait_s=turn.wait_s,
            interrupts_after=later[0].interrupts if later else None,
            decisions=turn.decisions,
            last=not later,
        )
