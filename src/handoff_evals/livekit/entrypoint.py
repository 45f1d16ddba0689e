"""An agent's entry point, `@server.rtc_session()`, run as LiveKit's worker runs it for each job."""

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    JobProcess,
    RunResult,
    WorkerOptions,
    get_job_context,
)
from livekit.agents.simulation import SimulationContext
from livekit.agents.utils import http_context

from handoff_evals.livekit.agent_errors import EntryPointError, NoSessionError
from handoff_evals.livekit.idle import quiet, result_when_quiet
from handoff_evals.livekit.internals import (
    RunOfTurn,
    agent_name_of,
    begin_run,
    entrypoint_of,
    is_closing,
    is_started,
    retrieve_failed_run,
    session_end_of,
    set_simulation_end,
    shutdown_callbacks,
    simulation_end_of,
)
from handoff_evals.livekit.job import RecordedJob
from handoff_evals.user_code import as_error

# An entry point may go on for as long as the call does. Once the session is quiet, so long
# is waited for what it may still do before the caller speaks, as a greeting that it asks for.
PATIENCE_S = 1.0
# And so long for it to end once its session is closed.
_LAST_WORDS_S = 0.1


Start = Callable[[], Awaitable[RunResult[Any]]]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A session and what starts it, with the agent that it starts with.

    The agent is None where an entry point says it only when it starts the session.
    """

    agent: Agent | None
    session: AgentSession[Any]
    start: Start = field(repr=False)
    """Lets the first agent enter; returns livekit's record of it once all is quiet."""


@dataclass(frozen=True, kw_only=True)
class EntryPoint:
    """What LiveKit's worker calls for each job: the setup of its process, and the entry point."""

    entrypoint: Callable[[JobContext], Awaitable[None]]
    setup: Callable[[JobProcess], Any] | None = None
    session_end: Callable[[JobContext], Awaitable[None]] | None = None
    simulation_end: Callable[[SimulationContext], Any] | None = None
    agent_name: str = ""

    @classmethod
    def of(cls, found: Any) -> Self | None:
        """Take an `AgentServer`, the function of its `rtc_session`, or `WorkerOptions`.

        Returns:
            None where it is none of these.
        """
        if isinstance(found, WorkerOptions):
            found = AgentServer.from_server_options(found)
        if isinstance(found, AgentServer):
            return cls._of_server(found)
        if not inspect.isroutine(found):
            return None
        module = sys.modules.get(getattr(found, "__module__", ""))
        servers = [each for each in vars(module or sys).values() if isinstance(each, AgentServer)]
        for server in servers:
            if entrypoint_of(server) is found:
                return cls._of_server(server)
        if takes(found) is not JobContext:
            return None
        # `WorkerOptions(entrypoint_fnc=…, prewarm_fnc=…)` stands mostly where only a run gets to.
        prewarm = [each for each in vars(module or sys).values() if takes(each) is JobProcess]
        return cls(entrypoint=found, setup=prewarm[0] if prewarm else None)

    @classmethod
    def _of_server(cls, server: AgentServer) -> Self | None:
        entrypoint = entrypoint_of(server)
        if entrypoint is None:
            return None
        return cls(
            entrypoint=entrypoint,
            setup=server.setup_fnc,
            session_end=session_end_of(server),
            simulation_end=simulation_end_of(server),
            agent_name=agent_name_of(server),
        )

    @asynccontextmanager
    async def running(self, prepare: Callable[[Opened], None]) -> AsyncIterator[Opened]:
        """Run it in the current job, which is a `RecordedJob`, until the block is left.

        Args:
            prepare: called with the session before it starts.

        Raises:
            EntryPointError: when it raises before it starts a session, or starts none.
        """
        job = get_job_context()
        if not isinstance(job, RecordedJob):
            raise TypeError(f"{job!r} is no RecordedJob: enter `text_job()` first")
        job.job.agent_name = self.agent_name
        set_simulation_end(job, self.simulation_end)
        async with http_context.open():
            run = _Run(self, job, prepare)
            try:
                yield await run.session_started()
            finally:
                await run.end()


class _Run:
    """One run of an entry point."""

    def __init__(
        self, point: EntryPoint, job: RecordedJob, prepare: Callable[[Opened], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        self._point, self._job, self._prepare = point, job, prepare
        self._opened: asyncio.Future[Opened] = loop.create_future()
        self._greeted = False
        self._listens = asyncio.Event()
        job.on_session = self._on_session
        self._task = loop.create_task(self._enter(), name="job_user_entrypoint")

    async def _enter(self) -> Exception | None:
        """Run it; what it raises later than in the opening is a background task's."""
        try:
            # livekit's default is a process for each job: it finds nothing of the last one.
            if self._point.setup is not None:
                self._point.setup(self._job.proc)
            await self._point.entrypoint(self._job)
        except BaseException as error:
            raised = as_error(error)
            if raised is None or self._greeted:
                raise
            return raised
        return None

    def _on_session(self, session: AgentSession[Any]) -> None:
        record = begin_run(session, None)

        async def start() -> RunResult[Any]:
            await self._settled(session)
            return await self._recorded(session, record)

        def state_changed(_: Any) -> None:
            if is_started(session):
                self._listens.set()

        session.on("agent_state_changed", state_changed)
        opened = Opened(agent=None, session=session, start=start)
        try:
            self._prepare(opened)
        except Exception as error:
            # The entry point may catch it.
            self._opened.set_exception(error)
            raise
        self._opened.set_result(opened)

    async def session_started(self) -> Opened:
        """Wait until it starts a session."""
        waits: set[asyncio.Future[Any]] = {self._task, self._opened}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self._opened.done():
            return self._opened.result()
        self._raise()
        asked = ", ".join(dict.fromkeys(action.name for action in self._job.actions))
        raise NoSessionError(
            "the entry point returned and had not called `session.start(…)`; it asked the job "
            f"for: {asked or 'nothing'}"
        )

    async def _settled(self, session: AgentSession[Any]) -> None:
        """Wait until it is done, or has nothing to do before the caller speaks."""
        listens = asyncio.ensure_future(self._listens.wait())
        waits: set[asyncio.Future[Any]] = {self._task, listens}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        listens.cancel()
        await quiet(session)
        if not self._task.done() and not is_closing(session):
            await asyncio.wait({self._task}, timeout=PATIENCE_S)
        self._raise()

    async def _recorded(self, session: AgentSession[Any], record: RunOfTurn) -> RunResult[Any]:
        self._greeted = True
        record.end()
        if not is_closing(session):
            return await result_when_quiet(session, record.run)
        retrieve_failed_run(session)
        return record.run

    def _raise(self) -> None:
        """Raise what it raised."""
        if self._task.done() and not self._task.cancelled():
            error = self._task.result()
            if error is not None:
                raise EntryPointError from error

    async def end(self) -> None:
        """End it as livekit's worker does when the job is over: its callbacks run."""
        if not self._task.done():
            await asyncio.wait({self._task}, timeout=_LAST_WORDS_S)
        self._task.cancel()
        job, reason = self._job, self._job.ended or "the conversation is over"
        job.ended = reason
        works = [] if self._point.session_end is None else [self._point.session_end(job)]
        await _all(works)
        await job.room.disconnect()
        await _all([callback(reason) for callback in shutdown_callbacks(job)])


async def _all(works: list[Awaitable[None]]) -> None:
    """Wait for all of them, and raise what the first of them raised."""
    found = await asyncio.gather(*works, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each


def takes(found: Any) -> type | None:
    """`JobContext` or `JobProcess`, where a function's one parameter is annotated with it."""
    if not inspect.isfunction(found):
        return None
    first = next(_parameters(found), None)
    if first is None:
        return None
    written = first.annotation
    for kind in (JobContext, JobProcess):
        if written is kind or (isinstance(written, str) and written.endswith(kind.__name__)):
            return kind
    return None


def _parameters(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    for each in inspect.signature(function).parameters.values():
        if each.default is inspect.Parameter.empty:
            yield each
