"""The oracle: plays what a scenario expects, turn by turn.

It knows who asks, and plays as many handoffs in a turn as the path needs. Which tool leads to an
agent, the tool's source says. Where it says nothing, or several may, it rehearses: it runs the
conversation with one after the other. The one in which all came as expected is the trial; else
the first one is, or the trial is unscored with the cause `oracle`.
"""

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from livekit.agents import llm

from handoff_evals.callers import Says
from handoff_evals.checks import (
    agent_is_right,
    path_is_right,
    person_takes_the_call,
    tools_are_called,
)
from handoff_evals.livekit import (
    ArgumentHints,
    Asker,
    Reply,
    Request,
    ToolCall,
    arguments_for,
    clear_choice,
    leads,
)
from handoff_evals.models.kind import model_kind
from handoff_evals.models.moves import (
    Move,
    Place,
    PlaceSearch,
    PlayedMoves,
    SeenHandoffs,
    Way,
    answers,
    expected_calls,
    in_order,
    misleading,
    moves_by_choice,
    names_of,
    refusal,
    stages_of,
    steps_made,
    turn_path,
    words_for,
)
from handoff_evals.models.reference import WORDS, Reference, ReferenceLLM
from handoff_evals.results import ModelTraits
from handoff_evals.scenarios import (
    Expectation,
    ExpectedCall,
    PlayedScenario,
    Scenario,
    Target,
)
from handoff_evals.transcript import (
    ORACLE,
    Fault,
    Transcript,
)

_MOST_CONVERSATIONS = 80
_MOST_S = 30.0
_CHECKS = (agent_is_right, path_is_right, tools_are_called, person_takes_the_call)
"""What has to be as expected before a conversation counts."""


class Oracle:
    """Decides what the oracle says to a scenario, and learns from each conversation."""

    def __init__(self, scenario: Scenario) -> None:
        self.playing = PlayedScenario(scenario)
        self._searches: dict[Place, PlaceSearch] = {}
        self._conversations = 0
        self._since = time.monotonic()
        self._seen = SeenHandoffs()
        self._begin()

    def _begin(self) -> None:
        """Forget what was played, for a new conversation."""
        self._played = PlayedMoves()
        self.playing.begin()

    def __call__(self, request: Request) -> Reply:
        """Play the next thing that the turn expects, or say a few words."""
        asker = request.asker
        turns = self.playing.scenario.turns
        if asker is None or asker.purpose != "reply" or not 0 < asker.turn <= len(turns):
            return WORDS
        expect = turns[asker.turn - 1].expect
        may_call = request.tools and request.tool_choice != "none"
        calls = self._next(request, asker, expect) if may_call else ()
        self._played.add(asker, calls)
        return list(calls) or words_for(expect)

    def _next(self, request: Request, asker: Asker, expect: Expectation) -> Move:
        if expect.calls == ():
            return ()
        path = turn_path(expect)
        gone = steps_made(path, asker.arrivals, now=asker.agent, exact=expect.handoffs is not None)
        target = path[gone] if gone < len(path) else None
        if target is not None and target.matches(asker.agent) and expect.handoffs is None:
            target = None
        due = self._due(request, asker.turn, expect)
        place = (asker.turn, gone)
        search = self._searches.get(place)
        if search is None:
            if target is None and not due:
                return ()
            search = self._search(request, asker, target, due)
            self._searches[place] = search
        made = self._played.enter(asker, place)
        if made < len(search.moves):
            return tuple(call for call in search.moves[made] if call.name in request.tool_names)
        if due:  # the agent has a tool now that it did not have before
            return tuple(self._filled(request, call, asker.turn)[0] for call in due)
        if target is not None:
            ways = self._ways(request, asker.turn, target)
            search.further = [way.call for way in ways if not way.number]
        return ()

    def _due(self, request: Request, turn: int, expect: Expectation) -> list[ExpectedCall]:
        """The expected calls of the turn that are not made yet and can be made here."""
        made = self._played.called(turn)
        due: list[ExpectedCall] = []
        for call in expected_calls(expect, request.tool_names):
            if made[call.name]:
                made[call.name] -= 1
            elif call.name in request.tool_names:
                due.append(call)
        return due

    def _search(
        self,
        request: Request,
        asker: Asker,
        target: Target | None,
        due: Sequence[ExpectedCall],
    ) -> PlaceSearch:
        """All that may be played in a place, the most likely first."""
        filled = [self._filled(request, call, asker.turn) for call in due]
        bases: list[tuple[Move, ...]] = []
        for number in range(max(map(len, filled), default=0)):
            calls = tuple(each[min(number, len(each) - 1)] for each in filled)
            # Together, as a model would that has understood all at once; then one by one.
            bases += [(calls,), tuple((call,) for call in calls)]
        named = {call.name for call in due}
        found = leads(request.tools, target) if target is not None else ()
        ways = [] if target is None else list(self._ways(request, asker.turn, target))
        ways = [each for each in ways if each.lead.name not in named]
        if target is not None:
            ways.sort(key=lambda way: not self._seen.led(asker.agent, way.call, target))
        sure = [lead for lead in found if lead.certain]
        leading = any(lead.name in named and (lead.strength or lead.hands_over) for lead in found)
        stages = [
            in_order(bases if number == 0 else bases[:1], hops, leading=leading)
            for number, hops in enumerate(stages_of(ways, sure))
        ]
        clear = None
        if target is not None and not leading:
            known = {each.id for each in self.playing.scenario.expected_agents} - {asker.agent.id}
            clear = clear_choice(request.tools, target, known)
        chosen: tuple[tuple[Move, ...], ...] = ()
        if clear is not None and target is not None:
            values = next(lead.values for lead in found if lead.name == clear.tool)
            words = (self._wanted(target), values)
            made = self._calls(request, clear.tool, clear.arguments, asker.turn, words)
            chosen = tuple(moves_by_choice(made, ways, bases))
            stages.insert(0, list(chosen))
        named_first = next((lead.name for lead in found if lead.certain or lead.named), "")
        options = [each for stage in stages for each in stage]
        given = {call.name: set(call.example) for call in due}
        return PlaceSearch(
            agent=asker.agent,
            target=target,
            moves=stages[0][0],
            left=deque(stages[0][1:]),
            later=deque(stages[1:]),
            sure=len(sure) == 1 and sure[0].name not in named,
            expected=frozenset(call.name for call in due if not call.error),
            evident=named_first if clear is None else clear.tool,
            choice=clear,
            chosen=chosen,
            invented=frozenset(
                call.name
                for moves in options
                for move in moves
                for call in move
                if set(json.loads(call.arguments)) - given.get(call.name, set())
            ),
        )

    def _ways(self, request: Request, turn: int, target: Target) -> Iterator[Way]:
        """Calls that may hand over to the target: each tool once, then with other arguments."""
        wanted = self._wanted(target)
        options = [
            (lead, self._calls(request, lead.name, {}, turn, (wanted, lead.values)))
            for lead in leads(request.tools, target)
        ]
        for number in range(max((len(calls) for _, calls in options), default=0)):
            for lead, calls in options:
                if number < len(calls):
                    yield Way(lead=lead, call=calls[number], number=number)

    @staticmethod
    def _wanted(target: Target) -> list[str]:
        return [*target.where.values(), *names_of(target.id)]

    def _filled(self, request: Request, call: ExpectedCall, turn: int) -> list[ToolCall]:
        expect = self.playing.scenario.turns[turn - 1].expect
        wanted = [] if expect.agent is None else names_of(expect.agent.id)
        return self._calls(request, call.name, call.example, turn, (wanted, ()))

    def _calls(
        self,
        request: Request,
        name: str,
        given: Mapping[str, Any],
        turn: int,
        words: tuple[Sequence[str], Sequence[str]],
    ) -> list[ToolCall]:
        """Calls of one tool, with what the scenario says of its arguments and without."""
        tool = llm.ToolContext(list(request.tools)).function_tools[name]
        turns = self.playing.scenario.turns
        said = tuple(each.user for each in reversed(turns[:turn]))
        elsewhere = [
            call.example
            for each in turns
            for call in each.expect.calls or ()
            if call.name == name and call.arguments
        ]
        wanted, code = words
        hints = ArgumentHints(said=said, wanted=wanted, code=code)
        made = [
            arguments
            for known in [*elsewhere, {}]
            for arguments in arguments_for(tool, given={**known, **given}, hints=hints)
        ]
        written = dict.fromkeys(json.dumps(arguments) for arguments in made)
        return [ToolCall(name=name, arguments=arguments) for arguments in written]

    def settle(self, transcript: Transcript) -> Transcript | None:
        """Learn from a conversation.

        Returns:
            The conversation that counts; None where another one has to be run.
        """
        self._conversations += 1
        self._seen.note(transcript)
        if transcript.unscored_because is not None:
            return transcript
        turn = self._unmet(transcript)
        if turn is None:
            return transcript
        played = self._played.places
        places = [place for place in played if place[0] == turn and place in self._searches]
        if not places:
            return (
                transcript
                if self._was_offered_tools(transcript, turn)
                else self._unscored(
                    transcript,
                    turn,
                    f"no tool is offered to {transcript.turns[turn].active.label}'s model",
                )
            )
        place = places[-1]
        search = self._searches[place]
        search.show(transcript, turn)
        if self._arrived(transcript, place):
            return transcript  # what is wrong now is not what was played
        refused = bool(
            answers(transcript, turn, errors=True) or answers(transcript, turn, errors=False)
        )
        within = (
            self._conversations < _MOST_CONVERSATIONS and time.monotonic() - self._since < _MOST_S
        )
        if within and search.advance(refused=refused):
            self._searches = {
                each: found for each, found in self._searches.items() if each <= place
            }
            self._begin()
            return None
        search.tried.add(search.moves)
        return self._given_up(search, search.shown or transcript, turn)

    def _unmet(self, transcript: Transcript) -> int | None:
        """The first turn in which handoffs or calls did not come as expected."""
        scores = [score for found in _CHECKS for score in found(self.playing.scenario, transcript)]
        failed = {score.turn for score in scores if score.status == "failed"}
        played = {turn for turn, _ in self._searches}
        failed |= {
            fault.turn
            for fault in transcript.faults
            if fault.owner == "agent" and fault.turn in played
        }
        failed |= {
            turn
            for (turn, _), search in self._searches.items()
            if answers(transcript, turn, errors=True).keys() & search.invented & search.expected
        }
        # Of the opening, number 0, nothing is played.
        return min((turn for turn in failed if turn), default=None)

    def _arrived(self, transcript: Transcript, place: Place) -> bool:
        """Whether the step of the path that was to be played there was made."""
        turn, position = place
        if turn >= len(transcript.turns) or self._searches[place].target is None:
            return False
        expect = self.playing.scenario.turns[turn - 1].expect
        if expect.handoffs is None:
            return False
        arrivals = [move.new for move in transcript.turns[turn].handoffs]
        return steps_made(turn_path(expect), arrivals, now=None, exact=True) > position

    def _was_offered_tools(self, transcript: Transcript, turn: int) -> bool:
        """Whether a model was asked in that turn at all, and then with tools."""
        if turn >= len(transcript.turns):
            return True
        expect = self.playing.scenario.turns[turn - 1].expect
        asked = [c for c in transcript.turns[turn].model_calls if c.purpose == "reply"]
        return bool(expect.calls) or not asked or any(call.tools for call in asked)

    def _given_up(self, search: PlaceSearch, shown: Transcript, turn: int) -> Transcript:
        """The conversation to show, unscored where the file has to say more."""
        if search.choice and search.misled:
            return misleading(shown, turn, search)
        named = {call.name for call in self.playing.scenario.turns[turn - 1].expect.calls or ()}
        refused = answers(shown, turn, errors=True)
        for name in refused.keys() & search.invented:
            if name in named or (search.evident and not search.reached):
                return self._unscored(shown, turn, *refusal(shown, turn, name, search.agent.label))
        # It may be how they came there that is not as expected.
        if search.reached or search.evident or search.target is None:
            return shown
        if named:
            return shown  # the file says how
        tried = ", ".join(search.names) or "no tool"
        return self._unscored(
            shown,
            turn,
            f"no tool of {search.agent.label} was found that leads to "
            f"{search.target.label!r} (tried in {self._conversations} rehearsals: {tried})",
        )

    def _unscored(
        self,
        transcript: Transcript,
        turn: int,
        why: str,
        call: str = "{name: TOOL, arguments: {…}}",
    ) -> Transcript:
        # Where the agents' own code has failed by then, no file can say how it is done.
        if any(fault.owner == "agent" and fault.turn <= turn for fault in transcript.faults):
            return transcript
        detail = (
            f"turn {turn}: {why}. Write into the `expect:` of this turn how it is done: "
            f"`calls: [{call}]`; or correct the agent that it names"
        )
        fault = Fault(owner="infrastructure", cause=ORACLE, detail=detail, turn=turn)
        return replace(transcript, faults=(*transcript.faults, fault))


class OracleLLM(ReferenceLLM):
    """The model of one trial with the oracle.

    Args:
        scenario: what it plays.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._oracle = Oracle(scenario)
        super().__init__("oracle", self._oracle)

    def follow(self, said: Says) -> None:
        """Take in what a caller says whose turns are not written."""
        self._oracle.playing.follow(said.text, towards=said.towards, last=said.last)

    def settle(self, transcript: Transcript) -> Transcript | None:
        """Learn from a conversation; None where another one has to be run."""
        return self._oracle.settle(transcript)


@model_kind
class _Oracle(Reference):
    form = "oracle"
    about = "a reference: plays what each turn of the scenario expects"
    traits = ModelTraits(reference=True, deterministic=True, plays_scenario=True)

    def build(self, scenario: Scenario, seed: int) -> llm.LLM[Any]:  # noqa: ARG002 - not needed
        return OracleLLM(scenario)
