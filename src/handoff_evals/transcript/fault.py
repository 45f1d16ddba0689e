"""What kept a conversation from running as it should, and whose doing it was."""

from dataclasses import dataclass
from typing import Literal

Owner = Literal["agent", "model", "infrastructure"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that went wrong.

    `agent`: the code under test (an exception in a tool, a hang, handoffs without
    end): the trial fails. `model`: the model answered, but badly (nothing at all,
    a tool that does not exist): it is scored like any other behaviour.
    `infrastructure`: there was no answer to judge (429, 500, time-out): the trial
    is unscored.
    """

    owner: Owner
    cause: str
    """A word to count by: `tool_error`, `turn_timeout`, `api_status_429`, …"""
    detail: str
    turn: int
    """Index into the transcript's turns; one past the last for the closing of the call."""
    retry_after_s: float | None = None
    """How long the provider asks to wait before the next request, in seconds."""
    ended: bool = False
    """Whether the conversation ended there."""
