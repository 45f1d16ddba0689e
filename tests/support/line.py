"""A telephone line with two specialists, for tests that edit it: it is copied into projects."""

from typing import Any

from livekit.agents import Agent, AgentSession, ChatContext, RunContext, function_tool, llm

RULES = (
    "Charges, refunds and invoices go to billing. A broken router or a slow connection goes to "
    "technical support. Everything else is yours."
)


@function_tool
async def transfer_to_billing(context: RunContext[None]) -> Agent:
    """Transfer the caller to billing."""
    return BillingAgent(chat_ctx=said(context))


@function_tool
async def transfer_to_technical_support(context: RunContext[None]) -> Agent:
    """Transfer the caller to technical support."""
    return TechnicalSupportAgent(chat_ctx=said(context))


def said(context: RunContext[None]) -> ChatContext:
    """What was said so far, without prompts and calls."""
    return context.session.current_agent.chat_ctx.copy(
        exclude_instructions=True, exclude_config_update=True, exclude_function_call=True
    )


class CustomerServiceAgent(Agent):
    """Takes the call."""

    def __init__(self) -> None:
        tools: list[llm.Tool | llm.Toolset] = [transfer_to_billing, transfer_to_technical_support]
        super().__init__(instructions=f"You take the call. {RULES}", tools=tools)

    async def on_enter(self) -> None:
        self.session.say("Hello.")


class Specialist(Agent):
    """Goes on where the caller is."""

    async def on_enter(self) -> None:
        self.session.generate_reply(tools=[])


class BillingAgent(Specialist):
    """Deals with money."""

    def __init__(self, *, chat_ctx: ChatContext) -> None:
        super().__init__(instructions="You deal with money.", chat_ctx=chat_ctx)


class TechnicalSupportAgent(Specialist):
    """Deals with what does not work."""

    def __init__(self, *, chat_ctx: ChatContext) -> None:
        super().__init__(instructions="You repair things.", chat_ctx=chat_ctx)


class NightWatch(Agent):
    """Nobody leads to it."""

    def __init__(self) -> None:
        super().__init__(instructions="You say that everybody sleeps.")


def line_call(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[None]]:
    """Build the first agent and its session."""
    return CustomerServiceAgent(), AgentSession[None](llm=model)
