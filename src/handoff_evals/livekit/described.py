"""A model of livekit's in words: whose it is, which, and the options that are set."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from livekit.agents.utils import is_given

# Words in the name of an option that must never be written anywhere.
_SECRET = frozenset({"key", "secret", "token", "header", "headers", "password", "url"})


def described(model: Any) -> str:
    """`provider/model`, and the options that are set."""
    name = f"{model.provider}/{model.model}"
    # livekit's models have no public way to tell their options.
    options = getattr(model, "_opts", None)
    if not is_dataclass(options):
        return name
    given = {
        field.name: getattr(options, field.name)
        for field in fields(options)
        if field.name not in {"model", "provider"}
        and not _SECRET.intersection(field.name.split("_"))
    }
    said = [
        f"{key}={written(value)}"
        for key, value in sorted(given.items())
        if is_given(value) and value not in (None, {}, [], "", False)
    ]
    return f"{name} ({', '.join(said)})" if said else name


def written(value: Any) -> str:
    """A value as text, without addresses; an object by its class."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {written(each)}" for key, each in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str | int | float | None):
        return str(value)
    return type(value).__name__
