"""What livekit only logs, told apart by the conversation that it belongs to."""

import logging
import traceback
from collections.abc import Callable
from contextvars import ContextVar

from livekit.agents import APIError

from handoff_evals.transcript import AgentError

_CURRENT: ContextVar[Callable[[AgentError], None]] = ContextVar("handoff_evals_logged")

# livekit's words, and what they are about. They have no other sign.
_WHERE = {
    "exception occurred while executing tool": "tool",
    "expected to receive only one AgentTask from the tool executions": "dropped_handoff",
    "received a tool call with tool_choice set to 'none', ignoring": "ignored_call",
    "Error in _traceable_on_enter": "on_enter",
    "Error in _traceable_on_exit": "on_exit",
    "speech not done in time after interruption, cancelling the speech arbitrarily.": (
        "interruption_timeout"
    ),
}
_ARGUMENTS = "error parsing arguments for "
# Logged once more for the same exception by the tasks around the one that failed.
_ECHOES = ("Error in ", "error in on_enter task of agent ")


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note = _CURRENT.get(None)
        message = record.getMessage()
        where = _WHERE.get(message)
        error = record.exc_info[1] if record.exc_info else None
        if note is None or isinstance(error, APIError):
            return  # nobody's, or the model's: the tap has it
        if where is None and message.startswith(_ECHOES):
            return
        shown = f"{type(error).__name__}: {error}" if error else message
        if message.startswith(_ARGUMENTS):
            given = getattr(record, "lk.pii.arguments", "")
            name = message.removeprefix(_ARGUMENTS).strip("`")
            where, shown = "invalid_arguments", f"{name} does not take {given!r}"
        note(
            AgentError(
                where=where or "session",
                message=shown,
                traceback="".join(traceback.format_exception(error)) if error else "",
            )
        )


def listen(note: Callable[[AgentError], None]) -> None:
    """Send the errors that this context's conversation logs to `note`."""
    logger = logging.getLogger("livekit.agents")
    if not any(isinstance(handler, _Handler) for handler in logger.handlers):
        logger.addHandler(_Handler(level=logging.ERROR))
    if not logger.isEnabledFor(logging.ERROR):
        logger.setLevel(logging.ERROR)  # a user's logging set-up may have silenced it
    _CURRENT.set(note)
