"""The agents that the pages are about: the front desk of a shop, billing, and cancellation."""

from dataclasses import dataclass, field
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    ChatContext,
    RunContext,
    ToolError,
    function_tool,
)


@dataclass
class Caller:
    """What is known about the caller."""

    verified: bool = False
    cancelled: bool = False
    tags: set[str] = field(default_factory=lambda: {"vip", "abroad"})
    profile: dict[str, str] = field(default_factory=lambda: {"branch": "main"})


class CustomerServiceAgent(Agent):
    """Takes the call."""

    def __init__(self) -> None:
        super().__init__(
            instructions="You are the front desk of a shop. Questions about money go to billing, "
            "whoever wants to leave goes to cancellation, complaints go to a person."
        )

    async def on_enter(self) -> None:
        """Greet the caller."""
        self.session.say("Hello, how can I help you?")

    @function_tool
    async def look_up_customer(self) -> str:
        """Look up who is calling."""
        return "customer 4471, verified by their number"

    @function_tool
    async def transfer_to_billing(self) -> tuple[Agent, str]:
        """Transfer the caller to billing: invoices, charges, refunds."""
        context = self.chat_ctx.copy(exclude_instructions=True)
        return BillingAgent(chat_ctx=context), "Billing takes over now."

    @function_tool
    async def transfer_to_cancellation(self) -> Agent:
        """Transfer the caller to cancellation: they want to leave."""
        return CancellationAgent(chat_ctx=self.chat_ctx.copy(exclude_instructions=True))


class BillingAgent(Agent):
    """Deals with money."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(instructions="You are billing, and check charges.", chat_ctx=chat_ctx)

    async def on_enter(self) -> None:
        """Take up what was said."""
        self.session.generate_reply(tool_choice="none")

    @function_tool
    async def charge(self, context: RunContext[Caller], order: str, card: str) -> str:
        """Charge an order to a card of the caller's.

        Args:
            order: The number of the order.
            card: Which card: main or other.
        """
        if not order.isdigit():
            raise ToolError("an order has a number")
        context.userdata.profile["order"] = order
        return f"charged to the {card} card"

    @function_tool
    async def transfer_to_cancellation(self) -> Agent:
        """Transfer the caller to cancellation: they want to leave."""
        return CancellationAgent(chat_ctx=self.chat_ctx.copy(exclude_instructions=True))

    @function_tool
    async def transfer_to_human(self) -> str:
        """Transfer the caller to a person."""
        return "A colleague picks up."


class CancellationAgent(Agent):
    """Lets the caller go."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(instructions="You are cancellation.", chat_ctx=chat_ctx)

    async def on_enter(self) -> None:
        """Take up what was said."""
        self.session.generate_reply(tool_choice="none")

    @function_tool
    async def cancel(self, context: RunContext[Caller], customer: int) -> None:
        """Cancel the contract, and hang up.

        Args:
            customer: The customer's number.
        """
        context.userdata.cancelled = True
        context.session.say("It is cancelled. Goodbye.")
        context.session.shutdown()


def service_call(model: Any) -> tuple[Agent, AgentSession[Caller]]:
    """Open a call with its userdata, as an entry point does."""
    return CustomerServiceAgent(), AgentSession[Caller](llm=model, userdata=Caller())
