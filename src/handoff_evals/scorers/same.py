"""Whether a value is what a scenario file says."""

from collections.abc import Mapping
from typing import Any


def same(actual: Any, expected: Any) -> bool:
    """Compare as JSON does: `true` is not 1, though Python says so."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return actual.keys() == expected.keys() and all(
            same(actual[name], value) for name, value in expected.items()
        )
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(same, actual, expected))
    return bool(actual == expected)
