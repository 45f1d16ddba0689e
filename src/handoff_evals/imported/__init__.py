"""A recorded call as a scenario, for a person to correct; pure but for the reading.

A recording says what happened, and a scenario says what should: so everything that is
written here is a draft, and what a recording doesn't tell stands in it as a comment.
"""

from handoff_evals.imported.draft import DraftCall, DraftScenario, DraftTurn, draft
from handoff_evals.imported.recording import Recording, read_recording
from handoff_evals.imported.written import scenario_file

__all__ = [
    "DraftCall",
    "DraftScenario",
    "DraftTurn",
    "Recording",
    "draft",
    "read_recording",
    "scenario_file",
]
