"""A real language model on this machine: its weights, its chat template and its server."""

from handoff_evals.local_model.catalogue import WEIGHTS
from handoff_evals.local_model.server import Endpoint

__all__ = [
    "WEIGHTS",
    "Endpoint",
]
