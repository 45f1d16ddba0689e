"""The agent that a test means."""

from collections.abc import Sequence
from difflib import get_close_matches

from livekit.agents import Agent

from handoff_evals.scenario import Target

Who = type[Agent] | Agent | str
"""An Agent class, one instance, or an id: `billing_agent`, `specialist_agent[topic=billing]`."""


def named(who: Who | None) -> str:
    """As a message names it."""
    match who:
        case None:
            return "nobody"
        case str():
            return who
        case Agent():
            return f"this {type(who).__name__} ({who.id})"
        case type() if issubclass(who, Agent):
            return who.__name__
        case _:
            raise TypeError(f"{who!r} is no agent: give an Agent class, an instance or an id")


def is_meant(who: Who, agent: Agent) -> bool:
    """Whether that agent is the one that is meant.

    Raises:
        ValueError: when the text names no agent.
    """
    match who:
        case str():
            target = Target.parse(who)
            attributes = ((name, value) for name, value in target.where.items())
            return agent.id == target.id and all(
                str(getattr(agent, name, None)) == value for name, value in attributes
            )
        case Agent():
            return agent is who
        case _:
            return isinstance(agent, who)


def those_met(who: Who, met: Sequence[Agent]) -> str:
    """Who took the call instead, with a hint at a slip of the pen."""
    ids = list(dict.fromkeys(agent.id for agent in met))
    close = get_close_matches(who, ids, n=1) if isinstance(who, str) else []
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"the call was taken by {', '.join(ids) or 'nobody'}{hint}"
