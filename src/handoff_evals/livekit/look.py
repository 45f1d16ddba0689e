"""What can be seen of an agent and of a session, without asking them anything."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.utils import is_given

from handoff_evals.livekit.code import digest_of_agent, digest_of_function
from handoff_evals.livekit.described import described, written
from handoff_evals.livekit.handoff_tools import function_of, leads_to
from handoff_evals.livekit.schemas import schemas
from handoff_evals.livekit.tap import Tap
from handoff_evals.versions import AgentLook, ToolLook

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
