"""Arguments for a tool that its own validation accepts, made up where nobody gives them.

They come from the tool's JSON schema, from what the caller said, and from the words in the
tool's description and code. livekit's own validation, with all that a user's pydantic model
checks beyond the schema, has the last word; the tool is not run.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from livekit.agents import llm
from livekit.agents.llm.utils import validated_arguments
from pydantic import ValidationError

from handoff_evals.livekit.sample_texts import ArgumentHints, sample_texts

_MOST = 12
_MOST_VALIDATED = 100
_MOST_OBJECTS = 40
_DEEPEST = 6
_WORDS = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class _Schema:
    """A tool's schema, while values for it are made up."""

    whole: Mapping[str, Any]
    hints: ArgumentHints = field(default_factory=ArgumentHints)


def arguments_for(
    tool: llm.Tool,
    *,
    given: Mapping[str, Any] | None = None,
    hints: ArgumentHints | None = None,
) -> list[dict[str, Any]]:
    """Arguments that the tool's own validation accepts, the most likely first.

    Args:
        tool: a function tool.
        given: arguments that are known; they are sent as they are.
        hints: where the others may come from.

    Returns:
        At least one and at most twelve. Where no validated ones are found, the given ones
        with what the schema asks for.
    """
    given = given or {}
    parsed = llm.ToolContext([tool]).parse_function_tools("openai", strict=False)[0]
    parameters = parsed["function"].get("parameters") or {}
    schema = _Schema(whole=parameters, hints=hints or ArgumentHints())
    names = [name for name in parameters.get("properties", {}) if name not in given]
    required = set(parameters.get("required", ()))
    candidates: dict[str, list[Any]] = {}
    for name in names:
        part = parameters["properties"][name]
        if name in required:
            candidates[name] = _values(part, name, schema, _DEEPEST)
        elif _chooses(part, schema):
            # What has a default may be left out, but it may also say where to go.
            candidates[name] = [_LEFT_OUT, *_values(part, name, schema, _DEEPEST)]
    _begin_with_accepted(tool, candidates, given)
    made = (_joined(each, given) for each in _combined(candidates))
    found = islice((each for each in _distinct(made) if not _refused(tool, each)), _MOST)
    first = {name: values[0] for name, values in candidates.items()}
    return list(found) or [_joined(first, given)]


_LEFT_OUT: Any = object()


def _joined(made: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in made.items() if value is not _LEFT_OUT}, **given}


def _begin_with_accepted(
    tool: llm.Tool, candidates: dict[str, list[Any]], given: Mapping[str, Any]
) -> None:
    """Drop the first values of a parameter while validation refuses them."""
    for _ in range(_MOST_VALIDATED):
        made = _joined({name: values[0] for name, values in candidates.items()}, given)
        refused = _refused(tool, made)
        movable = [name for name in refused if len(candidates.get(name, ())) > 1]
        if not movable:
            return
        for name in movable:
            candidates[name] = candidates[name][1:]


def placeholder_arguments(tool: llm.Tool) -> dict[str, Any]:
    """Arguments of the right types for a tool that is called for its handoff alone."""
    return arguments_for(tool)[0]


def _refused(tool: llm.Tool, arguments: dict[str, Any]) -> set[str]:
    """The parameters whose values the tool's validation refuses; an empty name for all of them."""
    if not isinstance(tool, llm.FunctionTool | llm.RawFunctionTool):
        return set()
    try:
        validated_arguments(tool, arguments)
    except ValidationError as error:
        return {str(each["loc"][0]) if each["loc"] else "" for each in error.errors()}
    except Exception:  # noqa: BLE001 - a validator of the user's own may raise anything
        return {""}
    return set()


def _combined(candidates: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """The first of each, then one parameter at a time changed, then everything with everything."""
    first = {name: values[0] for name, values in candidates.items()}
    yield first
    longest = max((len(values) for values in candidates.values()), default=0)
    for index in range(1, longest):
        for name, values in candidates.items():
            if index < len(values):
                yield {**first, name: values[index]}
    every = product(*candidates.values())
    yield from (dict(zip(candidates, each, strict=True)) for each in islice(every, _MOST_VALIDATED))


def _distinct(made: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for each in made:
        written = json.dumps(each, sort_keys=True, default=str)
        if written not in seen:
            seen.add(written)
            yield each


def _chooses(part: Mapping[str, Any], schema: _Schema) -> bool:
    """Whether an optional parameter is a flag, or one of several named values."""
    part = _resolved(part, schema)
    parts = [part, *(_resolved(each, schema) for each in part.get("anyOf", ()))]
    return any("enum" in each or each.get("type") == "boolean" for each in parts)


def _resolved(part: Mapping[str, Any], schema: _Schema) -> Mapping[str, Any]:
    while "$ref" in part:
        place = schema.whole
        for key in str(part["$ref"]).removeprefix("#/").split("/"):
            place = place[key]
        part = {**place, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def _values(part: Mapping[str, Any], name: str, schema: _Schema, depth: int) -> list[Any]:
    """Values for one place in a schema, the most likely first; at least one."""
    if depth == 0:
        return [None]
    part = _resolved(part, schema)
    match part:
        case {"const": value}:
            found = [value]
        case {"enum": [*options]}:
            found = _by_likeness(options, schema.hints)
        case {"allOf": _} | {"anyOf": _} | {"oneOf": _} | {"type": [*_]}:
            found = _of_several(part, name, schema, depth)
        case _:
            found = _of_one_type(part, name, schema, depth)
    return [*part.get("examples", ()), *found] or [None]


def _of_several(part: Mapping[str, Any], name: str, schema: _Schema, depth: int) -> list[Any]:
    """Values of schemas that are joined: the first of each, then the others."""
    match part:
        case {"allOf": [*parts]}:
            merged = {key: value for key, value in part.items() if key != "allOf"}
            for each in parts:
                merged |= _resolved(each, schema)
            return _values(merged, name, schema, depth - 1)
        case {"anyOf": [*parts]} | {"oneOf": [*parts]}:
            kept = {key: part[key] for key in ("description", "examples") if key in part}
            options = [{**kept, **each} for each in parts]
        case _:
            options = [{**part, "type": kind} for kind in part["type"]]
    options.sort(key=lambda each: each.get("type") == "null")
    each_has = [_values(each, name, schema, depth - 1) for each in options]
    found = [value for values in each_has for value in values[:1]]
    return found + [value for values in each_has for value in values[1:]]


def _of_one_type(part: Mapping[str, Any], name: str, schema: _Schema, depth: int) -> list[Any]:
    match part:
        case {"type": "object"} | {"properties": _}:
            return _objects(part, name, schema, depth)
        case {"type": "array"}:
            return _lists(part, name, schema, depth)
        case {"type": "boolean"}:
            return [True, False]
        case {"type": "null"}:
            return [None]
        case {"type": "integer" | "number" as kind}:
            return list(_numbers(part, schema.hints, whole=kind == "integer"))
        case _:
            return list(sample_texts(part, name, schema.hints))


def _by_likeness(options: Sequence[Any], hints: ArgumentHints) -> list[Any]:
    wanted = {word for text in hints.wanted for word in _words(text)}
    said = {word for text in hints.said[:1] for word in _words(text)}

    def unlike(option: Any) -> tuple[int, int]:
        words = _words(str(option))
        return -len(words & wanted), -len(words & said)

    return sorted(options, key=unlike)


def _words(text: str) -> set[str]:
    return set(_WORDS.findall(text.lower()))


def _objects(part: Mapping[str, Any], name: str, schema: _Schema, depth: int) -> list[Any]:
    required = part.get("required", ())
    candidates = {
        inner: _values(each, f"{part.get('title', name)} {inner}", schema, depth - 1)
        for inner, each in part.get("properties", {}).items()
        if inner in required
    }
    made = list(islice(_combined(candidates), _MOST_OBJECTS))
    if part.get("minProperties") and not candidates:
        extra = part.get("additionalProperties")
        value = _values(extra if isinstance(extra, Mapping) else {}, "", schema, depth - 1)[0]
        made = [{f"key{number}": value for number in range(part["minProperties"])}]
    return made


def _lists(part: Mapping[str, Any], name: str, schema: _Schema, depth: int) -> list[Any]:
    least = int(part.get("minItems", 0))
    if "prefixItems" in part:
        return [[_values(each, name, schema, depth - 1)[0] for each in part["prefixItems"]]]
    items = _values(part.get("items", {}), name, schema, depth - 1)
    if part.get("uniqueItems") and least > 1:
        more = [*items, *(f"{items[0]} {number}" for number in range(1, least))]
        return [more[:least]]
    filled = [[item] * max(1, least) for item in items]
    if "enum" in _resolved(part.get("items", {}), schema):
        return filled  # a choice, as of the steps that a TaskGroup goes back to
    return filled if least else [[], *filled]


def _numbers(part: Mapping[str, Any], hints: ArgumentHints, *, whole: bool) -> Iterator[Any]:
    step = part.get("multipleOf")
    small = step or (1 if whole else 0.5)
    low = part.get("minimum", part.get("exclusiveMinimum"))
    high = part.get("maximum", part.get("exclusiveMaximum"))

    def fits(value: float) -> bool:
        return (
            ("minimum" not in part or value >= part["minimum"])
            and ("exclusiveMinimum" not in part or value > part["exclusiveMinimum"])
            and ("maximum" not in part or value <= part["maximum"])
            and ("exclusiveMaximum" not in part or value < part["exclusiveMaximum"])
            and (step is None or value % step == 0)
        )

    options: list[float] = [1, 0]
    if low is not None:
        upwards = low if step is None else -(-low // step) * step
        options += [upwards, upwards + small]
    if high is not None:
        downwards = high if step is None else high // step * step
        options += [downwards, downwards - small]
    if low is not None and high is not None:
        options.append((low + high) / 2)
    options += [small]
    said = [float(each) for text in hints.said for each in re.findall(r"\d+(?:\.\d+)?", text)]
    usual = [value for value in options if fits(value)]
    for value in [*usual[:1], *(each for each in said if fits(each)), *usual[1:]]:
        if not whole:
            yield float(value)
        elif value == int(value):
            yield int(value)
