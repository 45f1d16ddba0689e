"""The models that a pytest session asks for by name."""

import pytest

from handoff_evals.assembly.models import Model, resolve

_KNOWN: pytest.StashKey[dict[str, Model]] = pytest.StashKey()


def named_model(name: str, config: pytest.Config) -> Model:
    """The model of that name, as `handoff-evals run --model` knows it, started once a session.

    Raises:
        UsageError: when there is no such model.
        EngineError: when the local model can't be had.
    """
    known = config.stash.setdefault(_KNOWN, {})
    if name not in known:
        replayed: bool = config.getoption("--handoff-replay")
        [known[name]] = resolve([name], folder=config.rootpath, replayed=replayed)
    return known[name]
