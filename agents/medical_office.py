"""The phone of a medical office: triage, medical support and billing, which pass callers around.

Each agent is told the last words of the agent before it, merged into what it heard itself, with
nothing twice. Billing lets nobody in before a group of two tasks knows who is calling.

Talk to it: `python agents/medical_office.py console` (with `--text` to type).
"""

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import Any, Literal

from dotenv import load_dotenv
from livekit.agents import (
    NOT_GIVEN,
    Agent,
    AgentServer,
    AgentSession,
    AgentTask,
    JobContext,
    JobProcess,
    ToolError,
    cli,
    function_tool,
    inference,
    llm,
)
from livekit.agents.beta.workflows import TaskGroup
from livekit.agents.vad import VAD
from livekit.plugins import silero

load_dotenv()
logger = logging.getLogger(__name__)

Desk = Literal["triage", "support", "billing"]
LAST_ITEMS = 6
"""How many messages of the agent before it an agent is told."""
BALANCES = {"4410": 0, "7352": 85}
"""What the patients owe, in euros, by patient number."""


@dataclass(kw_only=True)
class Patient:
    """Who is calling, as far as it is known, and the desks of the office."""

    born: int | None = None
    """The year."""
    number: str | None = None
    appointment: str | None = None
    desks: dict[Desk, Agent]
    previous: Agent | None = None
    """Who had the call before the agent that has it now."""


class BornTask(AgentTask[int]):
    """Asks for the year of birth."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "Find out in which year the patient was born, and call record_year. Ask nothing "
                "else, and answer nothing else."
            )
        )

    async def on_enter(self) -> None:
        """Ask."""
        self.session.say("In which year were you born?")

    @function_tool
    async def record_year(self, year: int) -> None:
        """Record the year of birth that the patient has just given.

        Args:
            year: The year, with four digits.
        """
        if not 1900 < year < 2030:  # noqa: PLR2004 - the years of those who live
            raise ToolError(f"{year} is no year of birth: ask again.")
        if not self.done():
            self.complete(year)


class NumberTask(AgentTask[str]):
    """Asks for the patient number."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "Find out the patient number, which has four digits, and call record_number. Ask "
                "nothing else, and answer nothing else."
            )
        )

    async def on_enter(self) -> None:
        """Ask."""
        self.session.say("And what is your patient number?")

    @function_tool
    async def record_number(self, number: str) -> None:
        """Record the patient number that the patient has just given.

        Args:
            number: The four digits.
        """
        if number not in BALANCES:
            raise ToolError(f"Nobody has the number {number!r}: ask again.")
        if not self.done():
            self.complete(number)


class DeskAgent(Agent):
    """What all desks do when they take the call, and how they pass it on."""

    async def on_enter(self) -> None:
        """Take up what was said at the desk before."""
        if previous := self.session.userdata.previous:
            before = previous.chat_ctx.copy(
                exclude_instructions=True,
                # Hold the old prompt a second time, and truncate counts all items.
                exclude_config_update=True,
                exclude_handoff=True,
                exclude_function_call=True,
            ).truncate(max_items=LAST_ITEMS)
            told = self.chat_ctx.copy()
            # By the items' ids, so that a caller who comes back has said nothing twice; at the end,
            # since `merge` would put what is older than this agent above its instructions.
            told.items += [item for item in before.items if told.get_by_id(item.id) is None]
            await self.update_chat_ctx(told)
        # Without tools: a desk speaks before it passes the caller on.
        self.session.generate_reply(tools=[])

    def _next(self, desk: Desk) -> Agent:
        patient: Patient = self.session.userdata
        patient.previous = self
        return patient.desks[desk]


class TriageAgent(DeskAgent):
    """Takes the call and finds the right desk."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You answer the phone of the Lindenhof medical office. Symptoms, medication and "
                "appointments go to medical support; invoices and payments to billing. Ask one "
                "short question if it is unclear. Opening hours (8 to 18) and address (3 Elm Lane) "
                "are yours. In an emergency tell the caller to dial 112, and transfer nobody."
            )
        )

    async def on_enter(self) -> None:
        """Welcome a new caller, or go on with one who comes back."""
        if self.session.userdata.previous:
            await super().on_enter()
        else:
            self.session.say("Lindenhof medical office. What is it about?")

    @function_tool
    async def transfer_to_support(self) -> Agent:
        """Transfer to medical support: symptoms, medication, appointments."""
        return self._next("support")

    @function_tool
    async def transfer_to_billing(self) -> Agent:
        """Transfer to billing: invoices, payments, insurance cover."""
        return self._next("billing")


class SupportAgent(DeskAgent):
    """Deals with what patients feel, and gives appointments."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You are the medical support of the Lindenhof office, in one or two short "
                "sentences. The patient has just been put through: do not make them say it again. "
                "Give no diagnosis: offer an appointment, and call give_appointment when they "
                "accept a day. Invoices and payments go to billing, all else back to triage."
            )
        )

    @function_tool
    async def give_appointment(self, day: str) -> str:
        """Give the patient an appointment on a day that they accepted.

        Args:
            day: The day of the week.
        """
        if self.session.userdata.appointment:
            raise ToolError(f"There is one already: {self.session.userdata.appointment}.")
        self.session.userdata.appointment = day
        return f"Given: {day}. Say so."

    @function_tool
    async def transfer_to_billing(self) -> Agent:
        """Transfer to billing: invoices, payments, insurance cover."""
        return self._next("billing")

    @function_tool
    async def transfer_to_triage(self) -> Agent:
        """Transfer back to triage: anything that is neither medical nor an invoice."""
        return self._next("triage")


class BillingAgent(DeskAgent):
    """Deals with invoices, once it is known whose they are."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You are the billing desk of the Lindenhof office, in one or two short sentences. "
                "The patient has just been put through: do not make them say it again. Call "
                "balance before you talk about money; it finds out who is calling. Symptoms, "
                "medication and appointments go to medical support, all else back to triage."
            )
        )

    @function_tool
    async def balance(self) -> str:
        """Look up what the patient owes; asks who they are if that is not known."""
        patient: Patient = self.session.userdata
        if not patient.number:
            group = TaskGroup(summarize_chat_ctx=False)
            group.add(BornTask, id="born", description="The patient's year of birth")
            group.add(NumberTask, id="number", description="The patient number")
            results = (await group).task_results
            patient.born, patient.number = results["born"], results["number"]
        return f"The patient owes {BALANCES[patient.number or '']} euros. Say so."

    @function_tool
    async def transfer_to_support(self) -> Agent:
        """Transfer to medical support: symptoms, medication, appointments."""
        return self._next("support")

    @function_tool
    async def transfer_to_triage(self) -> Agent:
        """Transfer back to triage: anything that is neither medical nor an invoice."""
        return self._next("triage")


def medical_call(
    model: llm.LLM[Any],
    *,
    vad: VAD | None = None,
    stt: str | None = None,
    tts: str | None = None,
) -> tuple[Agent, AgentSession[Patient]]:
    """Build the agent that takes the call, and its session; with `model` alone it is in text."""
    triage = TriageAgent()
    desks: dict[Desk, Agent] = {
        "triage": triage,
        "support": SupportAgent(),
        "billing": BillingAgent(),
    }
    session = AgentSession[Patient](
        userdata=Patient(desks=desks),
        llm=model,
        vad=vad or NOT_GIVEN,
        stt=stt or NOT_GIVEN,
        tts=tts or NOT_GIVEN,
        turn_handling={"preemptive_generation": {"enabled": True}},
    )
    return triage, session


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"):
        agent, session = medical_call(
            # Of two handoffs in one reply livekit carries out neither.
            inference.LLM("openai/gpt-4.1-mini", extra_kwargs={"parallel_tool_calls": False}),
            vad=ctx.proc.userdata["vad"],
            stt="deepgram/nova-3:en",
            tts="deepgram/aura-2:athena",
        )
    else:
        from handoff_evals import local_llm  # noqa: PLC0415 - no need of it with credentials

        logger.warning("no LiveKit credentials: a local model answers, so run `console --text`")
        # In a thread: the first call loads the model.
        agent, session = medical_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
