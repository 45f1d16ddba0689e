"""The way that a call took through the agents, and which handoff made which expected hop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from handoff_evals.checks.calls import to_person
from handoff_evals.checks.decisions import undecided
from handoff_evals.checks.scoring import last_turn
from handoff_evals.scenarios import ExpectedPath, Hop, Scenario, Target
from handoff_evals.transcript import ENDED_CALL, AgentRef, Transcript


@dataclass(frozen=True, kw_only=True)
class MadeHop:
    """A handoff, and the turn in which it happened."""

    turn: int
    old: AgentRef
    new: AgentRef
    counts: bool = True
    """Whether it is a detour where no hop expects it. An AgentTask that an agent awaits is none,
    nor is an agent that the call only passed by; a path may name them all the same."""
    came_from: AgentRef | None = None
    """Who had the call before handoffs that do not count led up to it."""

    def is_from(self, target: Target) -> bool:
        """Whether that agent handed over, by itself or by way of what does not count."""
        before = self.came_from
        return target.matches(self.old) or (before is not None and target.matches(before))


def moves_of(transcript: Transcript) -> tuple[MadeHop, ...]:
    """The handoffs of turns that came to an end, without the first agent's entrance."""
    found: list[MadeHop] = []
    before: AgentRef | None = None
    for index, turn in enumerate(transcript.turns):
        for each, passed in () if undecided(transcript, index) else turn.passed_by:
            if each.old is None:
                continue
            before = before or each.old
            counts = each.kind == "handoff" and not passed and before != each.new
            move = MadeHop(turn=index, old=each.old, new=each.new, counts=counts, came_from=before)
            found.append(move)
            # Back with who had the call, or with somebody new: the way there is over.
            before = None if counts or before == each.new else before
    return tuple(found)


def took_place(scenario: Scenario, transcript: Transcript) -> bool:
    """Whether every turn came to its end, and all that the caller had to say was said."""
    if scenario.is_open and any(fault.cause == ENDED_CALL for fault in transcript.faults):
        return False
    return bool(transcript.turns) and first_not_over(transcript) > last_turn(scenario, transcript)


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


def aligned(hops: Sequence[Hop], moves: Sequence[MadeHop]) -> tuple[int | None, ...]:
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


def as_it_came(path: ExpectedPath, moves: Sequence[MadeHop]) -> ExpectedPath:
    """A path of any order in the order in which its hops were made, those that were not last."""
    left = list(path.hops)
    made: list[Hop] = []
    for move in moves:
        hop = next((each for each in left if each.target_of(move.new) is not None), None)
        if hop is not None:
            left.remove(hop)
            made.append(hop)
    return replace(path, hops=(*made, *left))


def said_from(transcript: Transcript, first: int) -> str:
    """What the agents said from a turn on, but for turns in which a person got the call."""
    return "\n".join(
        turn.said
        for index, turn in enumerate(transcript.turns)
        if index >= first and not to_person(transcript, index)
    )
