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

from handoff_evals.livekit.patterns import text_of_pattern

_MOST = 12
_MOST_VALIDATED = 200
_DEEPEST = 6
_OTHERWISE = "the caller asked for it"
_FORMATS: Mapping[str, str] = {
    "date": "2030-01-15",
    "date-time": "2030-01-15T10:00:00Z",
    "time": "10:00:00",
    "duration": "P1D",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "7f1c2f60-5f0e-4b4e-9c39-1f4a4d1f6a11",
    "uuid4": "7f1c2f60-5f0e-4b4e-9c39-1f4a4d1f6a11",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "phone": "+14155550132",
    "json-string": "{}",
}
# What a parameter's name or description says of a text that its schema leaves open.
_WRITTEN: tuple[tuple[str, str], ...] = (
    (r"yyyy-mm-dd.?hh:mm|iso.?8601 (?:date.?time|timestamp)", "2030-01-15T10:00:00"),
    (r"yyyy-mm-dd|iso.?8601|iso date", "2030-01-15"),
    (r"mm/dd/yyyy", "01/15/2030"),
    (r"dd/mm/yyyy", "15/01/2030"),
    (r"dd\.mm\.yyyy", "15.01.2030"),
    (r"yyyymmdd", "20300115"),
    (r"hh:mm:ss", "10:00:00"),
    (r"hh:mm", "10:00"),
    (r"\be.?mail\b", "ada@example.com"),
    (r"\be\.164\b|\b(?:tele)?phone|\bmobile\b", "+14155550132"),
    (r"\buuid\b", _FORMATS["uuid"]),
    (r"\b(?:url|website|link)\b", "https://example.com/"),
    (r"\b(?:zip|postal|postcode)", "94107"),
    (r"\b(?:date.?time|timestamp|starts?.at|ends?.at)\b", "2030-01-15T10:00:00"),
    (r"\b(?:dob|birth.?day|birth.?date|date.?of.?birth)\b", "1990-04-02"),
    (r"\b(?:date|day|when)\b", "2030-01-15"),
    (r"\btime\b", "10:00"),
    (r"\bcurrency\b", "EUR"),
    (r"\bcountry\b", "US"),
    (r"\b(?:language|locale)\b", "en"),
    (r"\b(?:amount|price|total)\b", "10.00"),
    (r"\b(?:age|count|quantity|how many)\b", "1"),
    (r"\b(?:name|customer|caller|patient|guest)\b", "Ada Lovelace"),
)
_PLACES = re.compile(
    r"agent|department|desk|dest|hand|intent|persona|queue|role|rout|skill|specialist|target|team"
    r"|topic|\bto\b|where|kind|type|categor|next|stage|step|node|service|line",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"(?:e\.g\.,?|for example,?|for instance,?|such as|like|example:|format:?)\s*"
    r"[\"'`]?([\w@.:+/-]*\w)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]{1,40})[\"'`]")
_SAID = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]+"  # an address
    r"|\+?\d[\d ()/-]{6,}\d"  # a telephone number, or a date
    r"|\b(?=[\w-]*\d)[\w-]+\b"  # a number, or a code
    r"|\b(?<![.!?]\s)(?<!^)[A-Z][a-z]+(?: [A-Z][a-z]+)*\b"  # a name, but not a sentence's start
)
_WORDS = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class ArgumentHints:
    """What may be of use for arguments that nobody gives."""

    said: Sequence[str] = ()
    """The caller's words, the newest first."""
    wanted: Sequence[str] = ()
    """What may name the agent that the caller is to be handed to."""
    code: Sequence[str] = ()
    """Texts from the tool's code: keys of its registries, what it compares with."""


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
    made = (
        {**{name: value for name, value in each.items() if value is not _LEFT_OUT}, **given}
        for each in _combined(candidates)
    )
    found = list(islice((each for each in _distinct(made) if _accepted(tool, each)), _MOST))
    first = {name: candidates[name][0] for name in names if name in required}
    return found or [{**first, **given}]


_LEFT_OUT: Any = object()


def placeholder_arguments(tool: llm.Tool) -> dict[str, Any]:
    """Arguments of the right types for a tool that is called for its handoff alone."""
    return arguments_for(tool)[0]


def _accepted(tool: llm.Tool, arguments: dict[str, Any]) -> bool:
    if not isinstance(tool, llm.FunctionTool | llm.RawFunctionTool):
        return True
    try:
        validated_arguments(tool, arguments)
    except (ValidationError, ValueError, TypeError):
        return False
    except Exception:  # noqa: BLE001 - a validator of the user's own raised it
        return False
    return True


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
    """Whether an optional parameter is one of several named values, or may be the agent's name."""
    part = _resolved(part, schema)
    parts = [part, *(_resolved(each, schema) for each in part.get("anyOf", ()))]
    return any("enum" in each for each in parts)


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
    found: list[Any]
    match part:
        case {"const": value}:
            found = [value]
        case {"enum": [*options]}:
            found = _by_likeness(options, schema.hints)
        case {"allOf": [*parts]}:
            merged = {**part}
            merged.pop("allOf")
            for each in parts:
                merged |= _resolved(each, schema)
            found = _values(merged, name, schema, depth - 1)
        case {"anyOf": [*parts]} | {"oneOf": [*parts]}:
            kept = {key: part[key] for key in ("description", "examples") if key in part}
            each_has = [
                _values({**kept, **each}, name, schema, depth - 1)
                for each in sorted(parts, key=lambda each: each.get("type") == "null")
            ]
            found = [value for values in each_has for value in values[:1]]
            found += [value for values in each_has for value in values[1:]]
        case {"type": [*kinds]}:
            found = [
                value
                for kind in kinds
                if kind != "null" or len(kinds) == 1
                for value in _values({**part, "type": kind}, name, schema, depth - 1)
            ]
        case {"type": "object"} | {"properties": _}:
            found = _objects(part, schema, depth)
        case {"type": "array"}:
            found = _lists(part, name, schema, depth)
        case {"type": "boolean"}:
            found = [True, False]
        case {"type": "null"}:
            found = [None]
        case {"type": "integer" | "number" as kind}:
            found = list(_numbers(part, schema.hints, whole=kind == "integer"))
        case _:
            found = list(_texts(part, name, schema.hints))
    return [*part.get("examples", ()), *found] or [None]


def _by_likeness(options: Sequence[Any], hints: ArgumentHints) -> list[Any]:
    wanted = {word for text in hints.wanted for word in _words(text)}
    said = {word for text in hints.said[:1] for word in _words(text)}

    def unlike(option: Any) -> tuple[int, int]:
        words = _words(str(option))
        return -len(words & wanted), -len(words & said)

    return sorted(options, key=unlike)


def _words(text: str) -> set[str]:
    return set(_WORDS.findall(text.lower()))


def _objects(part: Mapping[str, Any], schema: _Schema, depth: int) -> list[Any]:
    required = part.get("required", ())
    candidates = {
        name: _values(each, name, schema, depth - 1)
        for name, each in part.get("properties", {}).items()
        if name in required
    }
    made = list(islice(_combined(candidates), _MOST))
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


def _texts(part: Mapping[str, Any], name: str, hints: ArgumentHints) -> Iterator[str]:
    described = str(part.get("description", ""))
    spoken = name.replace("_", " ")
    options: list[str] = []
    given_format = part.get("format")
    if given_format in _FORMATS:
        options.append(_FORMATS[given_format])
    options += _EXAMPLE.findall(described)
    place = [*hints.wanted, *hints.code] if _PLACES.search(name) else []
    written = [
        text
        for pattern, text in _WRITTEN
        for said in (spoken, described)
        if re.search(pattern, said, re.IGNORECASE)
    ]
    heard = [each for text in hints.said for each in _SAID.findall(text)]
    digits = [each for each in heard if re.search(r"\d", each)]
    if re.search(r"\b(?:id|number|no|code|reference|ref|order|account|pin)\b", spoken):
        written = [*digits, *written]
    elif re.search(r"\bname\b", spoken):
        written = [*(each for each in heard if each.istitle()), *written]
    options += [*place, *written, _OTHERWISE, *heard, *_QUOTED.findall(described)]
    options += [*hints.code, *hints.wanted, "12345", "Ada", ""]
    pattern = part.get("pattern")
    if pattern is not None:
        options.append(text_of_pattern(pattern))
    least, most = int(part.get("minLength", 0)), part.get("maxLength")
    fitted = [_fitted(text, least, most) for text in dict.fromkeys(options)]
    if pattern is not None:
        fitted = [text for text in fitted if _matches(pattern, text)] or fitted[-1:]
    yield from dict.fromkeys(fitted)


def _fitted(text: str, least: int, most: int | None) -> str:
    if text and len(text) < least:
        text = (text * least)[:least]
    return text[:most].strip() or text[:most] if most is not None else text


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # another dialect
        return True
