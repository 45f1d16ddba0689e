"""What becomes of a trial when its model fails: fault by outcome, with the time it took.

`python benchmarks/fault_matrix.py` holds one short conversation for each fault, and
after each of them a healthy one in the same event loop.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from livekit.agents import Agent, AgentSession, APIConnectOptions, function_tool, llm
from livekit.agents.voice.agent_session import SessionConnectOptions
from rich.console import Console
from rich.table import Table

from handoff_evals.checks import Status, decisions, overall, score
from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.livekit import AgentEntry, Reply, Request, ScriptedLLM
from handoff_evals.livekit.faulty import FaultyLLM, ModelFault
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Target, Watch
from handoff_evals.transcript import Transcript

PATIENT_S = 20.0
"""A turn's deadline where it should not matter, on a machine that is busy too."""
STALLED_S = 0.5
"""The deadline that a stall is to run into."""
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

    transcript: Transcript
    status: Status
    occurred: int
    """How often the fault did its harm, retries included."""
    seconds: float
    session: AgentSession[Any]
    left: int
    """Tasks that outlived the trial."""
    next_status: Status
    """Of the healthy trial that followed."""

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Each fault's owner and cause, once."""
        found = self.transcript.faults
        return list(dict.fromkeys((fault.owner, fault.cause) for fault in found))

    @property
    def outcomes(self) -> list[str]:
        """What the decisions came to; none where the trial is unscored."""
        if self.status == "unscored":
            return []
        return [decision.outcome for decision in decisions(SCENARIO, self.transcript)]


class Case:
    """What occurs in one conversation."""

    def __init__(self, *faults: ModelFault, turn_s: float = PATIENT_S) -> None:
        self.faults = faults
        self.turn_s = turn_s


CASES = {
    "none": Case(),
    "429": Case(ModelFault.status(429)),
    "429, then well": Case(ModelFault.status(429).at(1, attempts=1)),
    "500": Case(ModelFault.status(500)),
    "connection refused": Case(ModelFault.refused()),
    "time-out before the first chunk": Case(ModelFault.timed_out()),
    "silence before the first chunk": Case(ModelFault.stall(), turn_s=STALLED_S),
    "stall midway": Case(ModelFault.stall(after=2).at(2), turn_s=STALLED_S),
    "cut midway": Case(ModelFault.cut(after=2).at(2)),
    "cut after the handoff's call": Case(ModelFault.cut(after=1).at(1)),
    "500 in the second turn": Case(ModelFault.status(500).at(3)),
    "empty reply": Case(ModelFault.empty().at(1)),
    "malformed arguments, repaired": Case(ModelFault.malformed_arguments('{"reason": "inv')),
    "malformed arguments, beyond repair": Case(ModelFault.malformed_arguments("an invoice")),
    "unknown tool": Case(ModelFault.unknown_tool()),
    "unknown tool, then corrected": Case(ModelFault.unknown_tool().at(1)),
    "extra arguments": Case(ModelFault.extra_arguments(urgency="high")),
    "missing arguments": Case(ModelFault.missing_arguments()),
    "missing arguments, then corrected": Case(ModelFault.missing_arguments().at(1)),
    "two handoffs in one reply": Case(ModelFault.beside(tool_call("transfer_to_sales"))),
    "handoff beside an ordinary tool": Case(ModelFault.beside(tool_call("open_ticket"))),
    "refusal": Case(ModelFault.refusal().at(1)),
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


async def hold(case: Case) -> Row:
    """Hold a trial in which it occurs, and a healthy one after it."""
    before = asyncio.all_tasks()
    clock = asyncio.get_running_loop().time
    began = clock()
    model = FaultyLLM(ScriptedLLM(healthy), *case.faults)
    transcript, session = await trial(model, turn_s=case.turn_s)
    seconds = clock() - began
    left = len(asyncio.all_tasks() - before)
    after, _ = await trial(ScriptedLLM(healthy))
    return Row(
        transcript=transcript,
        status=overall(score(SCENARIO, transcript)),
        occurred=len(model.occurred),
        seconds=seconds,
        session=session,
        left=left,
        next_status=overall(score(SCENARIO, after)),
    )


async def trial(
    model: llm.LLM[Any], *, turn_s: float = PATIENT_S
) -> tuple[Transcript, AgentSession[Any]]:
    """Hold the conversation on one model."""
    sessions: list[AgentSession[Any]] = []

    def make(tapped: llm.LLM[Any]) -> tuple[Agent, AgentSession[Any]]:
        sessions.append(AgentSession(llm=tapped, conn_options=RETRY_ONCE))
        return FrontDesk(), sessions[-1]

    driver = TextDriver(
        entry=AgentEntry.of(make),
        model=lambda _scenario, _seed: model,
        watch=Watch(),
        limits=Limits(turn_s=turn_s),
    )
    return await driver.run(SCENARIO, seed=0), sessions[-1]


async def matrix() -> Table:
    """Hold every case and make the table."""
    await trial(ScriptedLLM(healthy))  # what a process does once is no fault's time
    table = Table(title=f"Faults at the model's boundary; a stalled turn ends at {STALLED_S:g} s")
    for column in ("fault", "whose: cause", "decisions", "trial", "next", "session"):
        table.add_column(column, no_wrap=True)
    table.add_column("s", justify="right")
    for name, case in CASES.items():
        row = await hold(case)
        table.add_row(
            name,
            "\n".join(": ".join(fault) for fault in row.faults) or "-",
            ", ".join(row.outcomes) or "-",
            row.status,
            row.next_status,
            "open" if row.session._started or row.left else "closed",
            f"{row.seconds:.2f}",
        )
    return table


if __name__ == "__main__":
    Console(width=130).print(asyncio.run(matrix()))
