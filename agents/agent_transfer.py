"""Two agents that swap places in one call: one is brief, the other takes its time.

The plainest handoff there is: a tool calls `session.update_agent` and returns nothing, so the
agent that leaves says no more, and the one that enters greets.

Talk to it: `python agents/agent_transfer.py console` (with `--text` to type).
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
    cli,
    function_tool,
    inference,
    llm,
)
from livekit.agents.vad import VAD
from livekit.plugins import silero

load_dotenv()
logger = logging.getLogger(__name__)


class ShortWindedAgent(Agent):
    """Answers in a few words, and leaves the long answers to its colleague."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions=(
                "You are a helpful voice assistant of few words: answer in one short sentence. "
                "When the caller wants a longer or more detailed answer, call change_agent; "
                "whatever else they ask, answer it yourself."
            ),
            chat_ctx=chat_ctx,
        )

    async def on_enter(self) -> None:
        """Greet."""
        self.session.say("Hi, the short-winded one here. What would you like to know?")

    @function_tool
    async def change_agent(self) -> None:
        """Change to the long-winded agent: the caller wants longer, more detailed answers."""
        # Called twice in one reply, it would enter the colleague twice.
        if self.session.current_agent is self:
            self.session.update_agent(LongWindedAgent(chat_ctx=said_so_far(self)))


class LongWindedAgent(Agent):
    """Answers at length, and leaves the brief answers to its colleague."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions=(
                "You are a helpful voice assistant who likes to explain: answer in four or five "
                "sentences, with an example. When the caller wants it brief, or in fewer words, "
                "call change_agent; whatever else they ask, answer it yourself."
            ),
            chat_ctx=chat_ctx,
        )

    async def on_enter(self) -> None:
        """Greet."""
        self.session.say(
            "Hello, this is the long-winded one, and I have all the time in the world. "
            "I heard what you two talked about: where shall I begin?"
        )

    @function_tool
    async def change_agent(self) -> None:
        """Change to the short-winded agent: the caller wants brief, shorter answers."""
        # As above.
        if self.session.current_agent is self:
            self.session.update_agent(ShortWindedAgent(chat_ctx=said_so_far(self)))


def said_so_far(agent: Agent) -> ChatContext:
    """Copy what the caller and the agents said, for the agent that enters.

    Prompts stay behind, and so do config updates, which hold the old prompt a second time. So do
    the calls: both agents have a tool of the same name, with opposite meanings.
    """
    return agent.chat_ctx.copy(
        exclude_instructions=True,
        exclude_config_update=True,
        exclude_handoff=True,
        exclude_function_call=True,
    )


def transfer_call(
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
    return ShortWindedAgent(), session


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"):
        agent, session = transfer_call(
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
        agent, session = transfer_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
