"""One class a kind of `--model`: what answers in a run."""

from handoff_evals.models.kind import (
    Listed,
    Model,
    ModelKind,
    Project,
    model_kind,
    resolve,
    start_server,
)
from handoff_evals.models.listing import check, listing
from handoff_evals.models.reference import oracle

__all__ = [
    "Listed",
    "Model",
    "ModelKind",
    "Project",
    "check",
    "listing",
    "model_kind",
    "oracle",
    "resolve",
    "start_server",
]
