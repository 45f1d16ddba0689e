"""The front desk of a physiotherapy practice, with a calendar.

Booking needs an e-mail address, and giving an appointment up needs a plain yes. An `AgentTask` has
the call while it asks for the one or the other; then the desk goes on where it was.

Talk to it: `python agents/front_desk.py console` (with `--text` to type).
"""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from typing import Any, Literal

from dotenv import load_dotenv
from livekit.agents import (
    NOT_GIVEN,
    Agent,
    AgentServer,
    AgentSession,
    AgentTask,
    ChatContext,
    JobContext,
    JobProcess,
    ToolError,
    cli,
    function_tool,
    inference,
    llm,
)
from livekit.agents.beta.workflows import GetEmailTask
from livekit.agents.vad import VAD
from livekit.plugins import silero

load_dotenv()
logger = logging.getLogger(__name__)

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday"]


@dataclass(kw_only=True)
class Calendar:
    """The week: the hours that are free on each day, and the caller's own appointment."""

    free: dict[Day, list[int]] = field(
        default_factory=lambda: {"monday": [9, 14], "tuesday": [11], "thursday": [10, 16]}
    )
    booked: str | None = None
    """The caller's appointment, as `monday 9`."""
    email: str | None = None

    def take(self, day: Day, hour: int) -> None:
        """Take an hour off those that are free."""
        self.free[day].remove(hour)
        self.booked = f"{day} {hour}"

    def give_back(self) -> None:
        """Make the caller's hour free again."""
        day, _, hour = (self.booked or "").partition(" ")
        self.free[day].append(int(hour))  # type: ignore[index] # written by `take`
        self.booked = None


class ConfirmTask(AgentTask[bool]):
    """Asks one question that yes or no answers."""

    def __init__(self, question: str, *, chat_ctx: ChatContext) -> None:
        super().__init__(
            instructions=(
                f"Ask the caller: {question} Call answer with what they decide. Ask again if it is "
                "neither yes nor no. Do nothing else."
            ),
            chat_ctx=chat_ctx,
        )
        self._question = question

    async def on_enter(self) -> None:
        """Ask."""
        self.session.say(self._question)

    @function_tool
    async def answer(self, *, yes: bool) -> None:
        """Record what the caller decided.

        Args:
            yes: Whether they said yes.
        """
        if not self.done():
            self.complete(yes)


class FrontDeskAgent(Agent):
    """Finds an hour, books it and gives it up again."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You are the front desk of the physiotherapy practice Back on Track, in one or two "
                "short sentences. Call free_hours before you offer anything. Call book when the "
                "caller has chosen a day and an hour, and cancel when they give their appointment "
                "up; both ask for what they need. You know where the practice is (7 Station Road) "
                "and what to bring (a towel). Pain and treatment are for the therapist."
            )
        )

    async def on_enter(self) -> None:
        """Greet."""
        self.session.say("Back on Track, good morning! What can I do for you?")

    @function_tool
    async def free_hours(self, day: Day) -> str:
        """Say which hours are free on a day.

        Args:
            day: The day of the week.
        """
        calendar: Calendar = self.session.userdata
        hours = ", ".join(f"{hour} o'clock" for hour in calendar.free.get(day, []))
        return f"Free on {day}: {hours or 'nothing'}."

    @function_tool
    async def book(self, day: Day, hour: int) -> str:
        """Book an hour for the caller, who is asked for an e-mail address.

        Args:
            day: The day of the week.
            hour: The full hour, from 0 to 23.
        """
        calendar: Calendar = self.session.userdata
        if calendar.booked:
            raise ToolError(f"The caller has an appointment already: {calendar.booked}.")
        if hour not in calendar.free.get(day, []):
            raise ToolError(f"{day} at {hour} is not free: call free_hours.")
        if not calendar.email:
            result = await GetEmailTask(chat_ctx=self._said())
            calendar.email = result.email_address
        calendar.take(day, hour)
        return f"Booked: {calendar.booked}. A reminder goes to {calendar.email}. Say so."

    @function_tool
    async def cancel(self) -> str:
        """Cancel the caller's appointment, after asking whether they are sure."""
        calendar: Calendar = self.session.userdata
        if not calendar.booked:
            raise ToolError("The caller has no appointment.")
        question = f"Shall I really cancel {calendar.booked} o'clock?"
        if not await ConfirmTask(question, chat_ctx=self._said()):
            return f"The caller keeps {calendar.booked}. Say so."
        calendar.give_back()
        return "The appointment is cancelled. Say so."

    def _said(self) -> ChatContext:
        return self.chat_ctx.copy(
            exclude_instructions=True,
            # Holds the desk's prompt a second time.
            exclude_config_update=True,
            exclude_handoff=True,
            exclude_function_call=True,
        )


def front_desk_call(
    model: llm.LLM[Any],
    *,
    vad: VAD | None = None,
    stt: str | None = None,
    tts: str | None = None,
) -> tuple[Agent, AgentSession[Calendar]]:
    """Build the agent that takes the call, and its session; with `model` alone it is in text."""
    session = AgentSession[Calendar](
        userdata=Calendar(),
        llm=model,
        vad=vad or NOT_GIVEN,
        stt=stt or NOT_GIVEN,
        tts=tts or NOT_GIVEN,
        turn_handling={"preemptive_generation": {"enabled": True}},
    )
    return FrontDeskAgent(), session


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"):
        agent, session = front_desk_call(
            # Two tasks at once would ask two questions at once.
            inference.LLM("openai/gpt-4.1-mini", extra_kwargs={"parallel_tool_calls": False}),
            vad=ctx.proc.userdata["vad"],
            stt="deepgram/nova-3:en",
            tts="deepgram/aura-2:athena",
        )
    else:
        from handoff_evals import local_llm  # noqa: PLC0415 - no need of it with credentials

        logger.warning("no LiveKit credentials: a local model answers, so run `console --text`")
        # In a thread: the first call loads the model.
        agent, session = front_desk_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
