"""Runs on disk."""

from handoff_evals.store.manifest import SCHEMA, Asked, Manifest, SuiteRecord
from handoff_evals.store.run_folder import RunFolder
from handoff_evals.store.summary import (
    Accuracy,
    DecisionCounts,
    Failure,
    ModelSummary,
    Seconds,
    SuiteSummary,
    Summary,
    TrialCounts,
    summarise,
)

__all__ = [
    "SCHEMA",
    "Accuracy",
    "Asked",
    "DecisionCounts",
    "Failure",
    "Manifest",
    "ModelSummary",
    "RunFolder",
    "Seconds",
    "SuiteRecord",
    "SuiteSummary",
    "Summary",
    "TrialCounts",
    "summarise",
]
