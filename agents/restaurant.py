"""The phone of a restaurant: a greeter, reservations, takeaway and a checkout.

The agents of a call are made once and kept in userdata, in a registry that tools look them up in,
so an agent that gets the call back still knows what it heard. What the caller ordered and who they
are stands in userdata too, and each agent that takes over is told it.

Talk to it: `python agents/restaurant.py console` (with `--text` to type).
"""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from typing import Any

from dotenv import load_dotenv
from livekit.agents import (
    NOT_GIVEN,
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    JobProcess,
    RunContext,
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

MENU = {"margherita": 9, "lasagne": 12, "tiramisu": 6, "lemonade": 4}
MENU_TEXT = ", ".join(f"{dish} {price} euros" for dish, price in MENU.items())
LAST_ITEMS = 6
"""How many messages of the agent before it an agent is told."""


@dataclass(kw_only=True)
class Visit:
    """What is known of the caller, what they want, and the agents of the call."""

    name: str | None = None
    phone: str | None = None
    table: str | None = None
    cart: dict[str, int] = field(default_factory=dict)
    """Portions of each dish."""
    paid: bool = False
    agents: dict[str, Agent]
    """The registry; a tool names its key."""
    previous: Agent | None = None
    """Who had the call before the agent that has it now."""

    @property
    def total(self) -> int:
        """What the cart costs, in euros."""
        return sum(MENU[dish] * portions for dish, portions in self.cart.items())

    def facts(self) -> str:
        """Say it in one line for a model."""
        cart = ", ".join(f"{portions} {dish}" for dish, portions in self.cart.items())
        return (
            f"name: {self.name or 'unknown'}; phone: {self.phone or 'unknown'}; "
            f"table: {self.table or 'none'}; "
            f"cart: {cart or 'empty'}, {self.total} euros, {'paid' if self.paid else 'not paid'}"
        )


@function_tool
async def record_contact(context: RunContext[Visit], name: str, phone: str) -> str:
    """Record the caller's name and phone number, as soon as both are known.

    Args:
        context: The call, given by livekit.
        name: The caller's name, as they said it.
        phone: The caller's phone number, digits only.
    """
    if not name.strip() or not phone.strip().isdigit():
        raise ToolError("A name and a phone number in digits are needed: ask for what is missing.")
    context.userdata.name, context.userdata.phone = name.strip(), phone.strip()
    return f"Recorded {name} with {phone}."


class RestaurantAgent(Agent):
    """What all of them do when they take the call, and how they pass it on."""

    async def on_enter(self) -> None:
        """Take up what was said to the agent before, and say what this one can do."""
        visit: Visit = self.session.userdata
        told = self.chat_ctx.copy()
        # One note, the newest: an agent may enter more than once.
        told.items[:] = [item for item in told.items if item.id != "visit"]
        if visit.previous:
            before = visit.previous.chat_ctx.copy(
                exclude_instructions=True,
                # Hold the old prompt a second time, and truncate counts all items.
                exclude_config_update=True,
                exclude_handoff=True,
                exclude_function_call=True,
            ).truncate(max_items=LAST_ITEMS)
            # At the end: `merge` sorts by time, and what was said before this agent entered would
            # stand above its instructions.
            told.items += [item for item in before.items if told.get_by_id(item.id) is None]
        told.add_message(role="system", id="visit", content=f"Known so far: {visit.facts()}.")
        await self.update_chat_ctx(told)
        # Without tools: an agent speaks before it passes the caller on.
        self.session.generate_reply(tools=[])

    def _next(self, name: str) -> Agent:
        visit: Visit = self.session.userdata
        visit.previous = self
        return visit.agents[name]


class GreeterAgent(RestaurantAgent):
    """Takes the call, answers what is general, and finds out what it is about."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You answer the phone of the trattoria Da Nina. Find out whether the caller wants "
                "to reserve a table or to order takeaway, and put them through; ask if it is "
                f"unclear. What is on the menu ({MENU_TEXT}), the opening hours (17 to 23, closed "
                "on Mondays) and the address (4 Mill Lane) you answer yourself, in one short "
                "sentence."
            )
        )

    async def on_enter(self) -> None:
        """Welcome a new caller; one who comes back is only asked what else there is."""
        if self.session.userdata.previous:
            await super().on_enter()
        else:
            self.session.say("Da Nina, good evening! A table, or something to take away?")

    @function_tool
    async def to_reservation(self) -> Agent:
        """The caller wants to reserve a table, or to change or cancel a reservation."""
        return self._next("reservation")

    @function_tool
    async def to_takeaway(self) -> Agent:
        """The caller wants to order food to take away."""
        return self._next("takeaway")


class ReservationAgent(RestaurantAgent):
    """Reserves a table."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You take reservations for the trattoria Da Nina, in one or two short sentences. "
                "Find out when and for how many, then the name and the phone number, and call "
                "record_contact and reserve_table. Never ask again for what is known. For "
                "anything else hand the caller back to the greeter."
            ),
            tools=[record_contact],
        )

    @function_tool
    async def reserve_table(self, time: str, guests: int) -> str:
        """Reserve a table, once the caller's name and phone number are recorded.

        Args:
            time: When, as the caller said it.
            guests: For how many people.
        """
        visit: Visit = self.session.userdata
        if not visit.name:
            raise ToolError("Nobody's name is recorded: ask for it and the phone number first.")
        if guests < 1:
            raise ToolError(f"{guests} guests are none: ask for how many people it is.")
        visit.table = f"{time}, {guests} guests"
        return f"Reserved for {visit.name}: {visit.table}. Say so."

    @function_tool
    async def to_greeter(self) -> Agent:
        """The caller wants something else than a table: takeaway, the menu, the opening hours."""
        return self._next("greeter")


class TakeawayAgent(RestaurantAgent):
    """Takes an order."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You take takeaway orders for the trattoria Da Nina, in one or two short "
                f"sentences. The menu: {MENU_TEXT}. Call set_portions for each dish that the "
                "caller names, also when they change their mind. When the order is complete, go "
                "on to the checkout. For anything but takeaway hand the caller back to the greeter."
            )
        )

    @function_tool
    async def set_portions(self, dish: str, portions: int) -> str:
        """Set how many portions of a dish the caller wants; 0 takes it off the order.

        Args:
            dish: The name of the dish on the menu.
            portions: How many portions in all.
        """
        if dish not in MENU:
            raise ToolError(f"{dish!r} is not on the menu: {MENU_TEXT}.")
        if portions < 0:
            raise ToolError(f"{portions} portions can't be: ask how many.")
        visit: Visit = self.session.userdata
        if portions:
            visit.cart[dish] = portions
        else:
            visit.cart.pop(dish, None)
        visit.paid = False
        return f"The order is now: {visit.facts()}."

    @function_tool
    async def to_checkout(self) -> Agent:
        """The order is complete, and the caller wants to pay."""
        if not self.session.userdata.cart:
            raise ToolError("The order is empty: ask what the caller would like.")
        return self._next("checkout")

    @function_tool
    async def to_greeter(self) -> Agent:
        """The caller wants something else than takeaway: a table, the opening hours."""
        return self._next("greeter")


class CheckoutAgent(RestaurantAgent):
    """Takes the money."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You are the checkout of the trattoria Da Nina, in one or two short sentences. "
                "Say what the order comes to, make sure that name and phone number are recorded "
                "with record_contact, then ask for the last four digits of the card on file and "
                "call pay. Changes of the order go back to takeaway. Never ask again for what is "
                "known."
            ),
            tools=[record_contact],
        )

    @function_tool
    async def pay(self, last_four_digits: str) -> tuple[Agent, str]:
        """Charge the card on file. The greeter takes over afterwards.

        Args:
            last_four_digits: The last four digits of the card, as the caller said them.
        """
        visit: Visit = self.session.userdata
        if not visit.phone:
            raise ToolError("Nobody's phone number is recorded: ask for the name and the number.")
        if not (last_four_digits.isdigit() and len(last_four_digits) == len("1234")):
            raise ToolError(f"{last_four_digits!r} is not four digits: ask for them again.")
        visit.paid = True
        return self._next("greeter"), f"{visit.total} euros are paid. Say so in one sentence."

    @function_tool
    async def to_takeaway(self) -> Agent:
        """The caller wants to change the order."""
        return self._next("takeaway")


def restaurant_call(
    model: llm.LLM[Any],
    *,
    vad: VAD | None = None,
    stt: str | None = None,
    tts: str | None = None,
) -> tuple[Agent, AgentSession[Visit]]:
    """Build the agent that takes the call, and its session; with `model` alone it is in text."""
    greeter = GreeterAgent()
    visit = Visit(
        agents={
            "greeter": greeter,
            "reservation": ReservationAgent(),
            "takeaway": TakeawayAgent(),
            "checkout": CheckoutAgent(),
        }
    )
    session = AgentSession[Visit](
        userdata=visit,
        llm=model,
        vad=vad or NOT_GIVEN,
        stt=stt or NOT_GIVEN,
        tts=tts or NOT_GIVEN,
        turn_handling={"preemptive_generation": {"enabled": True}},
    )
    return greeter, session


def setup(process: JobProcess) -> None:
    """Load the voice activity detector once for all calls of this process."""
    process.userdata["vad"] = silero.VAD.load()


server = AgentServer(setup_fnc=setup)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Take a call: with LiveKit Inference, or in text with a local model."""
    ctx.log_context_fields = {"room": ctx.room.name, "job": ctx.job.id}
    if os.getenv("LIVEKIT_API_KEY") and os.getenv("LIVEKIT_API_SECRET"):
        agent, session = restaurant_call(
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
        agent, session = restaurant_call(await asyncio.to_thread(local_llm))
    await session.start(agent, room=ctx.room)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
