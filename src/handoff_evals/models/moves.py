"""What the oracle may play in one place of a conversation, and in which order it tries it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handoff_evals.livekit import ToolCall
from handoff_evals.scenarios import Expectation, Target
from handoff_evals.transcript import AgentRef, FunctionCallOutput, Transcript

_MOST_MOVES = 3
"""In one place; livekit's default of `max_tool_steps`."""

Move = tuple[ToolCall, ...]
"""The calls of one reply."""
Place = tuple[int, int]
"""A turn, and how much of the turn's path had been gone."""


@dataclass(kw_only=True)
class PlaceSearch:
    """What was tried in one place of the conversation, and what is left to try."""

    agent: AgentRef
    """Who asked."""
    target: Target | None
    """Who should have the call next; None where only calls are expected."""
    moves: tuple[Move, ...]
    """What is played in this conversation."""
    left: deque[tuple[Move, ...]]
    others: list[tuple[Move, ...]] = field(default_factory=list)
    """What the source speaks against: tried where the tool that it names refuses."""
    sure: bool = False
    """Whether the source names one tool, so that no other one is tried unless that refuses."""
    longer: list[tuple[Move, ...]] = field(default_factory=list)
    """Moves that were tried, each with one more."""
    evident: str = ""
    """The tool that leads there by what its source or its name says."""
    expected: frozenset[str] = frozenset()
    """The tools that the file names."""
    invented: frozenset[str] = frozenset()
    """The tools with arguments that nobody gave."""
    further: list[ToolCall] = field(default_factory=list)
    """What could have been called after the moves."""
    shown: Transcript | None = None
    """The conversation to show where none comes as expected."""
    reached: bool = False
    """Whether the caller was with the target after the turn in that one."""
    tried: set[tuple[Move, ...]] = field(default_factory=set)
    _rank: int = -1

    def advance(self, *, refused: bool) -> bool:
        """Go on to what is to be tried next; whether there is anything.

        Args:
            refused: whether a tool gave an error in place of what was asked of it.
        """
        self.tried.add(self.moves)
        if len(self.moves) < _MOST_MOVES:
            played = {call.name for move in self.moves for call in move}
            self.longer += [
                (*self.moves, (call,)) for call in self.further if call.name not in played
            ]
        self.further = []
        if not self.left and (refused or not self.sure):
            self.left.extend(self.others or self.longer)
            self.longer = self.longer if self.others else []
            self.others = []
        while self.left:
            self.moves = self.left.popleft()
            if self.moves not in self.tried:
                return True
        return False

    def show(self, transcript: Transcript, turn: int) -> None:
        """Keep the conversation if it says more of the agents than those before it."""
        active = transcript.turns[turn].active if turn < len(transcript.turns) else None
        reached = bool(self.target and active and self.target.matches(active))
        evident = any(call.name == self.evident for move in self.moves for call in move)
        rank = 2 * reached + evident
        if rank > self._rank:
            self.shown, self.reached, self._rank = transcript, reached, rank

    @property
    def names(self) -> tuple[str, ...]:
        """The tools that were tried, in order."""
        called = (call.name for moves in self.tried for move in moves for call in move)
        return tuple(sorted(set(called)))


def in_order(
    bases: Sequence[tuple[Move, ...]], hops: Sequence[tuple[Move, ...]], *, leading: bool
) -> list[tuple[Move, ...]]:
    """Expected calls, then a handoff; or the calls alone, first where they may hand over."""
    if not bases:
        return list(hops)
    if not hops:
        return list(dict.fromkeys(bases))
    together = [(*base, *hop) for base in bases[:2] for hop in hops if hop]
    together += [(*base, *hop) for base in bases[2:] for hop in hops[:1]]
    alone = list(bases)
    return list(dict.fromkeys([*alone, *together] if leading else [*together, *alone]))


def names_of(agent_id: str) -> list[str]:
    """What an agent with that id may be called in a tool's arguments."""
    short = agent_id.removesuffix("_agent").removesuffix("Agent").removesuffix("-agent")
    camel = "".join(part.capitalize() for part in agent_id.split("_"))
    return list(dict.fromkeys([short, agent_id, camel, short.replace("_", " "), short.title()]))


def turn_path(expect: Expectation) -> tuple[Target, ...]:
    """The agents that take the call in a turn, in order, as far as it says."""
    if expect.handoffs is not None:
        return tuple(step.new for step in expect.handoffs)
    return () if expect.agent is None else (expect.agent,)


def steps_made(
    path: Sequence[Target], arrivals: Sequence[AgentRef], *, now: AgentRef | None, exact: bool
) -> int:
    """How many steps of a turn's path have been made."""
    if not exact:
        return int(bool(path) and now is not None and path[0].matches(now))
    gone = 0
    for agent in arrivals:
        gone += gone < len(path) and path[gone].matches(agent)
    return gone


def refusals(transcript: Transcript, turn: int) -> Mapping[str, str]:
    """What tools said that gave an error in a turn."""
    if turn >= len(transcript.turns):
        return {}
    return {
        event.name: event.output
        for event in transcript.turns[turn].events
        if isinstance(event, FunctionCallOutput) and event.is_error
    }
