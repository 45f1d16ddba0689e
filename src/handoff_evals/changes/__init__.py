"""Two versions of the same agents: what changed, and what it can reach; pure."""

from handoff_evals.changes.agent_change import (
    AgentSnapshot,
    Change,
    Rehearsal,
    Rehearsed,
    ToolSnapshot,
    requests,
)
from handoff_evals.changes.impact import NotSeen, Survey, survey, unseen

__all__ = [
    "AgentSnapshot",
    "Change",
    "NotSeen",
    "Rehearsal",
    "Rehearsed",
    "Survey",
    "ToolSnapshot",
    "requests",
    "survey",
    "unseen",
]
