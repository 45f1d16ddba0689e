"""One class a kind of `--model`: what answers in a run."""

from handoff_evals.models.listing import Listed, check, listing
from handoff_evals.models.reference import oracle
from handoff_evals.models.registry import Model, identity_of, resolve, served

__all__ = [
    "Listed",
    "Model",
    "check",
    "identity_of",
    "listing",
    "oracle",
    "resolve",
    "served",
]
