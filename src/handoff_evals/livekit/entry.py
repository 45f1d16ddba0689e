"""`agent: module:name`, made into an agent with a session."""

import importlib
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit.agents import Agent, AgentSession, NotGivenOr, llm

from handoff_evals.errors import AgentImportError
from handoff_evals.livekit import offline

_FORMS = (
    "it must be an Agent class, or a function (plain, async or an async context manager) that "
    "gets the model and returns an agent or `(agent, session)`"
)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An agent and the session to start it in."""

    agent: Agent
    session: AgentSession[Any]


@dataclass(frozen=True, kw_only=True)
class AgentEntry:
    """Where an agent under test comes from; each conversation opens it anew."""

    build: Callable[..., Any]
    name: str

    @classmethod
    def load(cls, entry: str, *, folder: Path | None = None) -> "AgentEntry":
        """Import `module:name`, with the given folder (the current one) on the path.

        Raises:
            AgentImportError: when there is no such thing, or it can't be an agent.
        """
        module_name, colon, name = entry.partition(":")
        if not colon or not module_name or not name:
            raise AgentImportError(
                f"agent {entry!r}: write `module:name`, as in `my_agents:Triage`"
            )
        path = str((folder or Path.cwd()).resolve())
        if path not in sys.path:
            sys.path.insert(0, path)
        offline.allow_construction()
        try:
            found: Any = importlib.import_module(module_name)
            for part in name.split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:
            raise AgentImportError(
                f"agent {entry!r} can't be imported: {type(error).__name__}: {error}. "
                f"Modules are looked up from {path!r} first; is that your project's folder?"
            ) from error
        return cls.of(found, name=entry)

    @classmethod
    def of(cls, found: Any, *, name: str = "") -> "AgentEntry":
        """Take an Agent class, a factory, or (for a single conversation) an agent.

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
        if not callable(found) or (inspect.isclass(found) and not issubclass(found, Agent)):
            raise AgentImportError(f"agent {named!r} is {found!r}: {_FORMS}")
        try:
            takes_model = _takes_model(found)
        except TypeError as error:
            raise AgentImportError(f"agent {named!r} can't be made: {error}; {_FORMS}") from error
        return cls(build=found if takes_model else _without_model(found), name=named)

    @asynccontextmanager
    async def open(self, model: NotGivenOr[llm.LLM[Any]]) -> AsyncIterator[Opened]:
        """Build the agent and a session around the model; without one, around its own."""
        made = self.build(model)
        if isinstance(made, AbstractAsyncContextManager):
            async with made as inner:
                yield self._opened(inner, model)
        elif isinstance(made, AbstractContextManager):
            with made as inner:
                yield self._opened(inner, model)
        else:
            yield self._opened(await made if isinstance(made, Awaitable) else made, model)

    def _opened(self, made: Any, model: NotGivenOr[llm.LLM[Any]]) -> Opened:
        match made:
            case Agent():
                return Opened(agent=made, session=AgentSession(llm=model))
            case (Agent() as agent, AgentSession() as session):
                return Opened(agent=agent, session=session)
            case _:
                raise AgentImportError(f"agent {self.name!r} gave {made!r}: {_FORMS}")


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
