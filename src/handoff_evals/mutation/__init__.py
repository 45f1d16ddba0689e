"""Agents broken on purpose, the way people break them, to see which breakages a suite notices."""

from handoff_evals.mutation.mutant import Mutant
from handoff_evals.mutation.mutant_result import Examined, MutationRun, Result
from handoff_evals.mutation.mutation_run import Session
from handoff_evals.mutation.probe import facts
from handoff_evals.mutation.selection import chosen_operators, select

__all__ = [
    "Examined",
    "Mutant",
    "MutationRun",
    "Result",
    "Session",
    "chosen_operators",
    "facts",
    "select",
]
