"""What can be seen of an agent and its session from outside, their code included.

A digest of a function covers its bytecode, the project's functions and classes that it
comes to use, and the plain values that it reads by name. Other agents are left out: each
is looked at when it takes the call. So are docstrings and line numbers, which no
conversation depends on, and all that lies outside the project.
"""

import hashlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.utils import is_given

from handoff_evals.changes import AgentLook, ToolLook
from handoff_evals.livekit.tap import Tap, described, written
from handoff_evals.livekit.tools import function_of, leads_to, schemas

_ABSENT = object()


def fields_of(data: object, names: Iterable[str]) -> dict[str, Any]:
    """The values, by name and sorted; a name that an object does not have is left out.

    What a mapping lacks is None, since its keys come and go. Where a property raises, what
    it says stands for the value.
    """
    found = {name: _looked_up(data, name) for name in sorted(names)}
    return {name: value for name, value in found.items() if value is not _ABSENT}


def _looked_up(data: object, name: str) -> Any:
    if isinstance(data, Mapping):
        return data.get(name)
    try:
        return getattr(data, name, _ABSENT)
    except Exception as error:  # noqa: BLE001 - the user's property, and nobody's fault here
        return f"{type(error).__name__}: {error}"


_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(...))


def digest_of_function(function: Any, *, folder: Path) -> str:
    """A digest of a function.

    Args:
        function: what is called; a wrapper is looked through.
        folder: the project.
    """
    return _digest(_Reader(folder).parts(inspect.unwrap(function)))


def digest_of_agent(agent: type[Agent], *, folder: Path) -> str:
    """A digest of an agent's methods and attributes, those of its bases in the project too.

    Its tools are left out: each has its own.
    """
    reader = _Reader(folder)
    own = [each for each in agent.__mro__ if reader.is_own(each)]
    return _digest(part for each in own for part in reader.members(each))


class _Reader:
    """Follows what a function uses, each thing once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._seen: set[int] = set()

    def is_own(self, thing: Any) -> bool:
        """Whether a function, a class or a module is the project's."""
        try:
            path = Path(inspect.getfile(thing)).resolve()
        except (OSError, TypeError):
            return False
        return path.is_relative_to(self._folder) and "site-packages" not in path.parts

    def parts(self, thing: Any) -> Iterator[str]:
        """All that a value comes to, as text."""
        if isinstance(thing, Enum):
            yield f"{type(thing).__qualname__}.{thing.name}"
        elif isinstance(thing, _PLAIN):
            yield repr(thing)
        elif isinstance(thing, list | tuple):
            for each in thing:
                yield from self.parts(each)
        elif isinstance(thing, set | frozenset):
            yield from sorted(part for each in thing for part in self.parts(each))
        elif isinstance(thing, Mapping):
            for name, value in thing.items():
                yield from self.parts(name)
                yield from self.parts(value)
        elif id(thing) in self._seen:
            return
        else:
            self._seen.add(id(thing))
            yield from self._object(thing)

    def members(self, owner: type) -> Iterator[str]:
        """The methods of a class, and its plain attributes."""
        for name, member in sorted(vars(owner).items()):
            if name.startswith("__") and not callable(member):
                continue  # its docstring, its module, its annotations
            yield name
            if isinstance(member, classmethod | staticmethod):
                yield from self.parts(member.__func__)
            elif isinstance(member, property):
                for function in (member.fget, member.fset, member.fdel):
                    yield from self.parts(function)
            else:
                yield from self.parts(member)

    def _object(self, thing: Any) -> Iterator[str]:
        if isinstance(thing, FunctionType):
            yield thing.__qualname__
            if self.is_own(thing):
                yield from self._function(thing)
        elif isinstance(thing, type):
            yield thing.__qualname__
            if self.is_own(thing) and not issubclass(thing, Agent):
                yield from self.members(thing)
        else:
            yield type(thing).__qualname__

    def _function(self, function: FunctionType) -> Iterator[str]:
        yield from self._code(function.__code__, skip=function.__doc__)
        yield from self.parts(function.__defaults__)
        yield from self.parts(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            try:
                yield from self.parts(inspect.unwrap(cell.cell_contents))
            except ValueError:  # it is not filled yet
                continue
        names = sorted(set(_names(function.__code__)))
        found = [function.__globals__[name] for name in names if name in function.__globals__]
        for thing in found:
            yield from self.parts(thing)
            if isinstance(thing, ModuleType) and self.is_own(thing):
                yield from self.parts([getattr(thing, name, None) for name in names])

    def _code(self, code: CodeType, *, skip: str | None = None) -> Iterator[str]:
        yield code.co_code.hex()
        yield " ".join((*code.co_names, *code.co_varnames, *code.co_freevars))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from self._code(constant)
            elif constant != skip:
                yield from self.parts(constant)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _digest(parts: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\x1f")
    return digest.hexdigest()[:16]


_MODELS = ("llm", "stt", "tts", "vad")
_TURNS = (
    "turn_detection",
    "allow_interruptions",
    "interruption_detection",
    "min_endpointing_delay",
    "max_endpointing_delay",
    "min_consecutive_speech_delay",
    "use_tts_aligned_transcript",
    "expressive",
)


def look_at(agent: Agent, *, label: str, folder: Path) -> AgentLook:
    """Look at an agent as it takes the call.

    Args:
        agent: the agent.
        label: what reports call it.
        folder: the project, whose code is told apart from everybody else's.
    """
    return AgentLook(
        label=label,
        instructions=str(agent.instructions),
        tools=_tools(agent, folder),
        options=dict(_options(agent, (*_MODELS, *_TURNS))),
        code=digest_of_agent(type(agent), folder=folder),
    )


def session_options(session: AgentSession[Any]) -> Mapping[str, str]:
    """The session's own models, and how it takes turns."""
    given = dict(_options(session, _MODELS))
    for field in fields(session.options):
        given[field.name] = written(getattr(session.options, field.name))
    return given


def _tools(agent: Agent, folder: Path) -> Mapping[str, ToolLook]:
    found: dict[str, ToolLook] = {}
    described = {schema.name: schema for schema in schemas(agent.tools)}
    for name, tool in llm.ToolContext(agent.tools).function_tools.items():
        found[name] = ToolLook(
            description=described[name].description,
            parameters=described[name].parameters,
            leads_to=tuple(sorted(leads_to(tool))),
            code=digest_of_function(function_of(tool), folder=folder),
        )
    return found


def _options(holder: Any, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = getattr(holder, name)
        # The run's model stands in for it: that is nothing the agent brought.
        if is_given(value) and value is not None and not isinstance(value, Tap):
            yield name, described(value) if name in _MODELS else written(value)
