"""The way that a call took through the agents, and which handoff made which expected hop."""

from collections.abc import Sequence
from dataclasses import dataclass

from handoff_evals.checks.calls import to_person
from handoff_evals.checks.decisions import undecided
from handoff_evals.scenarios import Hop, Scenario
from handoff_evals.transcript import AgentRef, Transcript


@dataclass(frozen=True, kw_only=True)
class Move:
    """A handoff, and the turn in which it happened."""

    turn: int
    old: AgentRef
    new: AgentRef


def moves_of(transcript: Transcript) -> tuple[Move, ...]:
    """The handoffs of turns that came to an end, without the first agent's entrance."""
    return tuple(
        Move(turn=index, old=each.old, new=each.new)
        for index, turn in enumerate(transcript.turns)
        if not undecided(transcript, index)
        for each in turn.handoffs
        if each.old is not None
    )


def took_place(scenario: Scenario, transcript: Transcript) -> bool:
    """Whether every turn came to its end."""
    return first_not_over(transcript) > len(scenario.turns)


def first_not_over(transcript: Transcript) -> int:
    """The number of the first turn that did not come to its end."""
    last = len(transcript.turns) - 1
    return last if last >= 0 and undecided(transcript, last) else last + 1


def first_agent(transcript: Transcript) -> AgentRef | None:
    """Who had the call first; None where nobody ever had it."""
    entered = [each.new for each in transcript.handoffs if each.old is None]
    if entered:
        return entered[0]
    moved = next((each.old for each in transcript.handoffs), None)
    return moved or next((turn.active for turn in transcript.turns), None)


def aligned(hops: Sequence[Hop], moves: Sequence[Move]) -> tuple[int | None, ...]:
    """Which move each hop was made by; None where it was not made.

    As many required hops as possible in their order, then as many optional ones; of several
    ways the one that makes the earlier hops, and by the earlier moves.
    """
    rows, columns = len(hops), len(moves)
    best = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]

    def made(i: int, j: int) -> tuple[int, int]:
        if hops[i].target_of(moves[j].new) is None:
            return (-1, 0)
        required, optional = best[i + 1][j + 1]
        return required + (not hops[i].optional), optional + hops[i].optional

    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], made(i, j))
    found: list[int | None] = []
    begin = 0
    for i in range(rows):
        wanted = best[i][begin]
        at = next((j for j in range(begin, columns) if made(i, j) == wanted), None)
        found.append(at)
        begin = begin if at is None else at + 1
    return tuple(found)


def said_from(transcript: Transcript, first: int) -> str:
    """What the agents said from a turn on, but for turns in which a person got the call."""
    return "\n".join(
        turn.said
        for index, turn in enumerate(transcript.turns)
        if index >= first and not to_person(transcript, index)
    )
