"""A base class of agents that hand over by names in userdata, in a module of its own."""

from dataclasses import dataclass, field
from typing import Any

from livekit.agents import Agent, RunContext


@dataclass
class Shared:
    """The agents of a conversation, and who had the call before."""

    agents: dict[str, Agent] = field(default_factory=dict)
    previous: Agent | None = None


class Transferring(Agent):
    """Knows how to hand over, but not to whom."""

    def __init__(self) -> None:
        super().__init__(instructions=f"You are {type(self).__name__}.")

    async def on_enter(self) -> None:
        self.session.generate_reply(tool_choice="none")

    async def transferred(self, name: str, context: RunContext[Any]) -> tuple[Agent, str]:
        """The agent of that name, with words for the model."""
        context.userdata.previous = context.session.current_agent
        return context.userdata.agents[name], f"Transferring to {name}."

    async def jump(self, name: str, context: RunContext[Any]) -> str:
        """Hand over at once."""
        context.session.update_agent(context.userdata.agents[name])
        return "One moment."
