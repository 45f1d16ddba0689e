"""Customer service of a provider of home internet and phone, with three specialists.

The tools are functions, and each agent lists those that it may use: those lists are the map of
the ways that a call can take. A tool returns the next agent and a message. The message goes to
the agent that leaves, which makes one last reply of it; then the next agent speaks.

Talk to it: `python agents/customer_service.py console` (with `--text` to type).
"""

import asyncio
import logging
import os
from typing import Any

from dotenv import load_dotenv
from livekit.agents import (
    NOT_GIVEN,
    Agent,
    AgentServer,
    AgentSession,
    ChatContext,
    JobContext,
    JobProcess,
    RunContext,
    cli,
    function_tool,
    inference,
    llm,
)
from livekit.agents.vad import VAD
from livekit.plugins import silero

load_dotenv()
logger = logging.getLogger(__name__)

LAST_WORDS = "{} takes over now. Say so in one short sentence, and leave the answer to them."

CARRY_ON = (
    "The caller has just been put through to you: go on from what they said, without a new "
    "welcome, and do not make them say it again. One or two short sentences a turn. "
)


@function_tool
async def transfer_to_billing(context: RunContext[None]) -> tuple[Agent, str]:
    """Transfer the caller to billing: charges, invoices, refunds and payments."""
    return BillingAgent(chat_ctx=said_so_far(context)), LAST_WORDS.format("Billing")


@function_tool
async def transfer_to_technical_support(context: RunContext[None]) -> tuple[Agent, str]:
    """Transfer the caller to technical support: connection, router, speed and line faults."""
    agent = TechnicalSupportAgent(chat_ctx=said_so_far(context))
    return agent, LAST_WORDS.format("Technical support")


@function_tool
async def escalate_to_manager(context: RunContext[None], reason: str) -> tuple[Agent, str]:
    """Escalate to a manager: the caller demands a manager or wants to complain formally.

    Args:
        context: The call, given by livekit.
        reason: What the manager has to know, in one sentence.
    """
    agent = ManagerAgent(reason=reason, chat_ctx=said_so_far(context))
    return agent, LAST_WORDS.format("The manager")


@function_tool
async def transfer_to_customer_service(context: RunContext[None]) -> tuple[Agent, str]:
    """Transfer the caller back to customer service: opening hours, plans, address, all else."""
    agent = CustomerServiceAgent(chat_ctx=said_so_far(context))
    return agent, LAST_WORDS.format("Customer service")


def said_so_far(context: RunContext[None]) -> ChatContext:
    """Copy what the caller and the agents said, for the agent that takes over.

    Prompts stay behind, and so do config updates, which hold the old prompt a second time. So do
    calls of tools: all that there are here are transfers, which are over.
    """
    return context.session.current_agent.chat_ctx.copy(
        exclude_instructions=True,
        exclude_config_update=True,
        exclude_handoff=True,
        exclude_function_call=True,
    )


class CustomerServiceAgent(Agent):
    """Takes the call, answers what is general, and finds the specialist for the rest."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions=(
                "You are the friendly customer service of Lumen Line, a provider of home internet "
                "and phone. Answer in one or two short sentences. Charges, invoices, refunds and "
                "payments go to billing. A fault of the connection, the router, the speed or the "
                "phone line goes to technical support. A caller who demands a manager or wants "
                "to complain formally goes to the manager. Everything else is yours: opening "
                "hours (8 to 20 on weekdays), plans in general, a change of address, small talk. "
                "If it is unclear what the caller needs, ask before you transfer."
            ),
            chat_ctx=chat_ctx,
            tools=[transfer_to_billing, transfer_to_technical_support, escalate_to_manager],
        )

    async def on_enter(self) -> None:
        """Greet a new caller, or go on with one who comes back: nobody is greeted twice."""
        if any(message.role == "user" for message in self.chat_ctx.messages()):
            self.session.generate_reply()
        else:
            self.session.say("Thank you for calling Lumen Line! How can I help?")


class Specialist(Agent):
    """Deals with one kind of matter, and passes on what is none of it."""

    async def on_enter(self) -> None:
        """Take up what the caller said."""
        # Without tools: a specialist speaks before it passes a caller on, so that no two agents
        # can pass one to and fro for ever.
        self.session.generate_reply(tools=[])


class BillingAgent(Specialist):
    """Deals with money."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions=(
                "You are the billing specialist of Lumen Line, a provider of home internet and "
                f"phone. {CARRY_ON}Charges, invoices, refunds and payments are yours. A fault of "
                "the connection, the router, the speed or the phone line goes to technical "
                "support, a caller who demands a manager or wants to complain formally to the "
                "manager, and everything else back to customer service."
            ),
            chat_ctx=chat_ctx,
            tools=[
                transfer_to_technical_support,
                escalate_to_manager,
                transfer_to_customer_service,
            ],
        )


class TechnicalSupportAgent(Specialist):
    """Deals with what does not work."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions=(
                "You are the technical support of Lumen Line, a provider of home internet and "
                f"phone. {CARRY_ON}Faults of the connection, the router, the speed and the phone "
                "line are yours: ask for one check at a time. Charges, invoices, refunds and "
                "payments go to billing, a caller who demands a manager or wants to complain "
                "formally to the manager, and everything else back to customer service."
            ),
            chat_ctx=chat_ctx,
            tools=[transfer_to_billing, escalate_to_manager, transfer_to_customer_service],
        )


class ManagerAgent(Specialist):
    """Deals with complaints, in a voice of its own."""

    def __init__(self, *, reason: str = "not given", chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions=(
                "You are the calm and senior manager on duty at Lumen Line, a provider of home "
                f"internet and phone. {CARRY_ON}Reason of the escalation: {reason}. Complaints "
                "are yours: listen, apologise once, and agree on the next step. When the "
                "complaint is dealt with, or the caller asks for anything else, hand them back to "
                "customer service."
            ),
            chat_ctx=chat_ctx,
            tts=(
                inference.TTS("deepgram/aura-2", voice="apollo") if has_credentials() else NOT_GIVEN
            ),
            tools=[transfer_to_customer_service],
        )


def service_call(
    model: llm.LLM[Any],
    *,
    vad: VAD | None = None,
    stt: str | None = None,
    tts: str | None = None,
) -> tuple[Agent, AgentSession[None]]:
    """Build the agent that takes the call, and its session; with `model` alone it is in text."""
    session = AgentSession[None](
        llm=model,
        vad=vad or NOT_GIVEN,
        stt=stt or NOT_GIVEN,
        tts=tts or NOT_GIVEN,
        turn_handling={"preemptive_generation": {"enabled": True}},
    )
    return CustomerServiceAgent(), session


def has_credentials() -> bool:
    """Say whether LiveKit Inference can be used."""
    return bool(os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"))


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if has_credentials():
        agent, session = service_call(
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
        agent, session = service_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
