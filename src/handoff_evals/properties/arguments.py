"""Random arguments for a tool, from its JSON schema."""

from collections.abc import Mapping
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


def _values(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if depth > _DEEPEST:
        return st.none()
    if "$ref" in schema:
        return _values(_resolved(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(list(schema["enum"]))
    either = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if either:
        return st.one_of([_values(each, root, depth + 1) for each in either])
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of([_values({**schema, "type": each}, root, depth + 1) for each in kind])
    if kind == "object":
        return _objects(schema, root, depth)
    if kind == "array":
        return st.lists(_values(schema.get("items") or {}, root, depth + 1), max_size=3)
    return _plain(schema, kind)


def _plain(schema: Mapping[str, Any], kind: str | None) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum"), schema.get("maximum")
    match kind:
        case "string":
            return _WORDS
        case "integer":
            return st.integers(least, most)
        case "number":
            return st.floats(least, most, allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case _:
            return _ANYTHING


def _objects(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    required = set(schema.get("required", ()))
    fields = {
        name: _values(each, root, depth + 1) for name, each in schema.get("properties", {}).items()
    }
    return st.fixed_dictionaries(
        {name: each for name, each in fields.items() if name in required},
        optional={name: each for name, each in fields.items() if name not in required},
    )


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return]  # a schema is a mapping
