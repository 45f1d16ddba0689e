"""The cassettes of a run."""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from handoff_evals.cassette import Cassette, Mode, ModelIdentity
from handoff_evals.config import read_config
from handoff_evals.errors import UsageError

DEFAULT_FOLDER = Path("fixtures/cassettes")


def cassette_of(
    suite: str,
    model: ModelIdentity | None,
    *,
    mode: Mode,
    folders: Sequence[Path],
    project: Path,
) -> Cassette | None:
    """The cassette of a suite on a model; None where nothing is kept of it.

    Args:
        suite: the suite's name.
        model: which model; None for a trivial one.
        mode: what is done with it.
        folders: where cassettes are, relative to the project; the first is written to.
        project: where `pyproject.toml` is, which may name a `redact` function.

    Raises:
        UsageError: when that function can't be had.
    """
    if mode is Mode.OFF or model is None:
        return None
    return Cassette(
        suite=suite,
        model=model,
        mode=mode,
        folders=[project / folder for folder in folders],
        redact=_redact(project),
    )


def _redact(project: Path) -> Callable[[str], str] | None:
    named = read_config(project).redact
    if named is None:
        return None
    path = str(project.resolve())
    if path not in sys.path:
        sys.path.insert(0, path)
    module, _, name = named.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found("a word"), str):
            raise TypeError(f"it gave {found('a word')!r} for 'a word'")  # noqa: TRY301 - as the rest
    except Exception as error:
        raise UsageError(
            f"[tool.handoff-evals] redact = {named!r} is no `module:function` that takes a str "
            f"and gives one: {type(error).__name__}: {error}"
        ) from error
    redact: Callable[[str], str] = found
    return redact
