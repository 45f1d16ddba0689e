"""One class a kind of `--model`: what answers in a run."""

from importlib import import_module
from pkgutil import iter_modules

from handoff_evals.models.explorer import Exploration, ExploredStep, Explorer, ExploreSettings
from handoff_evals.models.kind import (
    Listed,
    Model,
    ModelKind,
    Project,
    check,
    listing,
    model_kind,
    resolve,
    start_server,
)
from handoff_evals.models.oracle import OracleLLM

__all__ = [
    "Exploration",
    "ExploreSettings",
    "ExploredStep",
    "Explorer",
    "Listed",
    "Model",
    "ModelKind",
    "OracleLLM",
    "Project",
    "check",
    "listing",
    "model_kind",
    "resolve",
    "start_server",
]

# Every module of the room registers its own kinds: a new one is a file, and nothing else.
for _each in iter_modules(__path__):
    import_module(f"{__name__}.{_each.name}")
