"""What the oracle may play in one place of a conversation, and in which order it tries it."""

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handoff_evals.agent_source import ToolChoice
from handoff_evals.checks import names_a_person
from handoff_evals.livekit import Asker, Lead, ToolCall
from handoff_evals.models.reference import WORDS
from handoff_evals.scenarios import Expectation, ExpectedCall, Target
from handoff_evals.transcript import (
    MISLEADING_TOOL,
    AgentHandoff,
    AgentRef,
    Fault,
    FunctionCall,
    FunctionCallOutput,
    Transcript,
)

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
    later: deque[list[tuple[Move, ...]]] = field(default_factory=deque)
    """What is less likely, a step of likelihood each."""
    sure: bool = False
    """Whether the source names one tool: others are tried only where that one refuses."""
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
    choice: ToolChoice | None = None
    """The tool that a model would take, by what it is shown."""
    chosen: tuple[tuple[Move, ...], ...] = ()
    """The moves that hand over by that tool."""
    misled: AgentRef | None = None
    """Who got the call by that tool, where it was not the target."""
    _rank: int = -1

    def advance(self, *, refused: bool) -> bool:
        """Go on to what is to be tried next; whether there is anything.

        Args:
            refused: whether a tool answered with an error, or with words, and handed nobody over.
        """
        self.tried.add(self.moves)
        if len(self.moves) < _MOST_MOVES and self.misled is None:
            played = {call.name for move in self.moves for call in move}
            self.longer += [
                (*self.moves, (call,)) for call in self.further if call.name not in played
            ]
        self.further = []
        while True:
            while self.left:
                self.moves = self.left.popleft()
                if self.moves not in self.tried:
                    return True
            if (self.sure and not refused) or not (self.later or self.longer):
                return False
            if self.later:
                self.left.extend(self.later.popleft())
            else:
                self.left.extend(self.longer)
                self.longer = []

    def show(self, transcript: Transcript, turn: int) -> None:
        """Keep the conversation if it says more of the agents than those before it."""
        active = transcript.turns[turn].active if turn < len(transcript.turns) else None
        reached = bool(self.target and active and self.target.matches(active))
        evident = any(call.name == self.evident for move in self.moves for call in move)
        rank = 3 if reached else 2 if evident else int(not self.moves)
        if rank > self._rank:
            self.shown, self.reached, self._rank = transcript, reached, rank

        self._note_misled(transcript, turn)

    def _note_misled(self, transcript: Transcript, turn: int) -> None:
        """Where the tool that a model would take led elsewhere, no other one is tried."""
        choice, target = self.choice, self.target
        if not (choice and target and self.misled is None) or self.moves not in self.chosen:
            return
        moves = transcript.turns[turn].transfers if turn < len(transcript.turns) else ()
        if not moves or moves[-1].kind != "handoff":
            return
        led = moves[-1].new
        if target.matches(led) or choice.fits(led):
            return
        self.misled, self.shown = led, transcript
        self.left = deque(each for each in self.chosen if each not in self.tried)
        self.later.clear()
        self.longer.clear()

    @property
    def names(self) -> tuple[str, ...]:
        """The tools that were tried, in order."""
        called = (call.name for moves in self.tried for move in moves for call in move)
        return tuple(sorted(set(called)))


class SeenHandoffs:
    """Whom an agent's calls led to in the conversations so far, by their arguments."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], AgentRef] = {}

    def note(self, transcript: Transcript) -> None:
        """Note where calls led."""
        last: FunctionCall | None = None
        for event in transcript.events:
            if isinstance(event, FunctionCall):
                last = event
            elif isinstance(event, AgentHandoff):
                if last is not None and last.agent is not None:
                    key = (last.agent.label, last.name, last.arguments)
                    self._seen.setdefault(key, event.new)
                last = None

    def led(self, agent: AgentRef, call: ToolCall, target: Target) -> bool:
        """Whether that call led to the target once before."""
        seen = self._seen.get((agent.label, call.name, call.arguments))
        return seen is not None and target.matches(seen)


class PlayedMoves:
    """What was played in a conversation, without what livekit threw away of it."""

    def __init__(self) -> None:
        self._entered: list[tuple[Asker, Place]] = []
        self._calls: list[tuple[Asker, Move]] = []

    @property
    def places(self) -> list[Place]:
        """Where something was played, in order."""
        return list(dict.fromkeys(place for _, place in self._entered))

    def enter(self, asker: Asker, place: Place) -> int:
        """Play the next thing in a place; how many were played there before."""
        before = sum(at == place and not by.unused() for by, at in self._entered)
        self._entered.append((asker, place))
        return before

    def add(self, asker: Asker, calls: Move) -> None:
        """Note the calls of a reply."""
        self._calls.append((asker, calls))

    def called(self, turn: int) -> Counter[str]:
        """How often each tool was called in a turn."""
        made = [calls for by, calls in self._calls if by.turn == turn and not by.unused()]
        return Counter(call.name for calls in made for call in calls)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A call that may hand over."""

    lead: Lead
    call: ToolCall
    number: int
    """Which of the tool's calls it is: they differ in their arguments."""


_FEW = 4
"""How many sets of arguments are tried of a tool before other things are."""


def stages_of(ways: Sequence[Way], sure: Sequence[Lead]) -> Iterator[list[tuple[Move, ...]]]:
    """One call each that may hand over, the most likely first, in steps of likelihood."""
    likely = [way for way in ways if [way.lead] == list(sure)]
    likely = likely or [way for way in ways if way.number < _FEW]
    hops: list[tuple[Move, ...]] = [((way.call,),) for way in likely]
    if not sure:
        # It may be that the agents' code hands over by itself.
        hops.append(())
    yield hops
    yield from ([each] for each in _all_before(ways))
    yield [((way.call,),) for way in ways if way not in likely]


def moves_by_choice(
    calls: Sequence[ToolCall], ways: Sequence[Way], bases: Sequence[tuple[Move, ...]]
) -> Iterator[tuple[Move, ...]]:
    """What hands over by the tool that a model would take.

    First by its call alone, then after all that can be recorded, confirmed or looked up.

    Args:
        calls: its calls, which differ in their arguments.
        ways: all calls that may hand over.
        bases: the moves that come before, as the file says.
    """
    first, *further = bases or [()]
    yield from ((*first, (call,)) for call in calls[:_FEW])
    yield from ((*base, (call,)) for base in further for call in calls[:1])
    others = tuple(way.call for way in ways if not way.number and way.lead.ordinary)
    if others and not bases:
        yield from ((others, (call,)) for call in calls[:1])


def _all_before(ways: Sequence[Way]) -> Iterator[tuple[Move, ...]]:
    """All that can be recorded, confirmed or looked up, in one reply, and then the handoff."""
    once = [way for way in ways if not way.number and not way.lead.hangs_up]
    evident = next((way for way in once if way.lead.certain or way.lead.named), None)
    if len(once) > 1:
        yield (tuple(way.call for way in once),)
    handing = [evident] if evident else [way for way in once if way.lead.hands_over]
    for way in handing[:2]:
        others = tuple(each.call for each in once if each is not way)
        if others:
            yield (others, (way.call,))


def in_order(
    bases: Sequence[tuple[Move, ...]], hops: Sequence[tuple[Move, ...]], *, leading: bool
) -> list[tuple[Move, ...]]:
    """Expected calls, then a handoff; or the calls alone, first where they may hand over."""
    if not bases:
        return list(hops)
    hops = [hop for hop in hops if hop]
    if not hops:
        return list(dict.fromkeys(bases))
    together = [(*base, *hop) for base in bases[:2] for hop in hops]
    together += [(*base, *hop) for base in bases[2:] for hop in hops[:1]]
    alone = list(bases)
    return list(dict.fromkeys([*alone, *together] if leading else [*together, *alone]))


def names_of(agent_id: str) -> list[str]:
    """What an agent with that id may be called in a tool's arguments."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", agent_id) if part]
    own = [part for part in parts if part.lower() != "agent"] or parts
    camel = "".join(part.capitalize() for part in parts)
    spoken = " ".join(own)
    return list(
        dict.fromkeys(["_".join(own), agent_id, *reversed(own), camel, spoken, spoken.title()])
    )


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


def expected_calls(expect: Expectation, offered: Sequence[str]) -> tuple[ExpectedCall, ...]:
    """The calls that a turn expects, with the one that brings a person if it expects one."""
    calls = expect.calls or ()
    if not expect.person:
        return calls
    named = [expect.person] if isinstance(expect.person, str) else offered
    found = [name for name in named if name == expect.person or names_a_person(name)]
    if any(call.name in found for call in calls):
        return calls
    return (*calls, *(ExpectedCall(name=name) for name in found[:1]))


def words_for(expect: Expectation) -> str:
    """A few words, with those that the caller is to hear."""
    return " ".join([WORDS, *expect.said_example])


def answers(transcript: Transcript, turn: int, *, errors: bool) -> Mapping[str, str]:
    """What tools said to the model in a turn, by their names.

    Args:
        transcript: the conversation.
        turn: which of its turns.
        errors: whether to leave out what was no error.
    """
    if turn >= len(transcript.turns):
        return {}
    return {
        event.name: event.output
        for event in transcript.turns[turn].events
        if isinstance(event, FunctionCallOutput)
        and (event.is_error if errors else event.output.strip())
    }


def refusal(shown: Transcript, turn: int, name: str, agent: str) -> tuple[str, str]:
    """That a tool refused what was made up, and how its call is written in a file."""
    arguments = next(
        event.arguments
        for _, event in shown.indexed(turn)
        if isinstance(event, FunctionCall) and event.name == name
    )
    said = answers(shown, turn, errors=True)[name]
    why = f"{name} of {agent} refuses the arguments that were made up for it, {arguments}: {said!r}"
    return why, f"{{name: {name}, arguments: {{…}}}}"


def misleading(shown: Transcript, turn: int, search: PlaceSearch) -> Transcript:
    """The conversation, with the fault of a tool that leads elsewhere than it says."""
    assert search.choice is not None  # noqa: S101 - nobody is misled without one
    assert search.misled is not None  # noqa: S101
    assert search.target is not None  # noqa: S101
    name = search.choice.tool
    detail = (
        f"{name} of {search.agent.label} leads {search.choice.because} to "
        f"{search.target.label!r}, but it led to {search.misled.label!r}. Correct the tool; or "
        f"write into the `expect:` of turn {turn} which one leads there: `calls: [{{name: TOOL}}]`"
    )
    fault = Fault(owner="agent", cause=MISLEADING_TOOL, detail=detail, turn=turn)
    return replace(shown, faults=(*shown.faults, fault))
