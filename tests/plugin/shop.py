"""A bicycle shop that two agents answer for; also the agents of the projects in these tests."""

from typing import Any

from livekit.agents import Agent, AgentSession, ChatContext, function_tool


class FrontDesk(Agent):
    """Takes the call."""

    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You are the front desk of a bicycle shop. Whatever is broken goes to the "
                "workshop, and opening hours are your own matter."
            )
        )

    async def on_enter(self) -> None:
        """Greet by a fixed sentence."""
        self.session.say("Bicycle shop, good morning!")

    @function_tool
    async def transfer_to_workshop(self) -> Agent:
        """Transfer the caller to the workshop: repairs and broken parts."""
        return Workshop(chat_ctx=self.chat_ctx.copy(exclude_instructions=True))


class Workshop(Agent):
    """Repairs."""

    def __init__(self, *, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(
            instructions="You are the mechanic of a bicycle shop. Ask which part is broken.",
            chat_ctx=chat_ctx,
        )

    async def on_enter(self) -> None:
        """Take up what was said; without a tool, so that nobody is passed to and fro."""
        self.session.generate_reply(tool_choice="none")

    @function_tool
    async def transfer_to_front_desk(self) -> Agent:
        """Transfer the caller back to the front desk: everything but repairs."""
        return FrontDesk()


class Raising(FrontDesk):
    """A front desk whose tool raises."""

    @function_tool
    async def transfer_to_workshop(self) -> None:
        """Transfer the caller to the workshop."""
        raise LookupError("the workshop is closed")


class Teller(Agent):
    """Several agents of one class, told apart by an attribute."""

    def __init__(self, topic: str = "loans") -> None:
        super().__init__(instructions=f"You are the teller of this bank for {topic} only.")
        self.topic = topic

    @function_tool
    async def pass_on(self, topic: str) -> Agent:
        """Pass the caller on to the teller of another topic."""
        return Teller(topic)


def with_userdata(model: Any) -> tuple[Agent, AgentSession[dict[str, str]]]:
    """Build the front desk and a session of its own: an entry may be a function."""
    return FrontDesk(), AgentSession[dict[str, str]](llm=model, userdata={"shop": "Main Street"})
