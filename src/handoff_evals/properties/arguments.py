"""Random arguments for a tool, from its JSON schema."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

_DEEPEST = 4
_WORDS = st.sampled_from(["a", "Ada", "", " ", "two words", "naïve café", "0"])
_ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), _WORDS)


def arguments(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a model may send: of the right types, though seldom sensible.

    Args:
        schema: the `parameters` of a tool, with `$ref` into its own `$defs`.
    """
    return _values(schema, schema, 0)


def _values(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> st.SearchStrategy[Any]:
    def within(part: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        return _values(part, root, depth + 1) if depth < _DEEPEST else st.none()

    while "$ref" in schema:
        schema = _definition(schema["$ref"], root)
    match schema:
        case {"const": value}:
            values: st.SearchStrategy[Any] = st.just(value)
        case {"enum": choices}:
            values = st.sampled_from(choices)
        case {"anyOf": parts} | {"oneOf": parts} | {"allOf": parts}:
            values = st.one_of([within(part) for part in parts])
        case {"type": [*kinds]}:
            values = st.one_of([within({**schema, "type": kind}) for kind in kinds])
        case {"type": "object"}:
            values = _objects(schema, within)
        case {"type": "array"}:
            values = st.lists(within(schema.get("items", {})), max_size=3)
        case _:
            values = _plain(schema)
    return values


def _plain(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum"), schema.get("maximum")
    kinds = {
        "string": _WORDS,
        "integer": st.integers(least, most),
        "number": st.floats(least, most, allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return kinds.get(schema.get("type", ""), _ANYTHING)


def _objects(
    schema: Mapping[str, Any], within: Callable[[Mapping[str, Any]], st.SearchStrategy[Any]]
) -> st.SearchStrategy[Any]:
    fields = {name: within(part) for name, part in schema.get("properties", {}).items()}
    required = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
    return st.fixed_dictionaries(required, optional=fields)


def _definition(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return]  # a part of a schema is a mapping
