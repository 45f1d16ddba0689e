"""`agent: module:name`, made into an agent with a session, in a livekit job without a server."""

import inspect
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToJson
from livekit.agents import Agent, AgentSession, JobContext, NotGivenOr, llm
from livekit.agents.simulation import Scenario, SimulationDispatch, SimulationMode
from livekit.agents.testing import fake_job_context
from livekit.agents.types import ATTRIBUTE_SIMULATOR_DISPATCH

from handoff_evals.errors import AgentImportError
from handoff_evals.livekit.internals import remove_folder
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


@contextmanager
def text_job(
    *, label: str = "", userdata: Mapping[str, Any] | None = None, audio: bool = False
) -> Iterator[JobContext]:
    """Stand in a job that LiveKit itself takes for a text simulation, or one with `audio`.

    In text STT, TTS and VAD stay off by LiveKit's own switch, whatever the agents bring.
    `get_job_context()` and `current_simulation()` work, and no server is needed.
    """
    modes = SimulationMode
    dispatch = SimulationDispatch(
        simulation_run_id="handoff-evals",
        mode=modes.SIMULATION_MODE_AUDIO if audio else modes.SIMULATION_MODE_TEXT,
        scenario=Scenario(label=label, userdata=json.dumps(dict(userdata or {}), default=str)),
    )
    with fake_job_context() as job:
        job.job.attributes[ATTRIBUTE_SIMULATOR_DISPATCH] = MessageToJson(dispatch)
        try:
            yield job
        finally:
            remove_folder(job)


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
        allow_construction()
        found = import_reference(
            entry, folder=folder or Path.cwd(), what="agent", raises=AgentImportError
        )
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
            # An AgentTask can be awaited too, but by another agent only.
            coming = isinstance(made, Awaitable) and not isinstance(made, Agent)
            yield self._opened(await made if coming else made, model)

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
