"""Random conversations over the handoff graph of any agent, and what must be true of each.

Needs Hypothesis, which the extra `properties` brings.
"""

from importlib.util import find_spec

if find_spec("hypothesis") is None:
    raise ModuleNotFoundError(
        "random conversations need Hypothesis: pip install 'handoff-evals[properties]'",
        name="hypothesis",
    )

from handoff_evals.fuzzing.random_calls import fuzz, replay
from handoff_evals.fuzzing.random_model import BrokenInvariantError
from handoff_evals.fuzzing.subject import INVARIANTS, ContextItem, Subject
from handoff_evals.fuzzing.taken import FuzzReport, TooLittleTakenError

__all__ = [
    "INVARIANTS",
    "BrokenInvariantError",
    "ContextItem",
    "FuzzReport",
    "Subject",
    "TooLittleTakenError",
    "fuzz",
    "replay",
]
