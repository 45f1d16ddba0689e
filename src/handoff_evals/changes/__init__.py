"""Two versions of the same agents: what changed, and what it can reach; pure."""

from handoff_evals.changes.agent_change import (
    AgentSnapshot,
    Change,
    Rehearsal,
    Rehearsed,
    ToolSnapshot,
    requests,
)
from handoff_evals.changes.impact import NotSeen, Survey, shuffled, survey, unseen
from handoff_evals.changes.noise import differing, one_of_each, without_noise

__all__ = [
    "AgentSnapshot",
    "Change",
    "NotSeen",
    "Rehearsal",
    "Rehearsed",
    "Survey",
    "ToolSnapshot",
    "differing",
    "one_of_each",
    "requests",
    "shuffled",
    "survey",
    "unseen",
    "without_noise",
]
