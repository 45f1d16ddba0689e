"""What a model that plays a scenario does in which turn, where only the whole path is expected."""

from dataclasses import replace

from handoff_evals.scenarios.expected_path import ExpectedPath, Hop
from handoff_evals.scenarios.scenario import ExpectedHandoff, Scenario, ScriptedTurn


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
