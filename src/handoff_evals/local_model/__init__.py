"""A real language model on this machine: its weights, its chat template and its server."""

from handoff_evals.local_model.catalogue import WEIGHTS, template_named, weights_named
from handoff_evals.local_model.server import Endpoint, serve

__all__ = [
    "WEIGHTS",
    "Endpoint",
    "serve",
    "template_named",
    "weights_named",
]
