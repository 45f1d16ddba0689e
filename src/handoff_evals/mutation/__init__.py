"""Agents broken on purpose, the way people break them, to see which breakages a suite notices."""

from handoff_evals.mutation.find import chosen_operators, find
from handoff_evals.mutation.mutant import Mutant, Operator
from handoff_evals.mutation.operators import OPERATORS
from handoff_evals.mutation.result import Examined, MutationRun, Result
from handoff_evals.mutation.selection import Selected, select
from handoff_evals.mutation.session import Session

__all__ = [
    "OPERATORS",
    "Examined",
    "Mutant",
    "MutationRun",
    "Operator",
    "Result",
    "Selected",
    "Session",
    "chosen_operators",
    "find",
    "select",
]
