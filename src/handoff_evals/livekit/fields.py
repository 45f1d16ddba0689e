"""What an agent or a session's userdata has under some names."""

from collections.abc import Iterable, Mapping
from typing import Any

_ABSENT = object()


def fields(data: object, names: Iterable[str]) -> dict[str, Any]:
    """The values, by name and sorted; a name that an object does not have is left out.

    What a mapping lacks is None, since its keys come and go. Where a property raises, what
    it says stands for the value.
    """
    found = {name: _looked_up(data, name) for name in sorted(names)}
    return {name: value for name, value in found.items() if value is not _ABSENT}


def _looked_up(data: object, name: str) -> Any:
    if isinstance(data, Mapping):
        return data.get(name)
    try:
        return getattr(data, name, _ABSENT)
    except Exception as error:  # noqa: BLE001 - the user's property, and nobody's fault here
        return f"{type(error).__name__}: {error}"
