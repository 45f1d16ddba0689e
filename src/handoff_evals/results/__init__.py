"""Trials, run folders, summaries and baselines."""

from handoff_evals.results.baseline import Baseline
from handoff_evals.results.manifest import Asked, Manifest, Price, SuiteRecord, scenario_sha256
from handoff_evals.results.run_folder import RunFolder
from handoff_evals.results.summarise import summarise
from handoff_evals.results.summary import Accuracy, Failure, ModelSummary, SuiteSummary, Summary
from handoff_evals.results.trial import (
    FailedCheck,
    PairKey,
    Trial,
    TrialKey,
    TrialResult,
)

__all__ = [
    "Accuracy",
    "Asked",
    "Baseline",
    "FailedCheck",
    "Failure",
    "Manifest",
    "ModelSummary",
    "PairKey",
    "Price",
    "RunFolder",
    "SuiteRecord",
    "SuiteSummary",
    "Summary",
    "Trial",
    "TrialKey",
    "TrialResult",
    "scenario_sha256",
    "summarise",
]
