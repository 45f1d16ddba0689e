"""Trials, run folders, summaries and baselines."""

from handoff_evals.results.baseline import Baseline, scenario_sha256
from handoff_evals.results.judged import JUDGE
from handoff_evals.results.manifest import (
    CallingModelRecord,
    JudgeRecord,
    JudgeStanding,
    Manifest,
    ModelTraits,
    Price,
    RunSettings,
    SuiteRecord,
)
from handoff_evals.results.redaction import redacted_suite, redacted_trial, texts_changed
from handoff_evals.results.run_folder import RunFolder, trial_line, trial_of_line
from handoff_evals.results.summarise import seams, summarise
from handoff_evals.results.summary import (
    Failure,
    JudgeRate,
    ModelSummary,
    Share,
    SuiteSummary,
    Summary,
)
from handoff_evals.results.trial import (
    FailedCheck,
    PairKey,
    ScenarioKey,
    Trial,
    TrialKey,
    TrialResult,
)

__all__ = [
    "JUDGE",
    "Baseline",
    "CallingModelRecord",
    "FailedCheck",
    "Failure",
    "JudgeRate",
    "JudgeRecord",
    "JudgeStanding",
    "Manifest",
    "ModelSummary",
    "ModelTraits",
    "PairKey",
    "Price",
    "RunFolder",
    "RunSettings",
    "ScenarioKey",
    "Share",
    "SuiteRecord",
    "SuiteSummary",
    "Summary",
    "Trial",
    "TrialKey",
    "TrialResult",
    "redacted_suite",
    "redacted_trial",
    "scenario_sha256",
    "seams",
    "summarise",
    "texts_changed",
    "trial_line",
    "trial_of_line",
]
