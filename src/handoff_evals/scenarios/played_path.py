"""What a model that plays a scenario does in which turn, where only the whole path is expected."""

from collections.abc import Sequence
from dataclasses import replace

from handoff_evals.scenarios.expected_path import ExpectedPath, Hop
from handoff_evals.scenarios.scenario import ExpectedHandoff, Scenario, ScriptedTurn
from handoff_evals.scenarios.target import Target


def played_in_turns(scenario: Scenario) -> Scenario:
    """The same scenario with its path, or its last agent, written into its turns.

    Required hops are played in the turn in which they are due. Those that are due in none come
    one a turn, in the turns that are left, and the rest of them in the last one. Optional hops
    are left out, and of several agents the first one is taken. A scenario whose turns name
    agents stays as it is: they say what to play.
    """
    named = any(turn.expect.agent or turn.expect.handoffs is not None for turn in scenario.turns)
    path, final = scenario.conversation.path, scenario.conversation.final
    if named or (path is None and final is None) or not scenario.turns:
        return scenario
    last = len(scenario.turns)
    due = _due(path, last) if path is not None else {}
    if path is None and final is not None:
        due = {last: [Hop(to=(final,))]}
    return replace(
        scenario,
        turns=tuple(
            _with_hops(turn, due.get(number, [])) for number, turn in enumerate(scenario.turns, 1)
        ),
    )


def _due(path: ExpectedPath, last: int) -> dict[int, list[Hop]]:
    found: dict[int, list[Hop]] = {}
    at = 0
    for hop in path.required:
        at = min(at + 1, last) if hop.turn is None else hop.turn
        found.setdefault(at, []).append(hop)
    return found


def _with_hops(turn: ScriptedTurn, hops: list[Hop]) -> ScriptedTurn:
    if not hops:
        return turn
    targets = [hop.to[0] for hop in hops]
    # A single hop may be made in any way.
    path = tuple(ExpectedHandoff(new=target) for target in targets) if len(hops) > 1 else None
    return replace(turn, expect=replace(turn.expect, agent=targets[-1], handoffs=path))


class PlayedScenario:
    """A scenario as a model plays it that knows what is expected.

    Where its turns are not written, they are added as the caller speaks: a hop is due when the
    caller hopes to speak to that agent next. Where no line of the caller's is for one agent, hops
    come one a turn, and the rest of them after its last line.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = played_in_turns(scenario)
        self._is_open = scenario.is_open
        self._marked = any(line.to for line in scenario.caller.lines)
        path, final = scenario.conversation.path, scenario.conversation.final
        self._hops = [] if path is None else list(path.required)
        if path is None and final is not None:
            self._hops = [Hop(to=(final,))]
        self._made = 0

    def begin(self) -> None:
        """Forget what the caller said, for a new conversation."""
        self._made = 0
        if self._is_open:
            self.scenario = replace(self.scenario, turns=())

    def follow(self, words: str, *, towards: Sequence[Target], last: bool) -> None:
        """Add a turn of the caller's, with the hops that are due in it.

        Args:
            words: what the caller says.
            towards: the agents that it hopes to speak to next.
            last: whether it has nothing else to say by itself.
        """
        if self._is_open:
            due = self._hops[self._made : self._due(towards, last=last)]
            self._made += len(due)
            turn = _with_hops(ScriptedTurn(user=words), due)
            self.scenario = replace(self.scenario, turns=(*self.scenario.turns, turn))

    def _due(self, towards: Sequence[Target], *, last: bool) -> int:
        """How many hops are to be made by the end of the turn."""
        if last:
            return len(self._hops)
        if not self._marked:
            return self._made + 1
        wanted = {target.label for target in towards}
        for number, hop in enumerate(self._hops[self._made :], self._made + 1):
            if wanted & {target.label for target in hop.to}:
                return number
        return self._made
