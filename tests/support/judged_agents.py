"""Two agents of which the second greets as if the call were new, or takes it up."""

from typing import Any

from livekit.agents import Agent, AgentSession, function_tool, llm


class Desk(Agent):
    """Takes the call."""

    greeting = "Welcome to the shop! How can I help you?"

    def __init__(self) -> None:
        super().__init__(instructions="Put the caller through.")

    async def on_enter(self) -> None:
        """Greet."""
        self.session.say("Good morning, the lamp shop.")

    @function_tool
    async def transfer_to_repairs(self) -> Agent:
        """Put the caller through to repairs."""
        return Repairs(self.greeting)


class Repairs(Agent):
    """Takes over."""

    def __init__(self, greeting: str) -> None:
        super().__init__(instructions="Repair lamps.")
        self._greeting = greeting

    async def on_enter(self) -> None:
        """Say what it was told to."""
        self.session.say(self._greeting)


class PoliteDesk(Desk):
    """Leads to an agent that takes the call up."""

    greeting = "You called about the broken lamp, I have it here."


def greeting_anew(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[None]]:
    """The faulty ones."""
    return Desk(), AgentSession(llm=model)


def going_on(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[None]]:
    """The good ones."""
    return PoliteDesk(), AgentSession(llm=model)
