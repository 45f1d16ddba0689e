"""Properties of every conversation: random ones over the handoff graph of any agent.

Needs Hypothesis, which the extra `properties` brings.
"""

from importlib.util import find_spec

if find_spec("hypothesis") is None:
    raise ModuleNotFoundError(
        "handoff_evals.properties needs Hypothesis: pip install 'handoff-evals[properties]'",
        name="hypothesis",
    )

from handoff_evals.properties.failure import BrokenInvariantError
from handoff_evals.properties.fuzzing import BRIEF, THOROUGH, fuzz, replay
from handoff_evals.properties.invariants import INVARIANTS
from handoff_evals.properties.observed import Item
from handoff_evals.properties.subject import Subject, adds_nothing

__all__ = [
    "BRIEF",
    "INVARIANTS",
    "THOROUGH",
    "BrokenInvariantError",
    "Item",
    "Subject",
    "adds_nothing",
    "fuzz",
    "replay",
]
