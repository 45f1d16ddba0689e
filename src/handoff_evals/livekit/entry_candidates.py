"""What of a module may be the entry of an agent: a server, an entry point, a factory, a class."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from livekit.agents import Agent, AgentServer, AgentTask, JobContext, WorkerOptions, llm

from handoff_evals.livekit.entrypoint import EntryPoint, takes
from handoff_evals.livekit.internals import entrypoint_of


@dataclass(frozen=True, kw_only=True)
class EntryCandidate:
    """A name of a module that a scenario file may name as its `agent:`."""

    name: str
    what: str
    """In words."""
    is_class: bool = False


def entry_candidates(module: ModuleType) -> tuple[EntryCandidate, ...]:
    """What a module may be called by, the nearest to its deployment first."""
    found = [*_points(module), *_factories(module), *_classes(module)]
    return tuple({each.name: each for each in found}.values())


def unmakeable(module: ModuleType) -> Mapping[str, str]:
    """The agent classes of a module that need arguments, with why they can't be made without."""
    found: dict[str, str] = {}
    for name, agent in _agents(module):
        try:
            inspect.signature(agent).bind()
        except TypeError as error:
            found[name] = str(error)
    return found


def _points(module: ModuleType) -> Iterator[EntryCandidate]:
    names = vars(module)
    servers = {n: v for n, v in names.items() if isinstance(v, AgentServer | WorkerOptions)}
    called: list[Any] = []
    for name, server in servers.items():
        if EntryPoint.of(server) is None:
            continue
        if isinstance(server, AgentServer):
            called.append(entrypoint_of(server))
        yield EntryCandidate(name=name, what=f"{type(server).__name__} with an entry point")
    for name, value in names.items():
        if _is_own(module, value) and takes(value) is JobContext and value not in called:
            yield EntryCandidate(name=name, what="entry point, a function of a JobContext")


def _factories(module: ModuleType) -> Iterator[EntryCandidate]:
    for name, value in vars(module).items():
        if not inspect.isfunction(value) or not _is_own(module, value) or name.startswith("_"):
            continue
        signature = inspect.signature(value)
        needed = [
            each
            for each in signature.parameters.values()
            if each.default is inspect.Parameter.empty
            and each.kind not in {each.VAR_POSITIONAL, each.VAR_KEYWORD}
        ]
        gives = signature.return_annotation
        makes = "Agent" in (gives if isinstance(gives, str) else repr(gives))
        gets_model = len(needed) == 1 and _is_model(needed[0])
        if gets_model or (makes and not needed):
            yield EntryCandidate(name=name, what="function that makes the agent")


def _is_model(parameter: inspect.Parameter) -> bool:
    written = parameter.annotation
    text = written if isinstance(written, str) else repr(written)
    return written is llm.LLM or "LLM" in text or parameter.name in {"model", "llm"}


def _classes(module: ModuleType) -> Iterator[EntryCandidate]:
    needing = unmakeable(module)
    for name, _agent in _agents(module):
        if name not in needing:
            yield EntryCandidate(name=name, what="Agent class", is_class=True)


def _agents(module: ModuleType) -> Iterator[tuple[str, type[Agent]]]:
    for name, value in vars(module).items():
        is_agent = inspect.isclass(value) and issubclass(value, Agent)
        if is_agent and not issubclass(value, AgentTask) and _is_own(module, value):
            yield name, value


def _is_own(module: ModuleType, value: Any) -> bool:
    return getattr(value, "__module__", None) == module.__name__
