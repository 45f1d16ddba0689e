"""What went wrong in a conversation, and whose doing it was."""

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar

from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from handoff_evals.errors import CassetteMissError
from handoff_evals.livekit.scripted import ScriptExhaustedError
from handoff_evals.livekit.tap import Exchange
from handoff_evals.transcript import AgentError, Fault, ToolSchema

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


LOGGED: Mapping[str, str] = {
    "dropped_handoff": "several_handoffs",
    "ignored_call": "forbidden_call",
    "invalid_arguments": "invalid_arguments",
}
"""What livekit only logs but the model brought about, as `AgentError.where` to cause.

Of several calls in one reply that each hand over livekit follows none; a call made
where the request allowed none is not run.
"""


def faults_of(exchange: Exchange, *, turn: int, ended: bool = False) -> list[Fault]:
    """The faults that one exchange shows.

    No answer is infrastructure; a bad answer (nothing in it, a tool that the
    agent does not have, arguments that are no JSON object, or not those of the
    tool) is the model's, whether livekit copes with it or not. `ended` says that the
    conversation ended with this exchange.
    """
    failure = exchange.failure
    if failure is not None:
        return [
            Fault(
                owner="infrastructure",
                cause=cause_of(failure),
                detail=_said_by(exchange, failure),
                turn=turn,
                retry_after_s=retry_after(failure),
                ended=ended,
            )
        ]
    if exchange.in_flight:
        return []
    tools = {tool.name: tool for tool in exchange.tools}
    found = [
        fault for made in exchange.calls for fault in _faults_of_call(made, tools.get(made["name"]))
    ]
    if not exchange.calls and not exchange.text.strip():
        found.append(("empty_reply", "neither a word nor a tool call"))
    return [
        Fault(owner="model", cause=cause, detail=f"{exchange.agent.label}: {detail}", turn=turn)
        for cause, detail in found
    ]


def _said_by(exchange: Exchange, failure: Exception) -> str:
    # A miss begins with the agent's name.
    said = str(failure)
    return said if isinstance(failure, CassetteMissError) else f"{exchange.agent.label}: {said}"


def cause_of(error: BaseException) -> str:
    """A word to count a failed request by, as `api_status_429` or `api_timeout`.

    livekit wraps the last error in an APIConnectionError once its retries are
    used up, so the chain of causes is searched for the one that says most.
    """
    chain = _chain(error)
    for each in chain:
        if isinstance(each, APIStatusError):
            return f"api_status_{each.status_code}"
    if any(isinstance(each, APITimeoutError | asyncio.TimeoutError) for each in chain):
        return "api_timeout"
    if any(isinstance(each, APIConnectionError) for each in chain):
        return "api_connection"
    if isinstance(error, CassetteMissError):
        return "cassette_miss"
    if isinstance(error, ScriptExhaustedError):
        return "script_exhausted"
    return "api_error" if isinstance(error, APIError) else "model_raised"


def retry_after(error: BaseException) -> float | None:
    """The seconds of a `retry-after` header, where a provider's response is in the chain."""
    for each in _chain(error):
        headers = getattr(getattr(each, "response", None), "headers", None) or {}
        try:
            return float(headers["retry-after"])
        except (KeyError, TypeError, ValueError):
            continue  # none, or a date: the runner's own back-off does
    return None


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__  # livekit raises `from None`
    return found


def _faults_of_call(made: Mapping[str, str], tool: ToolSchema | None) -> Iterator[tuple[str, str]]:
    name, written = made["name"], made["arguments"]
    if tool is None:
        yield "unknown_tool", f"called {name!r}, which the agent does not have"
    try:
        given = json.loads(written or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        yield "malformed_arguments", f"{name}: {written!r} is no JSON object"
    elif tool is not None:
        missing = [each for each in tool.parameters.get("required", ()) if each not in given]
        if missing:
            yield "missing_arguments", f"{name}: {written!r} lacks {', '.join(missing)}"
        known = tool.parameters.get("properties")
        extra = [each for each in given if known is not None and each not in known]
        if extra and not tool.parameters.get("additionalProperties"):
            yield "extra_arguments", f"{name} takes no {', '.join(extra)}: {written!r}"
