"""Calls the tools of agents one after the other, to see who takes the call.

What an agent's source does not tell, as where a registry or a file leads, a rehearsal shows: in
one conversation after the other the model calls one more tool, with arguments made up as the
oracle makes them up. The agents' tools are really run; no model is asked.
"""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from livekit.agents import llm

from handoff_evals.drivers import Call, Limits
from handoff_evals.graph import Edge, HandoffGraph, Pair, joined, seen_graph
from handoff_evals.livekit import (
    AgentEntry,
    ArgumentHints,
    Lead,
    Reply,
    Request,
    ScriptedLLM,
    ToolCall,
    arguments_for,
    leads,
    leads_to,
    schemas,
)
from handoff_evals.models.agent_instances import (
    AgentInstance,
    attributes_of,
    character_of,
    is_several,
    names_in,
    telling,
)
from handoff_evals.models.moves import Move, names_of
from handoff_evals.models.reference import WORDS
from handoff_evals.scenarios import Scenario, ScriptedTurn, Target, Watch
from handoff_evals.transcript import AgentRef, Transcript, Turn

_MOST_CONVERSATIONS = 400
_MOST_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class ExploredStep:
    """One turn of the way to an agent."""

    calls: Move
    """What the model called."""
    agent: AgentRef
    """Who had the call after the turn."""
    through: tuple[AgentRef, ...] = ()
    """The agents that the call was handed to in the turn, that one included."""
    silent: bool = False
    """Whether the caller heard nothing in the turn."""


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """What a rehearsal of the tools showed."""

    graph: HandoffGraph
    ways: Mapping[str, tuple[ExploredStep, ...]] = field(default_factory=dict)
    """How each agent was reached, by its label."""
    edges: Mapping[Pair, tuple[ExploredStep, ...]] = field(default_factory=dict)
    """How each edge was taken: the way to the old agent, and on to the new one."""
    descriptions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """What tools say of themselves, by the agent's label and the tool's name."""
    shared_ids: frozenset[str] = frozenset()
    """Ids that several agents have, which nothing tells apart."""
    watch: Watch = field(default_factory=Watch)
    """The attributes that tell agents with the same id apart."""
    faults: tuple[str, ...] = ()
    """What went wrong in the opening, so that no tool could be called."""
    complete: bool = True
    """Whether every tool was called that seemed to lead anywhere, before time was up."""

    @property
    def first(self) -> str:
        """The agent, or the task, that hears the caller first; empty where none does."""
        return next((label for label, way in self.ways.items() if not way), "")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of it, in sentences."""
        found = [
            f"no tool could be called, the call failed in its opening: {', '.join(self.faults)}"
        ]
        found = found if self.faults else []
        for each in sorted(self.shared_ids):
            found.append(
                f"several agents have the id {each!r}, and no attribute tells them apart: give "
                "each a class of its own, or an attribute, as `self.topic = 'billing'`"
            )
        if not self.complete and not self.faults:
            found.append("time was up before every tool was called: edges may be missing")
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class ExploreSettings:
    """How far an exploration goes."""

    limits: Limits = field(default_factory=lambda: Limits(turn_s=10.0, call_s=60.0, close_s=2.0))
    seconds: float = 60.0
    """For all conversations."""
    thorough: bool = False
    """Whether tools are called of which the source tells where they lead."""


class Explorer:
    """Explores one agent under test.

    Args:
        entry: what is called.
        known: what the source tells.
        scenario: whose userdata, job and mocks each conversation has; None for none.
        watch: which attributes tell agents apart.
        settings: how far to go.
    """

    def __init__(
        self,
        entry: AgentEntry,
        *,
        known: HandoffGraph,
        scenario: Scenario | None = None,
        watch: Watch | None = None,
        settings: ExploreSettings | None = None,
    ) -> None:
        self._entry, self._known = entry, known
        self._scenario = scenario or Scenario(label="exploration", turns=())
        self._watch = watch or Watch()
        self._settings = settings or ExploreSettings()
        self._until = time.monotonic() + self._settings.seconds
        self._names: dict[str, None] = {}
        self._begin()

    def _begin(self) -> None:
        self._ways: dict[str, tuple[ExploredStep, ...]] = {}
        self._edges: dict[Pair, tuple[ExploredStep, ...]] = {}
        self._tools: dict[str, tuple[llm.Tool, ...]] = {}
        self._transcripts: list[Transcript] = []
        self._instances: dict[str, list[AgentInstance]] = {}
        self._led: dict[tuple[str, str], set[str]] = {}
        """Whom an agent's tool led to."""

    async def explore(self) -> Exploration:
        """Explore until nothing new comes, or time is up."""
        for _ in range(_MOST_ROUNDS):
            self._begin()
            complete = await self._explore()
            attributes = {name for each in self._instances.values() for name in telling(each)}
            if attributes <= self._watch.attributes or not self._is_time():
                break
            self._watch = replace(self._watch, attributes=self._watch.attributes | attributes)
        return Exploration(
            graph=self._graph(),
            ways=self._ways,
            edges=self._edges,
            descriptions={
                (label, each.name): each.description
                for label, tools in self._tools.items()
                for each in schemas(tools)
            },
            shared_ids=frozenset(
                label for label, found in self._instances.items() if is_several(found)
            ),
            watch=self._watch,
            faults=() if self._ways else tuple(_faults(self._transcripts)),
            complete=complete,
        )

    def _is_time(self) -> bool:
        return time.monotonic() < self._until and len(self._transcripts) < _MOST_CONVERSATIONS

    async def _explore(self) -> bool:
        opening = await self._converse(())
        if not opening.turns or opening.turns[0].active.id == "nobody":
            return False
        first = opening.turns[0].active.label
        self._ways[first] = ()
        waiting = deque([first])
        while waiting:
            label = waiting.popleft()
            for moves in self._tries(label):
                if not self._is_time():
                    return False
                steps = await self._try(label, moves)
                if not steps:
                    continue
                reached = steps[-1].agent.label
                if (label, reached) not in self._edges:
                    steps = await self._shortened(label, steps)
                    self._edges[label, reached] = (*self._ways[label], *steps)
                if reached not in self._ways:
                    self._ways[reached] = self._edges[label, reached]
                    waiting.append(reached)
        return True

    async def _shortened(
        self, label: str, steps: tuple[ExploredStep, ...]
    ) -> tuple[ExploredStep, ...]:
        """Leave out the steps before the last that the handoff does not need."""
        place = 0
        while place < len(steps) - 1 and self._is_time():
            moves = [step.calls for step in (*steps[:place], *steps[place + 1 :])]
            fewer = await self._try(label, moves)
            if fewer and fewer[-1].agent == steps[-1].agent:
                steps = fewer
            else:
                place += 1
        return steps

    async def _try(self, label: str, moves: Sequence[Move]) -> tuple[ExploredStep, ...]:
        """Have an agent's model call something; the steps until another one had the call."""
        way = self._ways[label]
        transcript = await self._converse([*(step.calls for step in way), *moves])
        steps: list[ExploredStep] = []
        later = transcript.turns[len(way) + 1 :]
        for turn, move in zip_longest(later, moves[: len(later)], fillvalue=()):
            if not isinstance(turn, Turn):
                break
            through = tuple(handoff.new for handoff in turn.transfers)
            silent = not turn.said.strip()
            steps.append(
                ExploredStep(calls=move, agent=turn.active, through=through, silent=silent)
            )
            if turn.active.label != label:
                for call in move:
                    self._led.setdefault((label, call.name), set()).add(turn.active.label)
                return tuple(steps)
        return ()

    def _tries(self, label: str) -> Iterator[tuple[Move, ...]]:
        """What an agent's model is to call, the most telling first."""
        tools = llm.ToolContext(list(self._tools.get(label, ()))).function_tools
        found = [each for each in leads(list(tools.values()), Target(id="")) if not each.hangs_up]
        told = {each.name: leads_to(tools[each.name]) for each in found}
        handing = [each for each in found if each.hands_over or told[each.name]]
        calls = {each.name: self._calls(tools[each.name], each) for each in handing}
        for number in range(max(map(len, calls.values()), default=0)):
            for name, made in calls.items():
                if number < len(made) and not self._is_clear(label, name, told):
                    yield ((made[number],),)
        # It may take something that is recorded, confirmed or looked up before.
        others = [each for each in found if (label, each.name) not in self._led]
        if len(others) > 1 and any(each in handing for each in others):
            once = {each.name: _fullest(self._calls(tools[each.name], each)) for each in others}
            for last in [each.name for each in others if each in handing]:
                if (label, last) not in self._led:
                    before = [(call,) for name, call in once.items() if name != last]
                    yield (*before, (once[last],))

    def _is_clear(self, label: str, name: str, told: Mapping[str, frozenset[str]]) -> bool:
        """Whether nobody has to call a tool: it leads to one agent only, which is reached.

        Where several tools lead to one class, or one to its own class, each leads to another
        agent of it; so does each call of one whose agents are told apart by attributes.
        """
        ids = told[name]
        if len(ids) != 1:
            return False
        if self._settings.thorough or (label, name) in self._known.unclear:
            return bool(ids & self._led.get((label, name), set()))
        same = [each for each in told.values() if each == ids]
        return len(same) == 1 and ids != {label.partition("[")[0]} and bool(ids & set(self._ways))

    def _calls(self, tool: llm.Tool, lead: Lead) -> list[ToolCall]:
        """Calls of a tool: for each agent that may be meant, and with all its choices."""
        known = [*self._names, *(each.id for each in self._known.agents)]
        wanted = [names_of(each) for each in known]
        hints = [ArgumentHints(wanted=(name, *names_of(name)), code=lead.values) for name in known]
        several = [arguments_for(tool, hints=each)[0] for each in hints]
        every = arguments_for(
            tool, hints=ArgumentHints(wanted=[w for each in wanted for w in each], code=lead.values)
        )
        written = dict.fromkeys(json.dumps(each) for each in (*every[:1], *several, *every[1:]))
        return [ToolCall(name=lead.name, arguments=arguments) for arguments in written]

    async def _converse(self, moves: Sequence[Move]) -> Transcript:
        """Run a conversation: a reply a turn, and a turn more, so that the last agent is asked."""
        player = _Player(moves, self._tools)
        turns = tuple(
            ScriptedTurn(user=f"This is my message number {number}.")
            for number in range(1, len(moves) + 2)
        )
        scenario = replace(self._scenario, turns=turns, opening=None)
        call = Call(
            self._entry,
            ScriptedLLM(player, unused_ok=True),
            limits=self._settings.limits,
            watch=self._watch,
            scenario=scenario,
        )
        await call.run(turns)
        transcript = call.transcript
        self._transcripts.append(transcript)
        self._note(call, moves)
        return transcript

    def _note(self, call: Call, moves: Sequence[Move]) -> None:
        """Keep what tells agents apart, and by which names they are kept."""
        if call.started:
            self._names |= dict.fromkeys(names_in(_userdata(call)))
        arrivals = iter(call.entered)
        chosen = json.dumps(
            [e.parameters for found in self._tools.values() for e in schemas(found)]
        )
        for number, turn in enumerate(call.turns):
            played = [call for move in moves[:number] for call in move]
            for handoff in turn.handoffs:
                agent, ref = next(arrivals, (None, handoff.new))
                if agent is None or handoff.kind == "return":
                    continue
                old = handoff.old.label if handoff.old else ""
                instance = AgentInstance(
                    group=(old, repr(played)),
                    attributes=attributes_of(agent),
                    character=character_of(agent, played, chosen=chosen),
                )
                self._instances.setdefault(ref.label, []).append(instance)

    def _graph(self) -> HandoffGraph:
        """What the source tells of the tools that agents were seen to have, and what happened."""
        edges = [
            Edge(old=label, new=new, via=name, known_from=frozenset({"source"}))
            for label, tools in self._tools.items()
            for name, tool in llm.ToolContext(list(tools)).function_tools.items()
            for new in sorted(leads_to(tool))
            if len(leads_to(tool)) == 1 and not self._is_told(label, name)
        ]
        told = joined([self._known, HandoffGraph(edges=tuple(edges))])
        seen = seen_graph(self._transcripts, origin="rehearsal", known=told)
        return joined([seen, told])

    def _is_told(self, label: str, name: str) -> bool:
        """Whether the source's own reader knows where a tool leads."""
        agent_id = label.partition("[")[0]
        return any(edge.old == agent_id and edge.via == name for edge in self._known.edges)


def _fullest(calls: Sequence[ToolCall]) -> ToolCall:
    """The first that brings something in each argument: an empty list records nothing."""
    full = (call for call in calls if all(v not in ([], {}, "") for v in _values_of(call)))
    return next(full, calls[0])


def _values_of(call: ToolCall) -> list[Any]:
    return list(json.loads(call.arguments).values())


class _Player:
    """The model: in each turn it makes the reply that is due, and otherwise says a few words."""

    def __init__(self, moves: Sequence[Move], tools: dict[str, tuple[llm.Tool, ...]]) -> None:
        self._moves, self._tools = moves, tools
        self._played: dict[int, Any] = {}

    def __call__(self, request: Request) -> Reply:
        asker = request.asker
        if asker is None or asker.purpose != "reply":
            return WORDS
        if request.tools:
            self._tools.setdefault(asker.agent.label, request.tools)
        before = self._played.get(asker.turn)
        is_due = before is None or before.unused()
        if not (0 < asker.turn <= len(self._moves) and is_due) or request.tool_choice == "none":
            return WORDS
        calls = [call for call in self._moves[asker.turn - 1] if call.name in request.tool_names]
        if calls:
            self._played[asker.turn] = asker
        return calls or WORDS


def _faults(transcripts: Iterable[Transcript]) -> Iterator[str]:
    for transcript in transcripts:
        for fault in transcript.faults:
            yield f"{fault.cause}: {fault.detail}"


def _userdata(call: Call) -> Any:
    try:
        return call.session.userdata
    except ValueError:  # it has none
        return None
