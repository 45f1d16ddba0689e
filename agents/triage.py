"""Triage of an insurance line: one specialist for each topic, and a front desk.

What the next agent is told is one choice for the whole call, `Carry`: see `carried`.

Talk to it: `python agents/triage.py console` (with `--text` to type).
"""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

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

Topic = Literal["claims", "policies", "payments"]
TOPICS: dict[Topic, str] = {
    "claims": "reporting a damage or a loss, and following a claim",
    "policies": "taking out, changing or cancelling cover",
    "payments": "premiums, direct debits and invoices",
}
LAST_ITEMS = 6


class Carry(Enum):
    """What an agent that takes over is told of the call so far."""

    FRESH = "fresh"
    """Nothing. The caller begins again."""
    FULL = "full"
    """All that was said."""
    LAST_TURNS = "last turns"
    """The last `LAST_ITEMS` messages."""
    SUMMARY = "summary"
    """Summaries by the session's model, and the caller's last message. Costs a model call."""
    FACTS = "facts"
    """What userdata holds, and the caller's last message."""


@dataclass(kw_only=True)
class Caller:
    """What is known of the caller, by a lookup of their number, or added by the agents."""

    name: str | None = None
    policy_number: str | None = None
    topics: list[str] = field(default_factory=list)
    """The topics of the specialists that took the call, in order."""

    def facts(self) -> str:
        """Say it in one line for a model, without what is not known."""
        known = {
            "name": self.name,
            "policy number": self.policy_number,
            "specialists so far": ", ".join(self.topics),
        }
        facts = [f"{key}: {value}" for key, value in known.items() if value]
        return "; ".join(facts) or "nothing yet"


async def carried(carry: Carry, agent: Agent) -> ChatContext:
    """Build what the next agent is told when `agent` hands over; never a prompt of `agent`."""
    said = agent.chat_ctx.copy(
        exclude_instructions=True,
        # Config updates hold the old prompt a second time; and truncate counts all items.
        exclude_config_update=True,
        exclude_handoff=True,
        exclude_function_call=True,
    )
    last_words = [m for m in said.messages() if m.role == "user"][-1:]
    match carry:
        case Carry.FRESH:
            return ChatContext.empty()
        case Carry.FULL:
            return said
        case Carry.LAST_TURNS:
            # On the copy without instructions: truncate keeps the first instructions it finds.
            return said.truncate(max_items=LAST_ITEMS)
        case Carry.SUMMARY:
            # Of what has no summary yet: a summary of summaries forgets a little each time.
            notes = [m for m in agent.chat_ctx.messages() if m.extra.get("is_summary")]
            if talk := [m for m in said.messages() if m not in last_words]:
                notes.append(await summary(agent.session.llm, talk))
            return ChatContext([*notes, *last_words])
        case Carry.FACTS:
            facts = f"Known about this call: {agent.session.userdata.facts()}."
            return ChatContext([llm.ChatMessage(role="system", content=[facts]), *last_words])


async def summary(model: object, talk: list[llm.ChatMessage]) -> llm.ChatMessage:
    """Have a model sum up what was said, in a message that is marked as a summary.

    Raises:
        TypeError: The session's model is a realtime one, which can't be asked on the side.
    """
    if not isinstance(model, llm.LLM):
        raise TypeError(f"can't sum up with {model!r}: use an llm.LLM, or another Carry")
    order = ChatContext.empty()
    order.add_message(
        role="system",
        content=(
            "Sum up this phone call for the colleague who takes over, in three sentences at most: "
            "what the caller wants, the details they gave, and what is settled. Add nothing."
        ),
    )
    order.add_message(role="user", content="\n".join(f"{m.role}: {m.text_content}" for m in talk))
    reply = await model.chat(chat_ctx=order).collect()
    return llm.ChatMessage(
        role="system",
        content=[f"Earlier in this call: {reply.text}"],
        extra={"is_summary": True},
    )


class TriageAgent(Agent):
    """Takes the call and finds the right desk for it."""

    def __init__(self, *, carry: Carry = Carry.FULL, chat_ctx: ChatContext | None = None) -> None:
        topics = "; ".join(f"{topic}: {about}" for topic, about in TOPICS.items())
        super().__init__(
            instructions=(
                "You answer the phone of Harbour Insurance, and put callers through to the right "
                f"desk. The specialists are {topics}. Opening hours, addresses and directions "
                "are for the front desk. Transfer as soon as you know the topic, without "
                "answering yourself; if it is unclear, ask one short question. Greetings and "
                "small talk you answer yourself, in one short sentence."
            ),
            chat_ctx=chat_ctx,
        )
        self._carry = carry

    async def on_enter(self) -> None:
        """Greet a new caller, or go on with one who comes back: nobody is greeted twice."""
        if any(message.role == "user" for message in self.chat_ctx.messages()):
            self.session.generate_reply()
        else:
            self.session.say("Harbour Insurance, good day! What can we do for you?")

    @function_tool
    async def transfer_to_claims(self) -> Agent:
        """Transfer to claims: the caller reports a damage or a loss, or follows a claim."""
        return await self._specialist("claims")

    @function_tool
    async def transfer_to_policies(self) -> Agent:
        """Transfer to policies: the caller takes out, changes or cancels cover."""
        return await self._specialist("policies")

    @function_tool
    async def transfer_to_payments(self) -> Agent:
        """Transfer to payments: premiums, direct debits and invoices."""
        return await self._specialist("payments")

    @function_tool
    async def transfer_to_front_desk(self) -> tuple[Agent, str]:
        """Transfer to the front desk: opening hours, addresses and directions."""
        desk = Agent(
            instructions=(
                "You are the front desk of Harbour Insurance, at 12 Quay Street, by the tram stop "
                "Old Harbour, open from 9 to 17 on weekdays. Answer questions about opening "
                "hours, addresses and directions in one short sentence; for anything else call "
                "transfer_to_triage."
            ),
            chat_ctx=await carried(self._carry, self),
            tools=[way_back(self._carry)],
        )
        # A plain Agent says nothing when it enters, so the last words of this one must do.
        return desk, "The front desk is on the line now. Say so, and ask what they want to know."

    async def _specialist(self, topic: Topic) -> Agent:
        chat_ctx = await carried(self._carry, self)
        return SpecialistAgent(topic, carry=self._carry, chat_ctx=chat_ctx)


class SpecialistAgent(Agent):
    """Deals with one topic."""

    def __init__(
        self,
        topic: Topic,
        *,
        carry: Carry = Carry.FULL,
        chat_ctx: ChatContext | None = None,
    ) -> None:
        super().__init__(
            instructions=(
                f"You are the {topic} specialist of Harbour Insurance, who deals with "
                f"{TOPICS[topic]}. The caller has just been put through to you: go on from what "
                "you know of the call, or else ask what they need. One or two short sentences a "
                "turn. When they ask for anything but your topic, call transfer_to_triage."
            ),
            chat_ctx=chat_ctx,
            tools=[way_back(carry)],
        )
        self.topic = topic

    async def on_enter(self) -> None:
        """Note the topic, and take up what the caller said."""
        # Here and not in the tool: livekit may drop a handoff, but this agent has the call.
        self.session.userdata.topics.append(self.topic)
        # Without tools: a specialist speaks before it passes a caller on, so that no two agents
        # can pass one to and fro for ever.
        self.session.generate_reply(tools=[])


def way_back(carry: Carry) -> llm.FunctionTool[..., Any]:
    """Build the tool that returns a caller to triage, with the context that `carry` says."""

    @function_tool
    async def transfer_to_triage(context: RunContext[Caller]) -> Agent:
        """Transfer the caller back to triage: they ask for something else than your topic."""
        chat_ctx = await carried(carry, context.session.current_agent)
        return TriageAgent(carry=carry, chat_ctx=chat_ctx)

    return transfer_to_triage


def triage_call(
    model: llm.LLM[Any],
    *,
    carry: Carry = Carry.FULL,
    vad: VAD | None = None,
    stt: str | None = None,
    tts: str | None = None,
) -> tuple[Agent, AgentSession[Caller]]:
    """Build the agent that takes the call, and its session; with `model` alone it is in text."""
    session = AgentSession[Caller](
        userdata=Caller(),
        llm=model,
        vad=vad or NOT_GIVEN,
        stt=stt or NOT_GIVEN,
        tts=tts or NOT_GIVEN,
        turn_handling={"preemptive_generation": {"enabled": True}},
    )
    return TriageAgent(carry=carry), session


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"):
        agent, session = triage_call(
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
        agent, session = triage_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
