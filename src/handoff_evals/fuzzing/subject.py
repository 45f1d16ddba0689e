"""The agents that random conversations are run with, and what must be true of all of them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from handoff_evals.drivers import Limits
from handoff_evals.livekit import AgentEntry
from handoff_evals.scenarios import Target, Watch, discover, load_suite
from handoff_evals.transcript import AgentRef, Fault


@dataclass(frozen=True, kw_only=True)
class ContextItem:
    """A message, a tool call or a tool's output in an agent's context."""

    id: str
    type: str
    """`message`, `function_call` or `function_call_output`, as livekit names them."""
    name: str
    """A message's role, or the tool's name."""
    text: str
    """What was said, the call's arguments, or the output."""

    def __str__(self) -> str:
        """As a person would say which one it is."""
        match self.type:
            case "message":
                return f"the {self.name} message {self.text!r}"
            case "function_call":
                return f"the call {self.name}({self.text})"
            case _:
                return f"the output {self.text!r} of {self.name}"


@dataclass(frozen=True, kw_only=True)
class HandoffRecord:
    """A handoff as the session's history holds it: livekit's ids of both agents."""

    old: str | None
    new: str


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One time that an agent instance took the call over."""

    old: AgentRef | None
    new: AgentRef
    instance: int
    """The same number for the same instance."""
    resumed: bool = False
    """Whether it only went on after an AgentTask: then nothing is entered."""
    kind: str = "handoff"
    """Which kind of handoff it was, as `AgentHandoff` has it."""


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """One run of an agent's `on_enter`, and what stood where when it began."""

    instance: int
    agent: AgentRef
    first: bool
    """Whether it is the agent that takes the call: it is handed nothing."""
    context: tuple[ContextItem, ...]
    """What the agent begins with, without its own instructions."""
    left: tuple[ContextItem, ...]
    """The context of the agent that had the call before."""
    history: tuple[ContextItem, ...]
    """The session's history."""
    tools: frozenset[str]
    own: tuple[ContextItem, ...] = ()
    """What this instance knew when it last had the call; nothing the first time."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All of it, after some turn or after the end."""

    said: tuple[str, ...]
    """The caller's messages, as they were given to the session."""
    heard: tuple[str, ...]
    """The caller's messages, as the session's history holds them."""
    records: tuple[HandoffRecord, ...]
    active: str | None
    """The id of the agent that has the call; None when the session is closed."""
    activations: tuple[Activation, ...]
    entrances: tuple[Entrance, ...]
    faults: tuple[Fault, ...]


def _adds_nothing(item: ContextItem) -> bool:  # noqa: ARG001 - the default of `Subject.adds`
    """Say that an agent adds nothing to the context that it hands on."""
    return False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is put to the test, and what its author declares about it.

    ```python
    Subject(
        entry=AgentEntry.load("my_agents:reception"),
        graph={"reception": ["specialist[topic=billing]"], "specialist": ["reception"]},
    )
    ```
    """

    entry: AgentEntry
    """Named `module:name`, so that a scenario file can name it too."""
    graph: Mapping[str, Collection[str]]
    """From each agent to those that it may hand over to, written as in scenario files.
    The first one takes the call."""
    adds: Callable[[ContextItem], bool] = _adds_nothing
    """Which new items (a summary, say) an agent may put into the context it hands on."""
    scenarios: Collection[str | Path] = ()
    """Scenario files, or folders with some, whose arguments the random model uses besides its
    own. A tool that refuses what is merely of the right type is run by no others."""
    limits: Limits = field(default_factory=lambda: Limits(turn_s=20.0))
    """The deadlines of a turn and of closing."""

    def __post_init__(self) -> None:
        if not self.graph:
            raise ValueError("graph is empty: name at least the agent that takes the call")
        if not isinstance(self.entry, AgentEntry):
            raise TypeError(f"entry is {self.entry!r}: load it, AgentEntry.load('module:name')")
        for old, news in self.graph.items():
            if isinstance(news, str):
                raise TypeError(f"graph[{old!r}] is {news!r}: give a list of agents, [{news!r}]")

    @cached_property
    def watch(self) -> Watch:
        """The attributes by which the graph tells agents apart."""
        targets = [target for old, news in self._edges for target in (old, *news)]
        return Watch(attributes=frozenset(name for target in targets for name in target.where))

    def strays(self, steps: Iterable[Activation]) -> Iterator[Activation]:
        """The steps that the graph does not have; from nobody it leads to the first agent."""
        for old, step in self.sources(steps):
            left_out = step.kind == "task" and not self._names(step.new)
            if step.kind != "return" and not left_out and not self._leads(old, step.new):
                yield step

    def sources(self, steps: Iterable[Activation]) -> Iterator[tuple[AgentRef | None, Activation]]:
        """The agent of the graph that each step comes from, with the step.

        An AgentTask that the graph does not name is a part of the agent that awaits it.
        """
        awaiting: list[AgentRef] = []
        for step in steps:
            old = step.old
            if old is not None and not self._names(old):
                old = next((each for each in reversed(awaiting) if self._names(each)), old)
            yield old, step
            if step.kind == "return":
                awaiting = awaiting[:-1]
            elif step.kind == "task" and step.old is not None:
                awaiting.append(step.old)
            else:
                awaiting = []

    def _names(self, agent: AgentRef) -> bool:
        return any(target.matches(agent) for old, news in self._edges for target in (old, *news))

    def _leads(self, old: AgentRef | None, new: AgentRef) -> bool:
        if old is None:
            return self._edges[0][0].matches(new)
        return any(
            target.matches(new)
            for source, news in self._edges
            if source.matches(old)
            for target in news
        )

    @cached_property
    def edges(self) -> Mapping[str, tuple[Target, Target]]:
        """The edges of the graph, each by how it is written."""
        return {
            f"{old} -> {new}": (Target.parse(old), Target.parse(new))
            for old, news in self.graph.items()
            for new in news
        }

    @cached_property
    def values(self) -> Mapping[str, tuple[Any, ...]]:
        """What scenario files give for arguments, by name: `calls`, and fields of `userdata`.

        Raises:
            UsageError: when there is no such file, or it can't be read.
        """
        named = [str(each) for each in self.scenarios]
        found: dict[str, list[Any]] = {}
        for path in discover(named, folder=Path.cwd()) if named else ():
            for scenario in load_suite(path).scenarios:
                for turn in scenario.turns:
                    given = [call.arguments for call in turn.expect.calls or ()]
                    for fields in (*given, turn.expect.userdata):
                        for name, value in fields.items():
                            found.setdefault(name, []).append(value)
        return {name: _distinct(values) for name, values in found.items()}

    @cached_property
    def _edges(self) -> list[tuple[Target, list[Target]]]:
        return [
            (Target.parse(old), list(map(Target.parse, news))) for old, news in self.graph.items()
        ]


Invariant = Callable[[Observed, Subject], Iterator[str]]
"""Gives a sentence for each place where it does not hold."""

_LATE = {"turn_timeout", "model_timeout", "handoff_loop", "close_timeout", "interruption_timeout"}


def chain_is_unbroken(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """Each record goes on where the one before ended, and the last one names the active agent."""
    records = seen.records
    chain = " ".join(f"{record.old} -> {record.new}," for record in records).rstrip(",")
    if records and records[0].old is not None:
        yield f"the first record comes from {records[0].old!r}, not from nobody: {chain}"
    for earlier, later in pairwise(records):
        if later.old != earlier.new:
            yield f"after {earlier.new!r} the next record comes from {later.old!r}: {chain}"
    last = records[-1].new if records else None
    if seen.active is not None and last != seen.active:
        yield f"the active agent is {seen.active!r}, the last record names {last!r}"


def entered_once(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """Each activation of an agent has exactly one run of its `on_enter`."""
    names = {each.instance: each.new.label for each in seen.activations}
    names.update({each.instance: each.agent.label for each in seen.entrances})
    activated = Counter(each.instance for each in seen.activations if not each.resumed)
    entered = Counter(each.instance for each in seen.entrances)
    for instance, name in names.items():
        if activated[instance] != entered[instance]:
            yield (
                f"{name!r} was activated {activated[instance]} times, "
                f"and its on_enter ran {entered[instance]} times"
            )


def graph_is_kept(seen: Observed, subject: Subject) -> Iterator[str]:
    """No agent is activated that the graph does not lead to."""
    for step in subject.strays(seen.activations):
        old = step.old.label if step.old else "nobody"
        yield f"{old!r} -> {step.new.label!r} is no step of the graph"


def no_words_are_lost(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """The history holds every message of the caller, in order, and none twice."""
    if seen.heard != seen.said:
        yield f"the caller said {list(seen.said)}, the history holds {list(seen.heard)}"


def context_is_handed_on(seen: Observed, subject: Subject) -> Iterator[str]:
    """What an agent begins with is a subsequence of what was there, unchanged.

    What was there is the context of the agent before, or the session's history.
    Calls and outputs of tools that the new agent does not have are filtered out.
    """
    for entrance in seen.entrances:
        if entrance.first:
            continue
        # An agent that has the call again has its own past.
        own = set(entrance.own)
        there = {item.id for item in (*entrance.left, *entrance.history)}
        handed = [
            item
            for item in entrance.context
            if item not in own and (item.id in there or not subject.adds(item))
        ]
        if not any(_is_subsequence(handed, of) for of in (entrance.left, entrance.history)):
            known = {*entrance.left, *entrance.history}
            strange = next((item for item in handed if item not in known), None)
            yield (
                f"{entrance.agent.label!r} begins with "
                + (
                    f"{strange}, which was not there; if it may be added: Subject(adds=...)"
                    if strange
                    else "another order of what was there"
                )
            )
        for item in entrance.context:
            if item.type != "message" and item.name not in entrance.tools:
                yield f"{entrance.agent.label!r} begins with {item}, but has no such tool"


def ends_in_time(seen: Observed, subject: Subject) -> Iterator[str]:  # noqa: ARG001
    """Every turn ends within its deadline, and so does closing."""
    for fault in seen.faults:
        if fault.cause in _LATE:
            yield f"{fault.cause} in turn {fault.turn}: {fault.detail}"


INVARIANTS: Mapping[str, Invariant] = {
    # The first one: a turn that was cut off may break any of the others.
    "every run ends in time": ends_in_time,
    "the chain of records is unbroken": chain_is_unbroken,
    "every activation has one on_enter": entered_once,
    "the graph is kept": graph_is_kept,
    "no words of the caller are lost": no_words_are_lost,
    "context is only handed on": context_is_handed_on,
}
"""By the name that a failure is reported under."""


def broken(seen: Observed, subject: Subject) -> tuple[str, str] | None:
    """The first invariant that does not hold and why, or None when all hold."""
    for name, invariant in INVARIANTS.items():
        for why in invariant(seen, subject):
            return name, why
    return None


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(value for index, value in enumerate(values) if value not in values[:index])


def _is_subsequence(items: Sequence[ContextItem], of: Sequence[ContextItem]) -> bool:
    rest = iter(of)
    return all(item in rest for item in items)
