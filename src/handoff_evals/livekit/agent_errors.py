"""What goes wrong in the agents' own code, whoever configures logging in whatever way.

livekit catches what a tool, `on_enter`, `on_exit` or `llm_node` raises, logs it and goes on.
The log is not to be relied on: `logging.config.dictConfig({"version": 1})` in an agent's
module silences it. So there are three witnesses, and what two of them saw is one error:

1. the tasks of the conversation, each with the exception that ended it;
2. the outputs that livekit recorded for the tools;
3. livekit's log, as far as it can be read.
"""

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import (
    Agent,
    APIError,
    FunctionToolsExecutedEvent,
    StopResponse,
    ToolError,
)

from handoff_evals.livekit.internals import ARGUMENTS, LOGGED, TOOL_OUTPUTS, agents_code_in
from handoff_evals.transcript import AgentError
from handoff_evals.user_code import ExitError, as_error, is_user_file, original
from handoff_evals.watchdog import LoopBlockedError

_CURRENT: ContextVar["AgentErrors"] = ContextVar("handoff_evals_agent_errors")

# Logged once more for the same exception by the tasks around the one that failed, or told
# by the exchange with the model.
_ECHOES = ("Error in ", "error in on_enter task of agent ", "error parsing arguments for ")


class EntryPointError(Exception):
    """The entry point raised; the cause is what it raised."""


class NoSessionError(EntryPointError):
    """The entry point returned, and had started no session."""


@dataclass(kw_only=True)
class Noted:
    """One error, by its first witness."""

    error: AgentError
    raised: BaseException | None = None
    logged: bool = False
    """Whether the log alone told it."""
    ended: bool = False
    """Whether the conversation ended there."""


@dataclass(frozen=True, kw_only=True)
class Unawaited:
    """A task of the user's that an exception ended, perhaps to be awaited yet."""

    task: asyncio.Task[Any]
    turn: int


@dataclass(kw_only=True)
class AgentErrors:
    """The errors of one conversation's agents.

    Args:
        failures: what the models raised in this turn; that is not the agents'.
        closing: whether the session is about to close.
        turn: the number of the turn that runs.
        on_exit: called when the agents' code asks the process to end.
    """

    failures: Callable[[], Iterable[BaseException]]
    closing: Callable[[], bool]
    turn: Callable[[], int]
    on_exit: Callable[[], None]
    _noted: list[Noted] = field(default_factory=list)
    _raised: list[BaseException] = field(default_factory=list)
    _returned: int = 0
    """Agents that tools of this reply returned."""
    _unawaited: list[Unawaited] = field(default_factory=list)

    def enter(self) -> None:
        """Take in what livekit logs in the current context and in all tasks made in it."""
        _CURRENT.set(self)

    def take(self) -> list[Noted]:
        """The errors since the last time, each once."""
        found, self._noted, self._returned = self._noted, [], 0
        seen = {noted.error.where for noted in found if not noted.logged}
        # A message without an exception can't be paired with what another witness saw.
        return [
            noted
            for noted in found
            if not (noted.logged and noted.raised is None and noted.error.where in seen)
        ]

    def task_done(self, task: asyncio.Task[Any], *, livekits: bool) -> None:
        """Take in how a task of the conversation ended."""
        if task.cancelled():
            return
        where = agents_code_in(task) if livekits else None
        error = task.exception() if livekits else _peek(task)
        if where == "tool" and error is None:
            error = self._tool_result(task.result())
        if error is None:
            return
        if where is not None:
            self.raised(where, error)
        elif not livekits:
            if isinstance(error, ExitError):
                self.raised("background_task", error)
            elif not self.closing() and _is_users(error):
                self._unawaited.append(Unawaited(task=task, turn=self.turn()))

    def _tool_result(self, result: Any) -> BaseException | None:
        """The exception that a tool raised: livekit returns it. Agents are counted."""
        given = result if isinstance(result, list | tuple | set | frozenset) else [result]
        self._returned += sum(isinstance(each, Agent) for each in given) == 1
        if isinstance(result, ToolError) and result.message.startswith(ARGUMENTS):
            lines = [line.strip() for line in result.message.splitlines()]
            kept = [line for line in lines if not line.startswith("For further information")]
            self.note("invalid_arguments", " ".join(kept))
        if isinstance(result, BaseException) and not isinstance(result, ToolError | StopResponse):
            return result
        return None

    def tools_executed(self, event: FunctionToolsExecutedEvent) -> None:
        """Take in the recorded outputs of the tools of one reply."""
        returned, self._returned = self._returned, 0
        if returned > 1 and not event.has_agent_handoff:
            self.note("dropped_handoff", f"{returned} tools of one reply returned an agent each")
        for output in event.function_call_outputs:
            where = TOOL_OUTPUTS.get(output.output) if output.is_error else None
            raised = any(noted.error.where == "tool" for noted in self._noted)
            if where is not None and not (where == "tool" and (raised or self._is_models())):
                self.note(where, f"{output.name}: {output.output}")

    def _is_models(self) -> bool:
        return any(True for _ in self.failures())

    def raised(self, where: str, error: BaseException, *, logged: bool = False) -> None:
        """Take in an exception, unless another witness has, or it is a model's."""
        if self.knows(error) or self._of_model(error):
            return
        # A session that closes fails the tasks that an on_enter still awaits: nobody's error.
        ended = isinstance(error, ExitError)
        if self.closing() and where in {"on_enter", "llm_node"} and not ended:
            return
        self._raised.append(error)
        shown = original(error)
        self._noted.append(
            Noted(
                error=AgentError(
                    where="blocked_loop" if isinstance(shown, LoopBlockedError) else where,
                    message=f"{type(shown).__name__}: {shown}",
                    traceback="".join(traceback.format_exception(shown)),
                ),
                raised=error,
                logged=logged,
                ended=ended,
            )
        )
        if ended:
            self.on_exit()

    def opening(self, error: BaseException, *, opened: bool) -> BaseException:
        """Take in what came out of opening a conversation.

        Args:
            error: the exception.
            opened: whether there was a session already.

        Returns:
            What to raise in its place.
        """
        if isinstance(error, EntryPointError):
            raised = as_error(error.__cause__ or error) or error
            where = "no_session" if isinstance(error, NoSessionError) else "entrypoint"
        elif opened or (found := as_error(error)) is None:
            return error
        else:
            raised, where = found, "factory"
        self.raised(where, raised)
        return raised

    def note(self, where: str, message: str, *, logged: bool = False) -> None:
        """Take in an error without an exception."""
        self._noted.append(Noted(error=AgentError(where=where, message=message), logged=logged))

    def knows(self, error: BaseException) -> bool:
        """Whether an exception, or what it was raised from, was taken in before."""
        return any(link is known for link in chain(error) for known in self._raised)

    def end(self, error: BaseException) -> None:
        """Say of a known exception that it ended the conversation."""
        for noted in self._noted:
            if noted.raised is not None and any(link is noted.raised for link in chain(error)):
                noted.ended = True

    def _of_model(self, error: BaseException) -> bool:
        failures = list(self.failures())
        if failures and isinstance(error, APIError):
            return True
        return any(link is failure for link in chain(error) for failure in failures)

    def unawaited(self) -> Iterator[tuple[int, Noted]]:
        """The tasks of the user's that failed and that nobody has awaited, by their turns."""
        left, self._unawaited = self._unawaited, []
        for each in left:
            error = _unretrieved(each.task)
            if error is not None:
                self.raised("background_task", error)
                yield from ((each.turn, noted) for noted in self.take())


def chain(error: BaseException) -> list[BaseException]:
    """An exception and what it was raised from, or while handling, outermost first."""
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__  # livekit raises `from None`
    return found


def _peek(task: asyncio.Task[Any]) -> BaseException | None:
    """A task's exception, without asyncio's taking it for retrieved."""
    error: BaseException | None = task._exception  # noqa: SLF001 - asyncio's, as below
    return error


def _unretrieved(task: asyncio.Task[Any]) -> BaseException | None:
    """A task's exception, if nobody has asked for it."""
    return task.exception() if task._log_traceback else None  # noqa: SLF001


def _is_users(error: BaseException) -> bool:
    """Whether a line of the user's stands in its traceback."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(is_user_file(frame.f_code.co_filename) for frame, _ in frames)


class _Handler(logging.Handler):
    """Gives each error that livekit logs to the conversation in whose context it does."""

    def emit(self, record: logging.LogRecord) -> None:
        errors = _CURRENT.get(None)
        if errors is None:
            return
        message = record.getMessage()
        where = LOGGED.get(message)
        error = record.exc_info[1] if record.exc_info else None
        if where is None and message.startswith(_ECHOES):
            return
        if error is not None:
            errors.raised(where or "session", error, logged=True)
        elif where != "ignored_call":  # the exchange tells it
            errors.note(where or "session", message, logged=True)


_HANDLER = _Handler(level=logging.ERROR)


def listen_to_log() -> bool:
    """Take in livekit's log again, whatever was done to it.

    Returns:
        Whether it can be read: not after `logging.disable`, or with a filter.
    """
    logger = logging.getLogger("livekit.agents")
    logger.disabled = False
    if _HANDLER not in logger.handlers:
        logger.addHandler(_HANDLER)
    if logger.getEffectiveLevel() > logging.ERROR:
        logger.setLevel(logging.ERROR)
    plain = all(
        getattr(type(logger), name) is getattr(logging.Logger, name)
        for name in ("error", "exception", "_log", "handle", "callHandlers")
    )
    return plain and not logger.filters and logger.isEnabledFor(logging.ERROR)
