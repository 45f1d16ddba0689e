"""Scenario files: found, read and checked."""

from handoff_evals.suite.discover import FILE_NAME, discover
from handoff_evals.suite.load import load_suite

__all__ = ["FILE_NAME", "discover", "load_suite"]
