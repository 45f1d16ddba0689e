"""What is done to each agent that takes the call, and what is noted of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from livekit.agents import Agent, AgentSession

from handoff_evals.livekit import AgentFacts, ToolMocks
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import Fault, JobAction, Turn


class Entrances:
    """The agents of one conversation, in the order in which they took the call.

    Args:
        scenario: whose mocks take the place of their tools, and which facts must be carried.
    """

    def __init__(self, scenario: Scenario | None) -> None:
        self.facts = AgentFacts()
        """How the agents were made."""
        self._scenario = scenario
        self._mocks = ToolMocks(scenario.mocks if scenario else {})
        self._had_the_call: list[Agent | None] = []

    def add(self, agent: Agent, session: AgentSession[Any]) -> None:
        """Take in an agent that is about to take the call.

        Raises:
            UsageError: when a tool of it that is to be mocked does not exist.
        """
        self.facts.took_the_call(agent)
        self._mocks.put_before(agent, session)

    def end_turn(self, agent: Agent | None, asked: list[JobAction]) -> None:
        """Note who has the call at the end of a turn, and in what was asked which turn it was."""
        number = len(self._had_the_call)
        asked[:] = [each if each.turn is not None else replace(each, turn=number) for each in asked]
        self._had_the_call.append(agent)

    def look_back(self, turns: list[Turn], faults: list[Fault]) -> None:
        """Add what shows only now that no agent can be disturbed any more."""
        for number, agent in enumerate(self._had_the_call):
            facts = self._facts_of(number)
            if agent is not None and facts:
                turns[number] = replace(turns[number], facts=self.facts.of(agent, facts))
        unknown = self._mocks.unknown()
        if unknown is not None:
            # A slip in the file: it says nothing of the agents.
            fault = Fault(
                owner="infrastructure", cause="unknown_mock", detail=unknown, turn=len(turns)
            )
            faults.append(fault)

    def _facts_of(self, number: int) -> Sequence[str]:
        """What must have been carried to the agent that has the call after a turn."""
        if self._scenario is None:
            return ()
        of_turn: Sequence[str] = ()
        turns = self._scenario.turns
        if number == 0:
            of_turn = () if self._scenario.opening is None else self._scenario.opening.carries
        elif number <= len(turns):
            of_turn = turns[number - 1].expect.carries
        return (*self._scenario.conversation.facts, *of_turn)
