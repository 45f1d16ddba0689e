"""Which trials, where and how many at once; retries, budgets and resuming."""

from handoff_evals.runs.agent_graph import AgentUnderTest, uncovered
from handoff_evals.runs.evaluation import evaluate, load_suite
from handoff_evals.runs.first_suite import FirstSuite, first_suite
from handoff_evals.runs.judged_run import judge_model, judge_run, not_asked, unjudged
from handoff_evals.runs.judging import Judging
from handoff_evals.runs.lane import Planned, RetryPolicy, trial_seed
from handoff_evals.runs.prepare import (
    PreparedRun,
    prepare,
    resume,
)
from handoff_evals.runs.request import RunRequest, load_suites
from handoff_evals.runs.runner import Pace, Runner

__all__ = [
    "AgentUnderTest",
    "FirstSuite",
    "Judging",
    "Pace",
    "Planned",
    "PreparedRun",
    "RetryPolicy",
    "RunRequest",
    "Runner",
    "evaluate",
    "first_suite",
    "judge_model",
    "judge_run",
    "load_suite",
    "load_suites",
    "not_asked",
    "prepare",
    "resume",
    "trial_seed",
    "uncovered",
    "unjudged",
]
