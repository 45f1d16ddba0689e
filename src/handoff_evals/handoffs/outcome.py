"""What one handoff decision came to."""

from collections.abc import Sequence
from typing import Literal, get_args

from handoff_evals.handoffs.phantom import announces_transfer
from handoff_evals.scenario import ExpectedHandoff, Target
from handoff_evals.transcript import AgentHandoff, AgentRef

Outcome = Literal["correct", "missed", "wrong", "spurious", "bounced", "phantom"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def classify(
    *,
    expected: Target,
    start: AgentRef,
    end: AgentRef,
    moves: Sequence[AgentHandoff],
    said: str,
    path: Sequence[ExpectedHandoff] | None = None,
) -> Outcome:
    """Name what happened in a turn that should end with `expected`.

    Args:
        expected: the agent that should be active after the turn.
        start: the agent that was active before it.
        end: the agent that is active after it, as it is then: its attributes may have changed.
        moves: the turn's handoffs in order.
        said: what the agents said in the turn, to tell an announced transfer.
        path: the handoffs that the turn itself expects; they are no detour.
    """
    should_move = not expected.matches(start)
    if expected.matches(end):
        direct = not moves or (should_move and len(moves) == 1)
        return "correct" if direct or (path is not None and follows(moves, path)) else "bounced"
    if moves:
        return "wrong" if should_move else "spurious"
    return "phantom" if announces_transfer(said) else "missed"


def follows(moves: Sequence[AgentHandoff], path: Sequence[ExpectedHandoff]) -> bool:
    """Whether the handoffs are exactly those of the path."""
    return len(moves) == len(path) and all(
        step.new.matches(move.new)
        and (step.old is None or (move.old is not None and step.old.matches(move.old)))
        for move, step in zip(moves, path, strict=True)
    )
