"""Recorded calls as scenarios, for a person to correct."""

from handoff_evals.importer.draft import draft
from handoff_evals.importer.recording import read_recording
from handoff_evals.importer.yaml_draft import scenario_file

__all__ = [
    "draft",
    "read_recording",
    "scenario_file",
]
