"""Which model a name stands for, as far as its answers go, without starting it."""

from hashlib import sha256
from pathlib import Path

from handoff_evals.cassette import ModelIdentity
from handoff_evals.config import ProjectConfig

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
    from handoff_evals.engines import template_named, weights_named  # noqa: PLC0415 - as serve

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
