"""What can be seen of an agent and its session from outside.

A digest of a function covers its bytecode, the project's functions and classes that it
comes to use, and the plain values that it reads by name. Other agents are left out: each
is looked at when it takes the call. So are docstrings and line numbers, which no
conversation depends on, and all that lies outside the project.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.utils import is_given

from handoff_evals.agent_source import digest_of_class, digest_of_function
from handoff_evals.changes import AgentSnapshot, ToolSnapshot
from handoff_evals.livekit.llm_wrapper import described, written
from handoff_evals.livekit.tap import Tap
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


def look_at(agent: Agent, *, label: str, folder: Path) -> AgentSnapshot:
    """Look at an agent as it takes the call.

    Args:
        agent: the agent.
        label: what reports call it.
        folder: the project, whose code is told apart from everybody else's.
    """
    return AgentSnapshot(
        label=label,
        instructions=str(agent.instructions),
        tools=_tools(agent, folder),
        options=dict(_options(agent, (*_MODELS, *_TURNS))),
        code=digest_of_class(type(agent), folder=folder),
    )


def session_options(session: AgentSession[Any]) -> Mapping[str, str]:
    """The session's own models, and how it takes turns."""
    given = dict(_options(session, _MODELS))
    for field in fields(session.options):
        given[field.name] = written(getattr(session.options, field.name))
    return given


def _tools(agent: Agent, folder: Path) -> Mapping[str, ToolSnapshot]:
    found: dict[str, ToolSnapshot] = {}
    described = {schema.name: schema for schema in schemas(agent.tools)}
    for name, tool in llm.ToolContext(agent.tools).function_tools.items():
        found[name] = ToolSnapshot(
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
