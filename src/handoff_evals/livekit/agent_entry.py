"""`agent: module:name`, made into an agent with a session, in a livekit job without a server."""

import inspect
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    AgentTask,
    NotGivenOr,
    RunResult,
    get_job_context,
    llm,
)

from handoff_evals.errors import AgentImportError
from handoff_evals.livekit.entrypoint import EntryPoint, Opened
from handoff_evals.livekit.idle import result_when_quiet
from handoff_evals.livekit.job import FakeJob, RecordedJob
from handoff_evals.livekit.llm_wrapper import described
from handoff_evals.user_code import import_reference

# LiveKit Inference models refuse to be constructed without these. In a text
# simulation nothing is ever sent with them.
_PLACEHOLDERS = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "no-key",
    "LIVEKIT_API_SECRET": "no-secret-either-these-are-placeholders",
}


def allow_construction() -> None:
    """Let agents construct LiveKit Inference models where no credentials are set."""
    for name, value in _PLACEHOLDERS.items():
        os.environ.setdefault(name, value)


def missing(*names: str) -> list[str]:
    """Those of the environment variables that are not set, our placeholders included."""
    return [name for name in names if os.environ.get(name, "") in {"", _PLACEHOLDERS.get(name)}]


_FORMS = (
    "it must be an Agent class, a function (plain, async or an async context manager) that "
    "gets the model and returns an agent or `(agent, session)`, an AgentServer with an "
    "`rtc_session`, or that function"
)


@dataclass(frozen=True, kw_only=True)
class AgentEntry:
    """Where an agent under test comes from; each conversation opens it anew."""

    build: Callable[..., Any]
    name: str
    point: EntryPoint | None = None
    """The entry point that is run for each conversation, where it is one."""
    takes_model: bool = False
    """Whether it is a factory that gets the model, and has to make use of it."""
    job: FakeJob = field(default_factory=FakeJob)
    """What LiveKit's job is about in each conversation, and what it answers."""

    def with_job(self, job: FakeJob) -> Self:
        """The same, with a job of that metadata, room, caller and answers."""
        return replace(self, job=job)

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return "the agent's factory" if self.point is None else "the agent's entry point"

    @property
    def code(self) -> Callable[..., Any]:
        """What is called for each conversation."""
        return self.build if self.point is None else self.point.entrypoint

    @classmethod
    def load(cls, entry: str, *, folder: Path | None = None) -> "AgentEntry":
        """Import `module:name` or `path/to/file.py:name` of the given folder (the current one).

        Raises:
            AgentImportError: when there is no such thing, or it can't be an agent.
        """
        allow_construction()
        found = import_reference(
            entry, folder=folder or Path.cwd(), what="agent", raises=AgentImportError
        )
        return cls.of(found, name=entry)

    @classmethod
    def of(cls, found: Any, *, name: str = "") -> "AgentEntry":
        """Take an Agent class, a factory, a server's entry point, or (for one call) an agent.

        Raises:
            AgentImportError: when it is none of these.
        """
        named = name or getattr(found, "__qualname__", type(found).__name__)
        if isinstance(found, Agent):
            if name:
                raise AgentImportError(
                    f"agent {named!r} is one instance, but each conversation needs its own: "
                    f"{_FORMS}"
                )
            return cls(build=lambda _: found, name=named)
        if point := EntryPoint.of(found):
            return cls(build=_no_agent, name=named, point=point)
        if isinstance(found, AgentServer):
            raise AgentImportError(
                f"agent {named!r} is an AgentServer without an entry point: its module has to call "
                "`@server.rtc_session()`"
            )
        if not callable(found) or (inspect.isclass(found) and not issubclass(found, Agent)):
            raise AgentImportError(f"agent {named!r} is {found!r}: {_FORMS}")
        try:
            takes_model = _takes_model(found)
        except TypeError as error:
            raise AgentImportError(f"agent {named!r} can't be made: {error}; {_FORMS}") from error
        build = found if takes_model else _without_model(found)
        return cls(build=build, name=named, takes_model=takes_model)

    @asynccontextmanager
    async def open(
        self, model: NotGivenOr[llm.LLM[Any]], prepare: Callable[[Opened], None]
    ) -> AsyncIterator[Opened]:
        """Build the agent and a session around the model; without one, around its own.

        Args:
            model: for a factory; an entry point makes its own.
            prepare: called with the session before it can start.

        Raises:
            AgentImportError: when a factory gives no agent, or makes no use of the model.
            EntryPointError: when an entry point raises, or starts no session.
        """
        if self.point is not None:
            async with self.point.running(prepare) as opened:
                yield opened
            return
        job = get_job_context(required=False)
        if isinstance(job, RecordedJob):
            job.enter_room()
        references = sys.getrefcount(model)
        made = self.build(model)
        async with AsyncExitStack() as stack:
            if isinstance(made, AbstractAsyncContextManager | AbstractContextManager):
                references += 1  # the argument of a generator that goes on
            if isinstance(made, AbstractAsyncContextManager):
                made = await stack.enter_async_context(made)
            elif isinstance(made, AbstractContextManager):
                made = stack.enter_context(made)
            elif isinstance(made, Awaitable) and not isinstance(made, AgentTask):
                made = await made
            is_kept = sys.getrefcount(model) > references
            opened = self._opened(made, model)
            if self.takes_model and model and not is_kept:
                self._check_use(made, opened, model)
            prepare(opened)
            yield opened

    def _check_use(self, made: Any, opened: Opened, model: llm.LLM[Any]) -> None:
        """See that nothing would answer by another model than the one that was given.

        Raises:
            AgentImportError: when the factory ignored it.
        """
        own = opened.agent.llm if opened.agent is not None else None
        if own is model or (opened.session.llm is model and not isinstance(made, Agent)):
            return
        if isinstance(made, Agent) and not isinstance(own, llm.LLM):
            return  # the session that it gets has the model
        other = own if isinstance(own, llm.LLM) else opened.session.llm
        shown = f"answers by {described(other)}" if isinstance(other, llm.LLM) else "has no model"
        raise AgentImportError(
            f"agent {self.name!r} was given the model and made no use of it: what it returned "
            f"{shown}. Pass the model on, as in `AgentSession(llm=model)`; a function without an "
            "argument may keep models of its own, and the run's stands in for them"
        )

    def _opened(self, made: Any, model: NotGivenOr[llm.LLM[Any]]) -> Opened:
        match made:
            case Agent():
                agent, session = made, AgentSession[Any](llm=model)
            case (Agent() as agent, AgentSession() as session):
                pass
            case _:
                raise AgentImportError(f"agent {self.name!r} gave {made!r}: {_FORMS}")

        async def start() -> RunResult[Any]:
            return await result_when_quiet(session, session.start(agent, capture_run=True))

        return Opened(agent=agent, session=session, start=start)


def _takes_model(found: Callable[..., Any]) -> bool:
    """Whether it is called with the model.

    Raises:
        TypeError: when it needs more than that.
    """
    try:
        signature = inspect.signature(found)
    except ValueError:  # built in, so nobody knows
        return True
    takes_model = bool(signature.parameters) and not inspect.isclass(found)
    signature.bind(*([None] if takes_model else []))
    return takes_model


def _without_model(found: Callable[[], Any]) -> Callable[[llm.LLM[Any]], Any]:
    return lambda _: found()


def _no_agent(_: Any) -> Any:
    """What an entry point has for a factory."""
    raise AssertionError("an entry point starts its session itself")
