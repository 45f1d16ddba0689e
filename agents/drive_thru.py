"""A drive-thru: one agent that takes an order, with every correction, and hands nobody over.

What was ordered is kept in userdata by tools, never in the model's head, and each tool says what
the order is now. When the order is complete nothing of it can be changed any more.

Talk to it: `python agents/drive_thru.py console` (with `--text` to type).
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

Item = Literal["burger", "veggie burger", "fries", "cola", "shake"]
PRICES: dict[Item, int] = {"burger": 6, "veggie burger": 6, "fries": 3, "cola": 2, "shake": 4}
"""In euros."""
MOST = 20
"""More of one thing than this is a misunderstanding."""


@dataclass(kw_only=True)
class Order:
    """What was ordered so far: how many of each thing."""

    items: dict[Item, int] = field(default_factory=dict)
    complete: bool = False

    @property
    def total(self) -> int:
        """What it costs, in euros."""
        return sum(PRICES[item] * number for item, number in self.items.items())

    def __str__(self) -> str:
        """Say it in one line."""
        listed = ", ".join(f"{number} {item}" for item, number in self.items.items())
        return f"{listed or 'nothing yet'}, {self.total} euros"


class DriveThruAgent(Agent):
    """Takes the order from the first word to the last."""

    def __init__(self) -> None:
        menu = ", ".join(f"{item} {price} euros" for item, price in PRICES.items())
        super().__init__(
            instructions=(
                "You take orders at the drive-thru of Quick Corner, in one short sentence a turn. "
                f"The menu: {menu}. Call add_item for what is ordered and remove_item for what is "
                "taken back; to swap one thing for another, do both. When the driver has all, say "
                "the order and the price, and call complete_order only after they agree. You are "
                "alone here: there is nobody to put a driver through to, so say so to who asks."
            )
        )

    async def on_enter(self) -> None:
        """Ask for the order."""
        self.session.say("Welcome to Quick Corner! What can I get you?")

    @function_tool
    async def add_item(self, item: Item, number: int) -> str:
        """Add something to the order.

        Args:
            item: What it is.
            number: How many more of it.
        """
        order = self._open_order()
        if not 0 < number <= MOST:
            raise ToolError(f"{number} can't be: ask how many.")
        order.items[item] = order.items.get(item, 0) + number
        return f"The order is now: {order}."

    @function_tool
    async def remove_item(self, item: Item, number: int) -> str:
        """Take something back off the order.

        Args:
            item: What it is.
            number: How many fewer of it.
        """
        order = self._open_order()
        if not 0 < number <= order.items.get(item, 0):
            raise ToolError(f"So much {item} is not on the order, which is: {order}.")
        order.items[item] -= number
        if not order.items[item]:
            del order.items[item]
        return f"The order is now: {order}."

    @function_tool
    async def complete_order(self) -> str:
        """Complete the order, once the driver has heard it and agrees: nothing changes after."""
        order = self._open_order()
        if not order.items:
            raise ToolError("Nothing is ordered: ask what the driver would like.")
        order.complete = True
        return f"Complete: {order}. Say the price, and ask the driver to come to the window."

    def _open_order(self) -> Order:
        order: Order = self.session.userdata
        if order.complete:
            raise ToolError("The order is complete: changes are made at the window.")
        return order


def drive_thru_call(
    model: llm.LLM[Any],
    *,
    vad: VAD | None = None,
    stt: str | None = None,
    tts: str | None = None,
) -> tuple[Agent, AgentSession[Order]]:
    """Build the agent that takes the order, and its session; with `model` alone it is in text."""
    session = AgentSession[Order](
        userdata=Order(),
        llm=model,
        vad=vad or NOT_GIVEN,
        stt=stt or NOT_GIVEN,
        tts=tts or NOT_GIVEN,
        turn_handling={"preemptive_generation": {"enabled": True}},
    )
    return DriveThruAgent(), session


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"):
        agent, session = drive_thru_call(
            inference.LLM("openai/gpt-4.1-mini"),
            vad=ctx.proc.userdata["vad"],
            stt="deepgram/nova-3:en",
            tts="deepgram/aura-2:athena",
        )
    else:
        from handoff_evals import local_llm  # noqa: PLC0415 - no need of it with credentials

        logger.warning("no LiveKit credentials: a local model answers, so run `console --text`")
        # In a thread: the first call loads the model.
        agent, session = drive_thru_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
