"""Recorded calls as scenarios, for a person to correct."""

from handoff_evals.importer.draft import draft, draft_file
from handoff_evals.importer.recording import read_recording

__all__ = [
    "draft",
    "draft_file",
    "read_recording",
]
