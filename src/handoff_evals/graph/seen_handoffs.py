"""The graph that conversations show, and how much of them went over each edge."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from handoff_evals.graph.handoff_graph import Carried, Edge, HandoffGraph, Origin, Pair, joined
from handoff_evals.results import Trial
from handoff_evals.transcript import (
    AgentHandoff,
    AgentRef,
    FunctionCall,
    FunctionCallOutput,
    Transcript,
    Turn,
    folded,
)


def seen_graph(
    transcripts: Iterable[Transcript],
    *,
    origin: Origin,
    known: HandoffGraph | None = None,
) -> HandoffGraph:
    """Read the agents and edges off conversations.

    Args:
        transcripts: the conversations.
        origin: what they were.
        known: what is known already, to tell which of several calls led to an agent.
    """
    agents: dict[str, AgentRef] = {}
    edges: list[Edge] = []
    firsts: Counter[str] = Counter()
    for transcript in transcripts:
        for handoff in transcript.handoffs:
            agents[handoff.new.label] = handoff.new
            if handoff.old is None:
                firsts[handoff.new.label] += 1
        edges += _edges_of(transcript, origin, known or HandoffGraph())
    graphs = [HandoffGraph(edges=(edge,)) for edge in edges]
    first = firsts.most_common(1)[0][0] if firsts else ""
    shown = HandoffGraph(agents=tuple(agents.values()), first=first)
    return joined([shown, *graphs])


def _edges_of(transcript: Transcript, origin: Origin, known: HandoffGraph) -> Iterator[Edge]:
    for number, turn in enumerate(transcript.turns):
        for place, (handoff, calls) in enumerate(_handoffs(turn), 1):
            if handoff.old is None or handoff.kind == "return" or handoff.old == handoff.new:
                continue
            pair = handoff.old.label, handoff.new.label
            carried = _carried(transcript, number, place, handoff.new)
            yield Edge(
                old=pair[0],
                new=pair[1],
                via=_via(calls, pair, known),
                kind=handoff.kind,
                carried=frozenset([carried] if carried else ()),
                known_from=frozenset([origin]),
            )


def _handoffs(turn: Turn) -> Iterator[tuple[AgentHandoff, Sequence[str]]]:
    """Each handoff of a turn, with the tools that the old agent called before it."""
    calls: list[str] = []
    for event in turn.events:
        if isinstance(event, FunctionCall):
            calls.append(event.name)
        elif isinstance(event, AgentHandoff):
            yield event, tuple(calls)
            calls = []


def _via(calls: Sequence[str], pair: Pair, known: HandoffGraph) -> str:
    """Which of the calls led there: one that is known to, else the last."""
    leading = {edge.via for edge in known.pairs.get(pair, ())}
    found = [name for name in calls if name in leading] or calls
    return found[-1] if found else ""


def _carried(transcript: Transcript, number: int, place: int, new: AgentRef) -> Carried | None:
    """How much of the caller's words before a handoff the new agent's first request held.

    Args:
        transcript: the conversation.
        number: the turn of the handoff.
        place: which of the turn's handoffs it is, from 1.
        new: who took the call.
    """
    said = [folded(turn.user) for turn in transcript.turns[: number + 1] if turn.user]
    asked = (
        call
        for index, turn in enumerate(transcript.turns[number:], number)
        for call in turn.model_calls
        if index > number or call.after_handoffs >= place
    )
    call = next((each for each in asked if each.purpose == "reply" and not each.unused), None)
    if call is None or call.agent.id != new.id or not said:
        return None
    received = folded(call.received_text)
    found = sum(words in received for words in said)
    return "nothing" if not found else "all" if found == len(said) else "part"


@dataclass(frozen=True, kw_only=True)
class EdgeTraffic:
    """How often the call went over an edge, and how often it should have."""

    taken: int = 0
    """Handoffs."""
    missed: int = 0
    """Decisions that should have gone this way and did not."""
    unexpected: int = 0
    """Decisions that went this way and should not have."""
    tool_errors: int = 0
    """Calls of the tools that lead here which ended with an error."""

    @property
    def errors(self) -> int:
        """All that went wrong on it."""
        return self.missed + self.unexpected + self.tool_errors


def traffic(trials: Iterable[Trial], graph: HandoffGraph) -> Mapping[Pair, EdgeTraffic]:
    """Count what happened on each edge of a graph.

    Decisions that begin off the expected path are left out, and so are unscored trials.

    Args:
        trials: of a run.
        graph: what is known of their agents, the run's own edges included.

    Returns:
        By the edge; also those on which nothing happened.
    """
    counts: dict[str, Counter[Pair]] = {name: Counter() for name in _COUNTED}
    for trial in trials:
        if trial.status == "unscored":
            continue
        for edge in _edges_of(trial.transcript, "run", graph):
            counts["taken"][edge.pair] += 1
        for name, pair in (*_wrong(trial), *_refused(trial.transcript, graph)):
            counts[name][pair] += 1
    return {
        pair: EdgeTraffic(**{name: counted[pair] for name, counted in counts.items()})
        for pair in dict.fromkeys([*graph.pairs, *counts["taken"]])
    }


_COUNTED = ("taken", "missed", "unexpected", "tool_errors")
_NOT_TAKEN = frozenset({"missed", "phantom", "wrong", "unreached"})
_TAKEN_WRONGLY = frozenset({"wrong", "spurious"})


def _wrong(trial: Trial) -> Iterator[tuple[str, Pair]]:
    turns = trial.transcript.turns
    for decision in trial.decisions:
        start = decision.start
        if not decision.place and 0 < decision.turn <= len(turns):
            start = turns[decision.turn - 1].active.label
        if not start or not decision.on_path:
            continue
        if decision.outcome in _NOT_TAKEN:
            yield "missed", (start, decision.expected)
        if decision.outcome in _TAKEN_WRONGLY:
            yield "unexpected", (start, decision.actual)


def _refused(transcript: Transcript, graph: HandoffGraph) -> Iterator[tuple[str, Pair]]:
    """Tools that lead to one agent and ended with an error."""
    for event in transcript.events:
        if isinstance(event, FunctionCallOutput) and event.is_error and event.agent is not None:
            old = event.agent.label
            pairs = {e.pair for e in graph.edges if e.old == old and e.via == event.name}
            if len(pairs) == 1:
                yield "tool_errors", pairs.pop()
