"""A conversation with the oracle, and small agents for it."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from livekit.agents import Agent, AgentSession, llm

from handoff_evals.checks import overall, score
from handoff_evals.drivers import TextDriver
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import OracleLLM
from handoff_evals.scenarios import (
    Expectation,
    ExpectedCall,
    ExpectedHandoff,
    Scenario,
    ScriptedTurn,
    Suite,
    Target,
)
from handoff_evals.transcript import FunctionCall, Transcript
from tests.support.phone import ROOMY

Opened = tuple[Agent, AgentSession[Any]]


def turn(
    user: str,
    agent: str | None = None,
    *,
    path: str | None = None,
    calls: tuple[ExpectedCall | str, ...] | None = None,
) -> ScriptedTurn:
    """A turn; `path` is written as `a > b > c`, and an empty one is no handoff at all."""
    steps = None if path is None else [Target.parse(each) for each in path.split(" > ") if each]
    return ScriptedTurn(
        user=user,
        expect=Expectation(
            agent=None if agent is None else Target.parse(agent),
            handoffs=None
            if steps is None
            else tuple(ExpectedHandoff(old=old, new=new) for old, new in pairwise(steps)),
            calls=None
            if calls is None
            else tuple(
                ExpectedCall(name=each) if isinstance(each, str) else each for each in calls
            ),
        ),
    )


async def play(
    opened: Callable[[llm.LLM[Any]], Any], *turns: ScriptedTurn
) -> tuple[str, Transcript]:
    """Run a scenario with the oracle: its status, and the conversation that counts."""
    scenario = Scenario(label="Any", turns=turns)
    driver = TextDriver(
        entry=AgentEntry.of(opened),
        model=lambda each, _: OracleLLM(each),
        watch=Suite(name="Any", agent="", scenarios=(scenario,)).watch,
        limits=ROOMY,
    )
    transcript = await driver.run(scenario, seed=0)
    return overall(score(scenario, transcript)), transcript


def called(transcript: Transcript) -> list[str]:
    return [event.name for event in transcript.events if isinstance(event, FunctionCall)]


class Asking(Agent):
    """Has its model greet."""

    async def on_enter(self) -> None:
        self.session.generate_reply()


class Greeting(Agent):
    """Greets by itself."""

    async def on_enter(self) -> None:
        self.session.say("Hello.")


class Vault(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You keep things.")


class Garden(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You water.")


def opening(agent: type[Agent]) -> Callable[[llm.LLM[Any]], Opened]:
    def opened(model: llm.LLM[Any]) -> Opened:
        return agent(), AgentSession(llm=model)  # type: ignore[call-arg]  # a subclass, which needs none

    return opened
