"""`--model NAME`, made into something that answers."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dotenv import load_dotenv
from livekit.agents import llm

from handoff_evals.cassettes import ModelIdentity
from handoff_evals.config import ModelConfig, ProjectConfig, read_config
from handoff_evals.errors import ModelError
from handoff_evals.models.rate_limit import RateLimit, limited
from handoff_evals.models.reference import Absent, always, guess, never, oracle
from handoff_evals.models.remote import Shared, inference_llm, openai_compatible, plugin_llm
from handoff_evals.references import import_reference
from handoff_evals.results import Price
from handoff_evals.scenarios import Scenario, Target

if TYPE_CHECKING:
    from handoff_evals.local_model import Endpoint


_TRIVIAL = frozenset({"never", "random", "oracle"})
# What of a model's table its answers don't depend on.
_BESIDE = {
    "api_key_env",
    "price",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "seed",
}


def identity_of(name: str, config: ProjectConfig) -> ModelIdentity | None:
    """What of a model stands on a cassette, its label first; the name must be a valid one.

    Returns:
        None for the trivial models, which are no models: there is nothing to keep.

    Raises:
        ModelError: when it is a local model that there is none of.
    """
    if name in config.models:
        table = config.models[name].model_dump(mode="json", exclude=_BESIDE, exclude_none=True)
        return ModelIdentity(label=name, options=table)
    kind, _, rest = name.partition(":")
    if name in _TRIVIAL or kind == "always":
        return None
    if kind == "local":
        return _local(rest or "default")
    if kind == "gguf":
        return ModelIdentity(label=f"gguf/{Path(rest).stem}")
    return ModelIdentity(label=name)


def _local(name: str) -> ModelIdentity:
    from handoff_evals.local_model.catalogue import (  # noqa: PLC0415 - as serve
        template_named,
        weights_named,
    )

    weights = weights_named(name)
    template = template_named(weights.template)
    return ModelIdentity(
        label=f"local/{weights.name}+{template.name}",
        options={
            "weights": weights.sha256[:16],
            "template": sha256(template.text.encode()).hexdigest()[:16],
            "temperature": 0.0,
        },
    )


FORMS = """\
  local, local:NAME      a real language model on this machine, no key
  gguf:PATH              any GGUF file, on this machine
  provider/model         LiveKit Inference, as openai/gpt-4.1-mini
  http://HOST/v1#MODEL   any server that speaks the OpenAI protocol (https too)
  NAME                   a [tool.handoff-evals.models.NAME] of your pyproject.toml
  module:function        a function of yours that returns a livekit `llm.LLM`
  own                    each agent's own model, as it is
  never, always:AGENT, random, oracle    no models: what a suite scores by itself"""
_IN_PROCESS = 8
_REMOTE = 8


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of a run: each trial asks it for an LLM of its own."""

    label: str
    build: Callable[[Scenario, int], llm.LLM[Any] | None]
    """From the scenario and the trial's seed; None is the agents' own."""
    concurrency: int = _IN_PROCESS
    """Conversations at once that are good for it."""
    notes: tuple[str, ...] = ()
    price: Price | None = None
    identity: ModelIdentity | None = None
    """What of it stands on a cassette; None for a trivial model."""


def resolve(
    names: Sequence[str], *, folder: Path, replayed: bool = False, code: Path | None = None
) -> list[Model]:
    """Make each name a model; nothing is started before all of them are known to be valid.

    Args:
        names: as `--model` takes them.
        folder: where `pyproject.toml` and `.env` are, and modules are imported from.
        replayed: that cassettes answer, so that no model is needed.
        code: where modules are imported from instead.

    Raises:
        ModelError: when a name is none, or stands twice.
        EngineError: when the local model can't be had.
    """
    if len(set(names)) < len(names):
        raise ModelError(f"a model stands twice in {list(names)}")
    load_dotenv(folder / ".env")
    config = read_config(folder)
    identities = [identity_of(name, config) for name in names]
    makers = [
        _absent(identity.label)
        if replayed and identity and name != "own"
        else _maker(name, folder, config, code or folder)
        for name, identity in zip(names, identities, strict=True)
    ]
    return [
        replace(make(), identity=identity)
        for make, identity in zip(makers, identities, strict=True)
    ]


def local_llm(name: str = "default") -> llm.LLM[Any]:
    """A real language model on this machine as a livekit LLM; the first call starts it.

    For agents that should answer where no credentials are set. It blocks while the
    weights are fetched (once, with a progress bar) and loaded.

    Raises:
        ModelError: when there is no weights file of that name.
        EngineError: when it can't be fetched or started.
    """
    from handoff_evals.local_model.server import serve  # noqa: PLC0415 - an extra that may be missing
    from handoff_evals.models.endpoint_llm import endpoint_llm  # noqa: PLC0415 - as above

    return endpoint_llm(serve(name))


def _maker(  # noqa: PLR0911 - one a form of name
    name: str, folder: Path, config: ProjectConfig, code: Path
) -> Callable[[], Model]:
    kind, colon, rest = name.partition(":")
    if name in config.models:
        return lambda: _configured(name, config.models[name])
    if maker := _trivial(name, kind, rest):
        return maker
    if name == "local" or (kind == "local" and rest):
        return lambda: _served(rest or "default")
    if kind == "gguf" and rest:
        path = folder / rest
        if not path.is_file():
            raise ModelError(f"model {name!r}: there is no file {str(path)!r}")
        return lambda: _served(path)
    if kind in {"http", "https"}:
        return lambda: _compatible(name)
    if "/" in name and not colon:
        return lambda: _inference(name)
    if colon and kind.replace(".", "").isidentifier() and rest.replace(".", "").isidentifier():
        factory = _factory(kind, rest, code)
        return lambda: Model(label=name, build=_each_trial(factory, name))
    own = "".join(f"\n  {each}" for each in config.models)
    raise ModelError(f"no model {name!r}; there are:\n{FORMS}{own}")


def _absent(label: str) -> Callable[[], Model]:
    return lambda: Model(label=label, build=lambda _scenario, _seed: Absent(label))


def _trivial(name: str, kind: str, rest: str) -> Callable[[], Model] | None:
    if name == "never":
        return lambda: Model(label=name, build=lambda _scenario, _seed: never())
    if name == "random":
        return lambda: Model(label=name, build=lambda _scenario, seed: guess(seed))
    if name == "oracle":
        return lambda: Model(label=name, build=lambda scenario, _seed: oracle(scenario))
    if name == "own":
        return lambda: Model(label=name, build=lambda _scenario, _seed: None)
    if kind == "always" and rest:
        try:
            target = Target.parse(rest)
        except ValueError as error:
            raise ModelError(f"model {name!r}: {error}") from error
        return lambda: Model(label=name, build=lambda _scenario, _seed: always(target))
    return None


def served(endpoint: "Endpoint") -> Model:
    """Make a model of an endpoint that is up already, as another process's."""
    from handoff_evals.models.endpoint_llm import endpoint_llm  # noqa: PLC0415 - as in local_llm

    return Model(
        label=endpoint.label,
        build=lambda _scenario, seed: endpoint_llm(endpoint, seed=seed),
        concurrency=1,
        notes=tuple(endpoint.notes),
    )


def _served(weights: str | Path) -> Model:
    from handoff_evals.local_model.server import serve  # noqa: PLC0415 - an extra that may be missing

    return served(serve(weights))


def _compatible(name: str) -> Model:
    url, _, model = name.partition("#")
    if not model or not urlsplit(url).netloc:
        raise ModelError(f"model {name!r}: write http://HOST/v1#MODEL")
    openai_compatible(url, model)
    shared = Shared(lambda: openai_compatible(url, model))
    return Model(
        label=name,
        build=lambda _scenario, seed: shared.borrow(seed=seed),
        concurrency=_REMOTE,
    )


def _inference(name: str) -> Model:
    inference_llm(name)
    shared = Shared(lambda: inference_llm(name))
    return Model(label=name, build=lambda _scenario, _seed: shared.borrow(), concurrency=_REMOTE)


def _configured(name: str, config: ModelConfig) -> Model:
    plugin_llm(config)
    shared = Shared(lambda: plugin_llm(config))
    price = config.price
    # One for the model, so that all its trials together keep to it.
    rates = config.requests_per_minute, config.tokens_per_minute
    limit = RateLimit(requests=rates[0], tokens=rates[1]) if any(rates) else None
    return Model(
        label=name,
        build=lambda _scenario, seed: limited(
            shared.borrow(seed=seed) if config.seed else shared.borrow(), limit
        ),
        concurrency=config.concurrency,
        price=None if price is None else Price(prompt=price.prompt, completion=price.completion),
    )


def _factory(module: str, name: str, folder: Path) -> Callable[..., Any]:
    reference = f"{module}:{name}"
    found = import_reference(reference, folder=folder, what="model", raises=ModelError)
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
