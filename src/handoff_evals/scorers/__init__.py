"""Checks of a transcript against its scenario; pure."""

from handoff_evals.scorers.carried import carried, first_request
from handoff_evals.scorers.checks import CHECKS, Check, score

__all__ = ["CHECKS", "Check", "carried", "first_request", "score"]
