"""The agents that the README's examples are about."""

from dataclasses import dataclass
from typing import Any

from livekit.agents import Agent, AgentSession, ChatContext, function_tool


@dataclass
class Caller:
    """What is known about the caller."""

    verified: bool = False


class CustomerServiceAgent(Agent):
    """Takes the call."""

    def __init__(self) -> None:
        super().__init__(
            instructions="You are customer service. Questions about money go to billing."
        )

    @function_tool
    async def transfer_to_billing(self) -> tuple[Agent, str]:
        """Transfer the caller to billing: invoices, charges, refunds."""
        context = self.chat_ctx.copy(exclude_instructions=True)
        return BillingAgent(chat_ctx=context), "Billing takes over now."


class BillingAgent(Agent):
    """Deals with money."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(instructions="You are billing, and check charges.", chat_ctx=chat_ctx)

    async def on_enter(self) -> None:
        """Take up what was said."""
        self.session.generate_reply(tool_choice="none")


def service_call(model: Any) -> tuple[Agent, AgentSession[Caller]]:
    """Open a call with its userdata, as an entrypoint does."""
    return CustomerServiceAgent(), AgentSession[Caller](llm=model, userdata=Caller())
