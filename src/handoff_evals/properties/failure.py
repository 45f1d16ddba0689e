"""What is raised for a conversation that breaks an invariant."""

from collections.abc import Sequence
from dataclasses import dataclass

from handoff_evals.properties.model import Answer


@dataclass(frozen=True, kw_only=True)
class Held:
    """One turn of a random conversation: what the caller and the model did."""

    user: str | None
    """What the caller said; None for the opening."""
    answers: tuple[Answer, ...]
    active: str | None = None
    """Who had the call when it was over; None when the session was closed."""
    interrupted_after: int | None = None
    """How many rounds of the event loop into the turn the caller interrupted."""


class BrokenInvariantError(AssertionError):
    """A conversation that breaks an invariant; its message says which one, and how.

    Args:
        invariant: its name in `INVARIANTS`.
        why: what was seen instead.
        turns: the conversation.
        keeps: who should have kept the call, where the graph does not lead on.
    """

    def __init__(
        self, invariant: str, why: str, *, turns: Sequence[Held] = (), keeps: str | None = None
    ) -> None:
        super().__init__(f"{invariant}: {why}")
        self.invariant = invariant
        self.why = why
        self.turns = tuple(turns)
        self.keeps = keeps
        self.file = ""
        """The scenario file that was printed; `fuzz` fills it in."""
