"""Two versions of the same agents: what changed, and what it can reach; pure."""

from handoff_evals.changes.agent_change import (
    AgentLook,
    Change,
    Rehearsal,
    Rehearsed,
    ToolLook,
    requests,
)
from handoff_evals.changes.impact import NotSeen, Survey, shuffled, survey, unseen

__all__ = [
    "AgentLook",
    "Change",
    "NotSeen",
    "Rehearsal",
    "Rehearsed",
    "Survey",
    "ToolLook",
    "requests",
    "shuffled",
    "survey",
    "unseen",
]
