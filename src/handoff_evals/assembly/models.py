"""`--model NAME`, made into something that answers."""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit.agents import llm

from handoff_evals.errors import ModelError
from handoff_evals.livekit.trivial import always, never, oracle
from handoff_evals.runner import Price
from handoff_evals.scenario import Scenario, Target

FORMS = """\
  local, local:NAME   a real language model on this machine, no key
  gguf:PATH           any GGUF file, on this machine
  module:function     a function of yours that returns a livekit `llm.LLM`
  never               hands nobody over
  always:AGENT        hands everybody over to one agent
  oracle              plays what the scenarios expect"""
_IN_PROCESS = 8


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of a run: each trial asks it for an LLM of its own."""

    label: str
    build: Callable[[Scenario, int], llm.LLM[Any]]
    """From the scenario and the trial's seed."""
    concurrency: int = _IN_PROCESS
    """Conversations at once that are good for it."""
    notes: tuple[str, ...] = ()
    price: Price | None = None
    close: Callable[[], None] = lambda: None


def resolve(names: Sequence[str], *, folder: Path) -> list[Model]:
    """Make each name a model; nothing is started before all of them are known to be valid.

    Raises:
        ModelError: when a name is none, or stands twice.
        EngineError: when the local model can't be had.
    """
    if len(set(names)) < len(names):
        raise ModelError(f"a model stands twice in {list(names)}")
    makers = [_maker(name, folder) for name in names]
    return [make() for make in makers]


def local_llm(name: str = "default") -> llm.LLM[Any]:
    """A real language model on this machine as a livekit LLM; the first call starts it.

    For agents that should answer where no credentials are set. It blocks while the
    weights are fetched (once, with a progress bar) and loaded.

    Raises:
        ModelError: when there is no weights file of that name.
        EngineError: when it can't be fetched or started.
    """
    from handoff_evals.engines import serve  # noqa: PLC0415 - an extra that may be missing
    from handoff_evals.livekit.endpoint import endpoint_llm  # noqa: PLC0415

    return endpoint_llm(serve(name))


def _maker(name: str, folder: Path) -> Callable[[], Model]:
    kind, colon, rest = name.partition(":")
    if name == "never":
        return lambda: Model(label=name, build=lambda _scenario, _seed: never())
    if name == "oracle":
        return lambda: Model(label=name, build=lambda scenario, _seed: oracle(scenario))
    if kind == "always" and rest:
        target = _target(rest)
        return lambda: Model(
            label=f"always:{target.label}", build=lambda _scenario, _seed: always(target)
        )
    if kind == "local" and (rest or not colon):
        return lambda: _served(name, rest or "default")
    if kind == "gguf" and rest:
        path = folder / rest
        if not path.is_file():
            raise ModelError(f"model {name!r}: there is no file {str(path)!r}")
        return lambda: _served(name, str(path))
    if colon and kind.replace(".", "").isidentifier() and rest.replace(".", "").isidentifier():
        factory = _factory(kind, rest, folder)
        return lambda: Model(label=name, build=_each_trial(factory, name))
    raise ModelError(f"no model {name!r}; there are:\n{FORMS}")


def _target(written: str) -> Target:
    try:
        return Target.parse(written)
    except ValueError as error:
        raise ModelError(f"model 'always:{written}': {error}") from error


def _factory(module: str, name: str, folder: Path) -> Callable[..., Any]:
    path = str(folder.resolve())
    if path not in sys.path:
        sys.path.insert(0, path)
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise ModelError(
            f"model '{module}:{name}' can't be imported: {type(error).__name__}: {error}. "
            f"There are:\n{FORMS}"
        ) from error
    if not callable(found):
        raise ModelError(f"model '{module}:{name}' is {found!r}, but must be a function")
    factory: Callable[..., Any] = found
    return factory


def _each_trial(factory: Callable[..., Any], name: str) -> Callable[[Scenario, int], llm.LLM[Any]]:
    takes_seed = "seed" in inspect.signature(factory).parameters

    def build(_scenario: Scenario, seed: int) -> llm.LLM[Any]:
        made = factory(seed=seed) if takes_seed else factory()
        if not isinstance(made, llm.LLM):
            raise ModelError(f"model {name!r} gave {made!r}, which is no livekit `llm.LLM`")
        return made

    return build
