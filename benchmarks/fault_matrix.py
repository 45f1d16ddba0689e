"""What becomes of a trial when its model fails: fault by outcome, with the time it took.

`python benchmarks/fault_matrix.py` holds one short conversation for each fault, and
after each of them a healthy one in the same event loop.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from livekit.agents import Agent, AgentSession, APIConnectOptions, function_tool, llm
from livekit.agents.voice.agent_session import SessionConnectOptions
from rich.console import Console
from rich.table import Table

from handoff_evals.handoffs import decisions
from handoff_evals.livekit.call import Limits
from handoff_evals.livekit.driver import InProcessDriver
from handoff_evals.livekit.entry import AgentEntry
from handoff_evals.livekit.faulty import FaultyLLM
from handoff_evals.livekit.mishap import Mishap
from handoff_evals.livekit.scripted import Reply, Request, ScriptedLLM, tool_call
from handoff_evals.scenario import Expectation, Scenario, ScriptedTurn, Target
from handoff_evals.score import Status, overall
from handoff_evals.scorers import score
from handoff_evals.transcript import Transcript

LIMITS = Limits(turn_s=0.4, close_s=1.0)
RETRY_ONCE = SessionConnectOptions(
    llm_conn_options=APIConnectOptions(max_retry=1, retry_interval=0.01)
)
BILLING = Expectation(agent=Target(id="billing"))
SCENARIO = Scenario(
    label="an invoice",
    turns=(
        ScriptedTurn(user="I have a question about my invoice.", expect=BILLING),
        ScriptedTurn(user="Thank you, that is all.", expect=BILLING),
    ),
)


class FrontDesk(Agent):
    """Hands over, and can do one thing itself."""

    def __init__(self) -> None:
        super().__init__(instructions="You are the front desk.")

    @function_tool
    async def transfer_to_billing(self, reason: str) -> Agent:
        """Hand the caller to billing.

        Args:
            reason: why they call.
        """
        return Billing(reason)

    @function_tool
    async def transfer_to_sales(self) -> Agent:
        """Hand the caller to sales."""
        return Sales()

    @function_tool
    async def open_ticket(self) -> str:
        """Open a ticket."""
        return "ticket 7"


class Billing(Agent):
    """Where the caller should be after the first turn."""

    def __init__(self, reason: str) -> None:
        super().__init__(instructions=f"You are billing. The caller asks about: {reason}.")

    async def on_enter(self) -> None:
        """Greet."""
        self.session.generate_reply()


class Sales(Agent):
    """Where the caller should not be."""

    def __init__(self) -> None:
        super().__init__(instructions="You are sales.")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault and what came of it."""

    fault: str
    transcript: Transcript
    status: Status
    struck: int
    """How often the mishap did its harm."""
    seconds: float
    closed: bool
    """Whether the session was closed and no task was left."""
    next_status: Status
    """Of the healthy trial that followed."""

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Each fault's owner and cause, once."""
        found = self.transcript.faults
        return list(dict.fromkeys((fault.owner, fault.cause) for fault in found))

    @property
    def outcomes(self) -> list[str]:
        """What the decisions came to; the trial's status says whether they count."""
        return [decision.outcome for decision in decisions(SCENARIO, self.transcript)]


CASES: dict[str, tuple[Mishap, ...]] = {
    "none": (),
    "429": (Mishap.status(429),),
    "429, then well": (Mishap.status(429).at(1, attempts=1),),
    "500": (Mishap.status(500),),
    "connection refused": (Mishap.refused(),),
    "time-out before the first chunk": (Mishap.timed_out(),),
    "silence before the first chunk": (Mishap.stall(),),
    "stall midway": (Mishap.stall(after=2).at(2),),
    "cut midway": (Mishap.cut(after=2).at(2),),
    "cut after the handoff's call": (Mishap.cut(after=1).at(1),),
    "500 in the second turn": (Mishap.status(500).at(3),),
    "empty reply": (Mishap.empty().at(1),),
    "malformed arguments, repaired": (Mishap.malformed_arguments('{"reason": "inv'),),
    "malformed arguments, beyond repair": (Mishap.malformed_arguments("an invoice"),),
    "unknown tool": (Mishap.unknown_tool(),),
    "unknown tool, then corrected": (Mishap.unknown_tool().at(1),),
    "extra arguments": (Mishap.extra_arguments(urgency="high"),),
    "missing arguments": (Mishap.missing_arguments(),),
    "missing arguments, then corrected": (Mishap.missing_arguments().at(1),),
    "two handoffs in one reply": (Mishap.beside(tool_call("transfer_to_sales")),),
    "handoff beside an ordinary tool": (Mishap.beside(tool_call("open_ticket")),),
    "refusal": (Mishap.refusal().at(1),),
}


def healthy(request: Request) -> Reply:
    """Hand over, and try again when the tool complains."""
    last = request.last_item
    complained = isinstance(last, llm.FunctionCallOutput) and last.is_error
    asked = isinstance(last, llm.ChatMessage) and "invoice" in (last.text_content or "")
    may_call = request.tool_choice != "none" and "transfer_to_billing" in request.tool_names
    if may_call and (asked or complained):
        return tool_call("transfer_to_billing", reason="an invoice")
    return "Good afternoon, how may I help you?"


async def hold(fault: str) -> Row:
    """Hold a trial with one fault, and a healthy one after it."""
    before = asyncio.all_tasks()
    began = time.perf_counter()
    model = FaultyLLM(ScriptedLLM(healthy), *CASES[fault])
    transcript, session = await _trial(model)
    seconds = time.perf_counter() - began
    left = asyncio.all_tasks() - before
    after, _ = await _trial(ScriptedLLM(healthy))
    return Row(
        fault=fault,
        transcript=transcript,
        status=overall(score(SCENARIO, transcript)),
        struck=len(model.struck),
        seconds=seconds,
        closed=not session._started and not left,
        next_status=overall(score(SCENARIO, after)),
    )


async def _trial(model: llm.LLM) -> tuple[Transcript, AgentSession]:
    sessions: list[AgentSession] = []

    def make(tapped: llm.LLM) -> tuple[Agent, AgentSession]:
        sessions.append(AgentSession(llm=tapped, conn_options=RETRY_ONCE))
        return FrontDesk(), sessions[-1]

    driver = InProcessDriver(
        entry=AgentEntry.of(make),
        model=lambda _scenario, _seed: model,
        watch=SCENARIO_WATCH,
        limits=LIMITS,
    )
    return await driver.hold(SCENARIO, seed=0), sessions[-1]


async def rows() -> Iterator[Row]:
    return iter([await hold(fault) for fault in CASES])
