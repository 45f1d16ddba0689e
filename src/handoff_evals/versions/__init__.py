"""Two versions of the same agents: what changed, and what came of it; pure."""

from handoff_evals.versions.change import Change, changes
from handoff_evals.versions.difference import (
    Difference,
    NotSeen,
    Scope,
    SideRecord,
    Stopped,
)
from handoff_evals.versions.flip import Flip, flips
from handoff_evals.versions.held import Held, Place
from handoff_evals.versions.look import AgentLook, Rehearsal, Rehearsed, ToolLook
from handoff_evals.versions.reach import Reach, reach, shuffled
from handoff_evals.versions.requests import happenings, requests
from handoff_evals.versions.ruling import (
    Part,
    Terms,
    by_edge,
    collapse,
    counted,
    look,
    part,
    parts,
)
from handoff_evals.versions.survey import Survey, survey, unseen
from handoff_evals.versions.words import changed_words

__all__ = [
    "AgentLook",
    "Change",
    "Difference",
    "Flip",
    "Held",
    "NotSeen",
    "Part",
    "Place",
    "Reach",
    "Rehearsal",
    "Rehearsed",
    "Scope",
    "SideRecord",
    "Stopped",
    "Survey",
    "Terms",
    "ToolLook",
    "by_edge",
    "changed_words",
    "changes",
    "collapse",
    "counted",
    "flips",
    "happenings",
    "look",
    "part",
    "parts",
    "reach",
    "requests",
    "shuffled",
    "survey",
    "unseen",
]
