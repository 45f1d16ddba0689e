"""What one check says about one conversation."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "unscored"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One check's verdict, with its reason and the events that show it."""

    name: str
    status: Status
    reason: str = ""
    turn: int | None = None
    """The turn it is about; None when it is about the whole conversation."""
    events: tuple[int, ...] = ()
    """Indices into the transcript's `events`."""


def overall(scores: tuple[Score, ...]) -> Status:
    """Join scores: one failure fails, then one unscored leaves it unscored.

    No scores at all is unscored: nothing was judged.
    """
    statuses = {score.status for score in scores}
    if "failed" in statuses:
        return "failed"
    if "unscored" in statuses or not statuses:
        return "unscored"
    return "passed"
