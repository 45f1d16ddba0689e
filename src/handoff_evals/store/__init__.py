"""Runs on disk."""

from handoff_evals.store.baseline import Baseline, FailedCheck, KeptTrial, keep
from handoff_evals.store.manifest import SCHEMA, Asked, Manifest, SuiteRecord
from handoff_evals.store.price import Price
from handoff_evals.store.run_folder import RunFolder
from handoff_evals.store.sha256 import scenario_sha256
from handoff_evals.store.summary import (
    Accuracy,
    Decider,
    DecisionCounts,
    Failure,
    ModelSummary,
    Seconds,
    SuiteSummary,
    Summary,
    TrialCounts,
)
from handoff_evals.store.tally import summarise

__all__ = [
    "SCHEMA",
    "Accuracy",
    "Asked",
    "Baseline",
    "Decider",
    "DecisionCounts",
    "FailedCheck",
    "Failure",
    "KeptTrial",
    "Manifest",
    "ModelSummary",
    "Price",
    "RunFolder",
    "Seconds",
    "SuiteRecord",
    "SuiteSummary",
    "Summary",
    "TrialCounts",
    "keep",
    "scenario_sha256",
    "summarise",
]
