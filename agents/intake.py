"""An intake that asks for two facts and hands over when it has both.

The facts live in the session's userdata, so they outlast the agent that asked for them. The tool
that records the missing one hands over to the next agent, which greets the caller by name.

Talk to it: `python agents/intake.py console` (with `--text` to type).
"""

import asyncio
import logging
import os
from dataclasses import dataclass
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
    ToolError,
    cli,
    function_tool,
    inference,
    llm,
)
from livekit.agents.vad import VAD
from livekit.plugins import silero

load_dotenv()
logger = logging.getLogger(__name__)

OLDEST = 120


@dataclass(kw_only=True)
class Caller:
    """What is known of the caller; `None` until they have said it. The age is in years."""

    name: str | None = None
    age: int | None = None


class IntakeAgent(Agent):
    """Asks for the name and the age, and records them."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You welcome callers who want to join the Riverside sports club. Find out their "
                "name and their age, one friendly question at a time. Call record_name as soon "
                "as they say their name and record_age as soon as they say their age; never "
                "guess either. Once both are recorded, a membership adviser takes over by "
                "itself, so leave every question about sports, prices and times to them."
            ),
        )

    async def on_enter(self) -> None:
        """Greet, and ask for the first fact."""
        self.session.say("Welcome to the Riverside sports club! May I have your name?")

    @function_tool
    async def record_name(self, name: str) -> str | None:
        """Record the name that the caller has just given.

        Args:
            name: The caller's name, as they said it.
        """
        if not name.strip():
            raise ToolError("The name is empty: ask the caller for their name.")
        self.session.userdata.name = name.strip()
        return self._next()

    @function_tool
    async def record_age(self, age: int) -> str | None:
        """Record the age that the caller has just given.

        Args:
            age: The caller's age in whole years.
        """
        if not 0 < age <= OLDEST:
            raise ToolError(f"{age} is no age: ask the caller how many years old they are.")
        self.session.userdata.age = age
        return self._next()

    def _next(self) -> str | None:
        match self.session.userdata:
            case Caller(name=None):
                return "The age is recorded. The name is still missing: ask for it."
            case Caller(age=None):
                return "The name is recorded. The age is still missing: ask for it."
            case caller:
                # Two tools in one reply would enter membership twice; and of two that return an
                # agent livekit carries out neither.
                if self.session.current_agent is self:
                    said = self.chat_ctx.copy(
                        exclude_instructions=True,
                        # Holds the old prompt a second time.
                        exclude_config_update=True,
                        exclude_handoff=True,
                        exclude_function_call=True,
                    )
                    self.session.update_agent(MembershipAgent(caller, chat_ctx=said))
                return None


class MembershipAgent(Agent):
    """Advises a caller whose name and age are known."""

    def __init__(self, caller: Caller, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions=(
                "You advise people on membership of the Riverside sports club, in one or two "
                f"short sentences. You talk to {caller.name}, aged {caller.age}: never ask for "
                "either again. Juniors up to 17 pay 15 euros a month, adults 30, and seniors "
                "from 65 on 20. There is a pool, a climbing wall and a tennis court, open from "
                "7 to 22. You are the last stop of this call: answer everything yourself, and "
                "say so if you do not know."
            ),
            chat_ctx=chat_ctx,
        )
        self._caller = caller

    async def on_enter(self) -> None:
        """Greet by name."""
        self.session.say(
            f"Thank you, {self._caller.name}, that is all I need. "
            "What would you like to know about the club?"
        )


def intake_call(
    model: llm.LLM[Any],
    *,
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
    return IntakeAgent(), session


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"):
        agent, session = intake_call(
            # With two calls in one reply the intake would speak once more after the last one.
            inference.LLM("openai/gpt-4.1-mini", extra_kwargs={"parallel_tool_calls": False}),
            vad=ctx.proc.userdata["vad"],
            stt="deepgram/nova-3:en",
            tts="deepgram/aura-2:athena",
        )
    else:
        from handoff_evals import local_llm  # noqa: PLC0415 - no need of it with credentials

        logger.warning("no LiveKit credentials: a local model answers, so run `console --text`")
        # In a thread: the first call loads the model.
        agent, session = intake_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
