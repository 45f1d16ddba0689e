"""Three agents, each with a tool to each other one, for tests of whole runs.

The caller's words say what is wanted: `c=7 t=2 want=b`, the conversation, the turn
and the agent.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    APIConnectOptions,
    FunctionTool,
    RunContext,
    function_tool,
    llm,
)
from livekit.agents.voice.agent_session import SessionConnectOptions

from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Suite, Target

NAMES = ("a", "b", "c")


class Star(Agent):
    """One of the three; `node` tells which."""

    def __init__(self, node: str, *, chat_ctx: llm.ChatContext | None = None) -> None:
        others = [name for name in NAMES if name != node]
        tools: list[llm.Tool | llm.Toolset] = [TOOLS[name] for name in others]
        super().__init__(instructions=f"node={node}", chat_ctx=chat_ctx, tools=tools)
        self.node = node

    async def on_enter(self) -> None:
        if any(message.role == "user" for message in self.chat_ctx.messages()):
            self.session.generate_reply()
        else:
            self.session.say("Hello.")


def _to(name: str) -> FunctionTool[Any, Any]:
    @function_tool(name=f"to_{name}", description=f"Hand over to {name}.")
    async def hand_over(context: RunContext[None]) -> Agent:
        kept = context.session.current_agent.chat_ctx.copy(
            exclude_instructions=True, exclude_function_call=True, exclude_config_update=True
        )
        return Star(name, chat_ctx=kept)

    return hand_over


TOOLS = {name: _to(name) for name in NAMES}


def star_call(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[None]]:
    """Start at `a`; a failed request is not retried by livekit, so that tests are quick."""
    once = APIConnectOptions(max_retry=0, timeout=2.0)
    options = SessionConnectOptions(llm_conn_options=once, max_unrecoverable_errors=100)
    return Star("a"), AgentSession(llm=model, conn_options=options)


def patient_call(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[None]]:
    """Likewise, but wait for an answer however busy this machine is."""
    patient = APIConnectOptions(max_retry=0, timeout=120.0)
    options = SessionConnectOptions(llm_conn_options=patient)
    return Star("a"), AgentSession(llm=model, conn_options=options)


def star_suite(*, scenarios: int, turns: int, seed: int) -> Suite:
    """A suite of random wishes; about half of them are to stay."""
    lot = Random(seed)
    return Suite(
        name=f"star {seed}",
        agent="tests.support.star:star_call",
        scenarios=tuple(_scenario(number, turns, lot) for number in range(scenarios)),
    )


def _scenario(number: int, turns: int, lot: Random) -> Scenario:
    wanted = "a"
    scripted: list[ScriptedTurn] = []
    for turn in range(1, turns + 1):
        wanted = wanted if lot.random() < 0.5 else lot.choice(NAMES)
        expect = Expectation(agent=Target(id="star", where={"node": wanted}))
        scripted.append(ScriptedTurn(user=f"c={number} t={turn} want={wanted}", expect=expect))
    return Scenario(label=f"conversation {number}", turns=_tuple(scripted))


def _tuple(turns: Sequence[ScriptedTurn]) -> tuple[ScriptedTurn, ...]:
    return tuple(turns)
