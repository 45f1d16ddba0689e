"""A call that is under way, to speak to and to assert on."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from livekit.agents import Agent, AgentSession

from handoff_evals.checks import Score, carried
from handoff_evals.drivers import BaseCall, Turns
from handoff_evals.errors import HandoffEvalsWarning, UsageError
from handoff_evals.livekit import ScriptedLLM, WrapperLLM
from handoff_evals.plugin.failure_text import (
    Who,
    agent_events,
    failed,
    matches,
    named,
    turn_name,
    who_took_the_call,
)
from handoff_evals.plugin.received import AgentRequest, Received
from handoff_evals.plugin.turn import CallTurn, Handoff, ObservedHandoff
from handoff_evals.transcript import AgentConfigUpdate, AgentHandoff, Fault, Transcript

_WHOSE = {
    "agent": "the agent's own code failed",
    "model": "the model answered badly",
    "infrastructure": "the model gave no answer",
}


class AgentCall:
    """A call with an agent: what `await agent_call(...)` returns.

    A fault (an exception in a tool, a hang, a dropped handoff, a model that fails or
    has no reply left) fails the test where it happens, unless faults are kept.
    """

    def __init__(self, call: BaseCall, *, keep_faults: bool, turns: Turns) -> None:
        self._call = call
        self._turns = turns
        self._keep_faults = keep_faults
        self._reported = 0
        self._warned = 0
        self._last_shown: list[int] = []
        self._closed = False
        self.turns: list[CallTurn] = []
        """All turns so far; the first is the opening."""

    @property
    def session(self) -> AgentSession[Any]:
        """LiveKit's own session."""
        return self._call.session

    @property
    def opening(self) -> CallTurn:
        """What happened before the caller first spoke."""
        return self.turns[0]

    @property
    def active_agent(self) -> Agent:
        """The agent that has the call now; one may hand over while the caller says nothing."""
        self._last_shown = [move.place for move in self._moves[-1:]]
        return self._call.entered[-1][0]

    @property
    def active_agent_id(self) -> str:
        """LiveKit's id of the agent that has the call: the class name in snake case."""
        return self.active_agent.id

    @property
    def handoffs(self) -> list[Handoff]:
        """Every handoff so far; the first one's `old_agent_id` is None.

        Compare with pairs: `[(None, "customer_service_agent"), ("customer_service_agent",
        "billing_agent")]`.
        """
        self._last_shown = [move.place for move in self._moves]
        agents = [agent.id for agent, _ in self._call.entered]
        return [Handoff(old, new) for old, new in pairwise([None, *agents]) if new is not None]

    @property
    def transcript(self) -> Transcript:
        """The whole record so far."""
        return self._call.transcript

    @property
    def faults(self) -> list[Fault]:
        """What went wrong; only a call with `keep_faults=True` gets to see any."""
        return list(self._call.faults)

    async def start(self) -> CallTurn:
        """Hear the first agent's greeting."""
        __tracebackhide__ = True
        async with self._turns.opening(self):
            await self._call.start()
        return self._noted()

    async def say(
        self, text: str, *, wait_s: float = 0.0, until: int | str | None = None
    ) -> CallTurn:
        """Speak as the caller, and wait until the agents are done.

        Args:
            text: the caller's words; an empty text is a silence of `wait_s`.
            wait_s: seconds of silence before; no test has to wait for them.
            until: ends the turn after so many words of the agents, or after these words, so
                that what is said next interrupts them. It takes the spoken driver.
        """
        __tracebackhide__ = True
        async with self._turns.of(self):
            await self._call.say(text, wait_s=wait_s, until=until)
        return self._noted()

    async def close(self) -> None:
        """End the call; the fixture does it when the test is over."""
        if not self._closed:
            self._closed = True
            async with self._turns.of(self):
                await self._call.close()

    def raise_faults(self) -> None:
        """Fail for the faults that came up since the last turn, as those of closing."""
        __tracebackhide__ = True
        known, new = self._call.faults[: self._reported], self._call.faults[self._reported :]
        self._reported += len(new)
        # What cut the call off mostly spoils its closing too, and has failed the test already.
        if not new or self._keep_faults or any(fault.ended for fault in known):
            return
        transcript, fault = self.transcript, new[0]
        marked = [
            index for index, event in enumerate(transcript.events) if event.type == "agent_error"
        ]
        where = "closing the call"
        if fault.turn < len(transcript.turns):
            where = turn_name(fault.turn)
            marked = marked or list(agent_events(transcript, fault.turn))
        said = [f"{each.cause}: {each.detail}" for each in new]
        if fault.cause == "script_exhausted":
            headline, hint = f"{where}: the script has no reply left: {fault.detail}", []
        else:
            headline = f"{where}: {_WHOSE[fault.owner]}: {said[0]}"
            hint = [
                "(a test about it says agent_call(..., keep_faults=True) and reads call.faults)"
            ]
        raise failed(transcript, headline, marked=marked, notes=[*said[1:], *hint])

    def received_by(self, who: Who) -> Received:
        """What one agent's model received so far.

        Args:
            who: an Agent class, an instance or an id.
        """
        __tracebackhide__ = True
        transcript = self.transcript
        requests = tuple(self._requests(who))
        if not requests:
            met = [move.new for move in self._moves]
            came = [move.place for move in self._moves if matches(who, move.new)]
            problem = "its model was never asked" if came else who_took_the_call(who, met)
            raise failed(
                transcript,
                f"{named(who)} received nothing: {problem}",
                marked=came or [move.place for move in self._moves],
            )
        return Received(
            who=who,
            requests=requests,
            transcript=transcript,
            instructions=self._instructions,
            carried=lambda fact: self._carried(who, fact, transcript),
        )

    def _carried(self, who: Who, fact: str, transcript: Transcript) -> Score:
        """Whether a fact was handed on to an agent when it last took the call.

        Raises:
            UsageError: when the agent never had the call at the end of a turn.
        """
        gone = 0
        found: tuple[int, Agent] | None = None
        for number, turn in enumerate(transcript.turns):
            gone += len(turn.handoffs)
            agent = self._call.entered[gone - 1][0]
            if turn.handoffs and matches(who, agent):
                found = number, agent
        if found is None:
            raise UsageError(f"{named(who)} had the call at the end of no turn")
        number, agent = found
        facts = self._call.entrances.facts.of(agent, [fact], again=self._closed)
        turns = list(transcript.turns)
        turns[number] = replace(turns[number], facts=facts)
        return carried(replace(transcript, turns=tuple(turns)), number, fact)

    @property
    def last_shown(self) -> Sequence[int]:
        """The events that the test asked about last, to be marked where a plain assert fails."""
        return self._last_shown

    @property
    def scripts(self) -> list[ScriptedLLM]:
        """The scripted models that could answer in this call, each once."""
        models = [self._call.taps.decides, *(agent.llm for agent, _ in self._call.entered)]
        if self._call.started:
            models.append(self.session.llm)
        return list(dict.fromkeys(filter(None, map(_script, models))))

    @property
    def _moves(self) -> tuple[ObservedHandoff, ...]:
        return self.turns[-1].moves

    def _noted(self) -> CallTurn:
        """Keep the turn that is just over."""
        __tracebackhide__ = True
        for note in self._call.notes[self._warned :]:
            warnings.warn(HandoffEvalsWarning(note), stacklevel=3)
        self._warned = len(self._call.notes)
        transcript = self.transcript
        turn = CallTurn(
            number=len(self.turns),
            transcript=transcript,
            moves=tuple(self._paired(transcript)),
            run_result=self._call.results[-1],
        )
        self.turns.append(turn)
        self._last_shown = list(agent_events(transcript, turn.number))
        self.raise_faults()
        return turn

    def _paired(self, transcript: Transcript) -> Iterator[ObservedHandoff]:
        """The transcript's handoffs with the agents themselves."""
        places = [
            place
            for place, event in enumerate(transcript.events)
            if isinstance(event, AgentHandoff)
        ]
        old: Agent | None = None
        for place, (new, _) in zip(places, self._call.entered, strict=False):
            yield ObservedHandoff(place=place, old=old, new=new)
            old = new

    def _requests(self, who: Who) -> Iterator[AgentRequest]:
        entered = [agent for agent, _ in self._call.entered]
        before = 0
        for number, turn in enumerate(self.transcript.turns):
            for call in turn.model_calls:
                # Instances of one class share an id, so the agent that had the call then
                # goes first; one that speaks after its time is known by its id alone.
                then = entered[: before + call.after_handoffs][-1:]
                asking = then if [agent.id for agent in then] == [call.agent.id] else entered
                meant = (agent.id == call.agent.id and matches(who, agent) for agent in asking)
                if call.purpose == "reply" and any(meant):
                    yield AgentRequest(turn=number, call=call)
            before += len(turn.handoffs)

    def _instructions(self, who: Who) -> Sequence[str]:
        """All instructions that an agent has had.

        Raises:
            UsageError: when no such agent took the call.
        """
        __tracebackhide__ = True
        agents = [agent for agent, _ in self._call.entered if matches(who, agent)]
        if isinstance(who, Agent) and who not in agents:
            agents.append(who)
        if not agents:
            met = [agent for agent, _ in self._call.entered]
            raise UsageError(
                f"the instructions of {named(who)} are not known: {who_took_the_call(who, met)}; "
                "give an instance of the agent instead"
            )
        return [*map(_text, agents), *self._updates(who)]

    def _updates(self, who: Who) -> Iterator[str]:
        """The instructions that came into force while the agent had the call."""
        took = iter(self._call.entered)
        meant = False
        for event in self.transcript.events:
            if isinstance(event, AgentHandoff):
                entered = next(took, None)
                meant = entered is not None and matches(who, entered[0])
            elif isinstance(event, AgentConfigUpdate) and meant and event.instructions:
                yield event.instructions


def _script(model: object) -> ScriptedLLM | None:
    """The scripted model behind whatever wraps it."""
    while isinstance(model, WrapperLLM):
        model = model.inner
    return model if isinstance(model, ScriptedLLM) else None


def _text(agent: Agent) -> str:
    instructions = agent.instructions
    return instructions if isinstance(instructions, str) else instructions.render(modality="text")
