"""Arguments for a tool from its JSON schema, chosen by a few small numbers.

The schema is known only once a model is asked, and Hypothesis has to draw before:
else the draws would depend on how the event loop happens to run. So it draws the
numbers, which shrink to 0, the plainest choice, and they choose here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_TEXTS = ("Ada", "", " ", "two words", "naïve café", "0", "a" * 200)
_INTEGERS = (1, 0, 34, -1, 200, 10**9)
_NUMBERS = (1.0, 0.0, 0.5, -1.0, 1e9)
_DEEPEST = 6


def arguments(schema: Mapping[str, Any], choices: Iterator[int]) -> Any:
    """Build what a model may send: of the right types, though seldom sensible.

    Args:
        schema: the `parameters` of a tool, with `$ref` into its own `$defs`.
        choices: numbers from 0; the first choice is made where they run out.
    """
    return _value(schema, schema, choices, _DEEPEST)


def _value(
    schema: Mapping[str, Any], root: Mapping[str, Any], choices: Iterator[int], depth: int
) -> Any:
    if depth == 0:
        return None
    while "$ref" in schema:
        schema = _definition(schema["$ref"], root)
    value: Any
    match schema:
        case {"const": value}:
            pass
        case {"enum": options}:
            value = _one(options, choices)
        case {"anyOf": parts} | {"oneOf": parts} | {"allOf": parts}:
            value = _value(_one(parts, choices), root, choices, depth - 1)
        case {"type": [*kinds]}:
            kind = _one(kinds, choices)
            value = _value({**schema, "type": kind}, root, choices, depth - 1)
        case {"type": "array"}:
            count = _one(range(3), choices)
            part = schema.get("items", {})
            value = [_value(part, root, choices, depth - 1) for _ in range(count)]
        case {"type": "object"}:
            required = schema.get("required", ())
            value = {
                name: _value(part, root, choices, depth - 1)
                for name, part in schema.get("properties", {}).items()
                if name in required or _one((False, True), choices)
            }
        case _:
            value = _plain(schema, choices)
    return value


def _plain(schema: Mapping[str, Any], choices: Iterator[int]) -> Any:
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    options: Mapping[str, tuple[Any, ...]] = {
        "string": _TEXTS,
        "integer": tuple(each for each in _INTEGERS if least <= each <= most),
        "number": tuple(each for each in _NUMBERS if least <= each <= most),
        "boolean": (True, False),
    }
    return _one(options.get(schema.get("type", "")) or (None,), choices)


def _one(options: Any, choices: Iterator[int]) -> Any:
    return options[next(choices, 0) % len(options)]


def _definition(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return]  # a part of a schema is a mapping
