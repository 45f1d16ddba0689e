"""What changed between two versions of the same agents."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from handoff_evals.cassettes import ModelIdentity, RecordedRequest
from handoff_evals.transcript import (
    Transcript,
    message_text,
)
from handoff_evals.word_diff import changed_words


def requests(transcript: Transcript) -> tuple[RecordedRequest, ...]:
    """Every request in order, without the ids that are drawn by chance.

    Which model was asked is left out: it is the same on both sides.
    """
    return tuple(
        RecordedRequest(
            agent=call.agent.label,
            model=ModelIdentity(label=""),
            messages=call.messages,
            tools=call.tools,
            tool_choice=call.tool_choice,
        ).canonical()
        for call in transcript.model_calls
    )


@dataclass(frozen=True, kw_only=True)
class ToolSnapshot:
    """A tool as the agent holds it."""

    description: str
    parameters: Mapping[str, Any]
    """Its JSON schema."""
    leads_to: tuple[str, ...] = ()
    """Ids of the agents that its code names, sorted."""
    code: str = ""
    """A digest of what it does: its function, and those of the project that it uses."""


@dataclass(frozen=True, kw_only=True)
class AgentSnapshot:
    """An agent at the moment when it takes the call."""

    label: str
    instructions: str
    tools: Mapping[str, ToolSnapshot]
    """By name."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Its own models and how it takes turns, as text; what it leaves to the session is left out."""
    code: str = ""
    """A digest of its methods, and of what they use in the project."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A scenario held with the oracle: what its agents are when everything goes as expected."""

    transcript: Transcript
    passed: bool
    """Whether everything that the scenario expects came of it."""
    session: Mapping[str, str]
    """The session's own options, as text."""
    looks: tuple[AgentSnapshot, ...]
    """One for each time an agent took the call, in order."""


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """All scenarios of a suite, rehearsed on one side."""

    suite: str
    rehearsals: Mapping[str, Rehearsal]
    """By the scenario's label."""
    not_met: Mapping[str, str] = field(default_factory=dict)
    """Agent classes of the module that no scenario met, with a digest of their code."""


def same(a: Rehearsal, b: Rehearsal) -> bool:
    """Whether two rehearsals of a scenario show the same agents and the same conversation."""
    one, other = a.transcript, b.transcript
    return (
        a.looks == b.looks
        and a.session == b.session
        and requests(one) == requests(other)
        and one.happenings == other.happenings
    )


Kind = Literal[
    "agent", "instructions", "tool", "description", "signature", "edge", "option", "code", "context"
]
SESSION = "the session"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that is not what it was; `before` or `after` is None where it was not there."""

    agent: str
    kind: Kind
    name: str = ""
    """The tool, the option, or the agent that an edge leads to."""
    before: str | None = None
    after: str | None = None

    @property
    def sentence(self) -> str:
        """What changed, without the agent's name."""
        what = f"{self.kind} {self.name}".strip()
        match self.kind:
            case "instructions" | "context":
                said = "instructions" if self.kind == "instructions" else "what it is told"
                return f"{said}: {changed_words(self.before or '', self.after or '')}"
            case "description" | "signature":
                words = changed_words(self.before or "", self.after or "")
                return f"{self.kind} of {self.name}: {words}"
            case "option":
                return f"{self.name}: {self.before or 'not set'} -> {self.after or 'not set'}"
            case "code":
                return f"the code of {self.name or 'its methods'}"
        if self.kind == "edge":
            what = f"edge to {self.name}"
        return f"{what} {'added' if self.before is None else 'gone'}"


def changes(a: Rehearsed, b: Rehearsed) -> tuple[Change, ...]:
    """All changes that some scenario's rehearsal shows, each of them once.

    The same scenario on both sides, and in it the first time that an agent took the
    call against the first time, and so on.
    """
    found: dict[Change, None] = {}
    only_a, only_b = met(a) - met(b), met(b) - met(a)
    for label in sorted(only_a):
        found[Change(agent=label, kind="agent", before=label)] = None
    for label in sorted(only_b):
        found[Change(agent=label, kind="agent", after=label)] = None
    for scenario, first in a.rehearsals.items():
        second = b.rehearsals.get(scenario)
        if second is not None:
            found.update(dict.fromkeys(_of_scenario(first, second)))
    # The same edit of two texts that differ elsewhere, as in an id, is told once.
    told: dict[tuple[str, str], Change] = {}
    for each in found:
        told.setdefault((each.agent, each.sentence), each)
    return tuple(sorted(told.values(), key=lambda each: each.agent))


def met(side: Rehearsed) -> set[str]:
    """The agents that some scenario met."""
    return {look.label for each in side.rehearsals.values() for look in each.looks}


def _of_scenario(a: Rehearsal, b: Rehearsal) -> Iterator[Change]:
    one, other = _by_label(a), _by_label(b)
    found = list(_mappings(SESSION, a.session, b.session))
    for label in one.keys() & other.keys():
        for before, after in zip(one[label], other[label], strict=False):
            found.extend(of_agent(before, after))
    # What an agent is told differs after most changes: it is news only where nothing explains it.
    yield from found or _told(a.transcript, b.transcript)


def _by_label(rehearsal: Rehearsal) -> Mapping[str, list[AgentSnapshot]]:
    found: dict[str, list[AgentSnapshot]] = defaultdict(list)
    for look in rehearsal.looks:
        found[look.label].append(look)
    return found


def of_agent(a: AgentSnapshot, b: AgentSnapshot) -> Iterator[Change]:
    """What differs between two looks at one agent."""
    seen = list(_seen(a, b))
    yield from seen
    # Instructions mostly stand in its code: that is news only where nothing else is.
    if not seen and a.code != b.code:
        yield Change(agent=a.label, kind="code", before=a.code, after=b.code)


def _seen(a: AgentSnapshot, b: AgentSnapshot) -> Iterator[Change]:
    if a.instructions != b.instructions:
        yield Change(
            agent=a.label, kind="instructions", before=a.instructions, after=b.instructions
        )
    for name in sorted({*a.tools, *b.tools}):
        one, other = a.tools.get(name), b.tools.get(name)
        if one is None or other is None:
            yield Change(
                agent=a.label,
                kind="tool",
                name=name,
                before=one.description if one else None,
                after=other.description if other else None,
            )
        else:
            yield from _of_tool(a.label, name, one, other)
    edges_a, edges_b = _edges(a), _edges(b)
    for edge in sorted(edges_a ^ edges_b):
        gone = edge in edges_a
        yield Change(
            agent=a.label,
            kind="edge",
            name=edge,
            before=edge if gone else None,
            after=None if gone else edge,
        )
    yield from _mappings(a.label, a.options, b.options)


def _of_tool(agent: str, name: str, a: ToolSnapshot, b: ToolSnapshot) -> Iterator[Change]:
    if a.description != b.description:
        yield Change(
            agent=agent, kind="description", name=name, before=a.description, after=b.description
        )
    if a.parameters != b.parameters:
        before, after = _signature(a), _signature(b)
        if before == after:  # its title, which the model gets too
            before, after = (json.dumps(each.parameters, sort_keys=True) for each in (a, b))
        yield Change(agent=agent, kind="signature", name=name, before=before, after=after)
    elif a.code != b.code:
        yield Change(agent=agent, kind="code", name=name, before=a.code, after=b.code)


def _signature(tool: ToolSnapshot) -> str:
    required = tool.parameters.get("required", ())
    properties: Mapping[str, Mapping[str, object]] = tool.parameters.get("properties", {})
    parts = [
        f"{name}{'' if name in required else '?'}: "
        + ", ".join(f"{key} {value}" for key, value in sorted(schema.items()) if key != "title")
        for name, schema in properties.items()
    ]
    return "; ".join(parts) or "no arguments"


def _edges(look: AgentSnapshot) -> set[str]:
    return {target for tool in look.tools.values() for target in tool.leads_to}


def _mappings(agent: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*a, *b}):
        if a.get(name) != b.get(name):
            yield Change(
                agent=agent, kind="option", name=name, before=a.get(name), after=b.get(name)
            )


def _told(a: Transcript, b: Transcript) -> Iterator[Change]:
    """The first request that tells its model something else beside the instructions."""
    for one, other in zip(requests(a), requests(b), strict=False):
        if one.conversation != other.conversation:
            yield Change(
                agent=other.agent, kind="context", before=_written(one), after=_written(other)
            )
            return


def _written(request: RecordedRequest) -> str:
    return "\n".join(
        f"{message['role']}: {message_text(message)}" for message in request.conversation
    )
