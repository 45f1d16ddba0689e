"""What an agent's source says: its agents, its tools, and where they hand the call over."""

from handoff_evals.agent_source.agent_module import AgentModule, Function, parameters, tool_mark
from handoff_evals.agent_source.handoff_sites import (
    Handoff,
    Route,
    built,
    constructions,
    handoffs,
    leads_back,
    leads_there_again,
    owner,
    routes,
)

__all__ = [
    "AgentModule",
    "Function",
    "Handoff",
    "Route",
    "built",
    "constructions",
    "handoffs",
    "leads_back",
    "leads_there_again",
    "owner",
    "parameters",
    "routes",
    "tool_mark",
]
