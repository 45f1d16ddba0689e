"""Agents with the same id, and what tells them apart.

livekit's id is the class's name, so all agents of one class share it. Two are different agents
where they are told other things, or have other tools, by how the call came to them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from livekit.agents import Agent, llm

from handoff_evals.livekit import ToolCall

_LONGEST_VALUE = 40
_INSTRUCTIONS = "instructions"
_LONGEST_INSTRUCTIONS = 200


@dataclass(frozen=True, kw_only=True)
class AgentInstance:
    """An agent as it took the call."""

    group: tuple[str, str]
    """From whom, and by which calls."""
    attributes: Mapping[str, str]
    character: str
    """What it is told and which tools it has, without the words that the calls brought."""


_BASE = frozenset(vars(Agent(instructions="none")))


def attributes_of(agent: Agent) -> Mapping[str, str]:
    """The plain values that an agent's own code gave it, and its instructions if they are short."""
    found = {
        name: str(value)
        for name, value in vars(agent).items()
        if name not in _BASE
        and isinstance(value, str | int | Enum)
        and 0 < len(str(value)) <= _LONGEST_VALUE
    }
    text = str(agent.instructions)
    return {**found, _INSTRUCTIONS: text} if len(text) <= _LONGEST_INSTRUCTIONS else found


def character_of(agent: Agent, played: Sequence[ToolCall], *, chosen: str) -> str:
    """What makes an agent another one than the next of its class.

    Args:
        agent: the agent.
        played: the calls until then; what they brought in free words and numbers is left out.
        chosen: where the values stand that are a choice, and no free words.
    """
    text = str(agent.instructions)
    for call in played:
        for value in json.loads(call.arguments).values():
            free = isinstance(value, str | int | float) and not isinstance(value, bool)
            if free and str(value) and json.dumps(value) not in chosen:
                text = text.replace(str(value), "")
    return f"{text}\x1f{sorted(llm.ToolContext(agent.tools).function_tools)}"


def is_several(instances: Sequence[AgentInstance]) -> bool:
    """Whether one label stands for several agents: they differ by how the call came there."""
    steady = _steady({each.group: [] for each in instances}, instances)
    return len(set(steady.values())) > 1


def _steady(
    groups: dict[tuple[str, str], list[str]], instances: Sequence[AgentInstance]
) -> Mapping[tuple[str, str], str]:
    """The character of each group, where it is the same each time."""
    for each in instances:
        groups[each.group].append(each.character)
    return {group: found[0] for group, found in groups.items() if len(set(found)) == 1}


def telling(instances: Sequence[AgentInstance]) -> Iterator[str]:
    """The attribute that tells the agents of one label apart, if there is one."""
    if not is_several(instances):
        return
    steady = _steady({each.group: [] for each in instances}, instances)
    names = {name for each in instances for name in each.attributes}
    ranked: list[tuple[bool, int, bool, str]] = []
    for name in names:
        values: dict[str, set[str]] = {}
        for each in instances:
            if each.group in steady:
                values.setdefault(each.character, set()).add(each.attributes.get(name, ""))
        firsts = {next(iter(found)) for found in values.values() if len(found) == 1}
        if len(firsts) == len(values) and all(len(found) == 1 for found in values.values()):
            ranked.append((name == _INSTRUCTIONS, -len(firsts), name.startswith("_"), name))
    if ranked:
        yield min(ranked)[-1]


def names_in(userdata: Any) -> Iterator[str]:
    """The names under which userdata keeps agents, and their ids."""
    values = getattr(userdata, "__dict__", {})
    for holder in (userdata, *values.values()):
        if not isinstance(holder, Mapping):
            continue
        for name, value in holder.items():
            if isinstance(value, Agent):
                yield from (str(name), value.id)
            elif isinstance(value, type) and issubclass(value, Agent):
                yield str(name)
