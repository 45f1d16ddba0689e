"""Values as a scenario file expects them: as they are, or by one of a few matchers.

A mapping with one of these keys alone is a matcher: `{any_of: [1, 2]}`, `{contains: text}`,
`{equals: value}`, `{loosely: value}`, `{pattern: regular expression}`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from handoff_evals.transcript import folded

MATCHERS = ("any_of", "contains", "equals", "loosely", "pattern")
SET = "$set"
"""The key under which a set stands in a transcript: `{"$set": [members]}`."""

_A = TypeVar("_A")
_E = TypeVar("_E")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def matcher(expected: Any) -> tuple[str, Any] | None:
    """The kind and the value of a matcher; None for a plain value."""
    if not isinstance(expected, Mapping):
        return None
    keys = [key for key in expected if key != "example"]
    if len(keys) != 1 or keys[0] not in MATCHERS:
        return None
    return keys[0], expected[keys[0]]


def problems(expected: Any) -> Iterator[str]:
    """What is wrong with the matchers in an expected value, in words."""
    match matcher(expected):
        case ("any_of", value):
            if not isinstance(value, list) or not value:
                yield f"any_of is {value!r}: write a list with at least one value"
            else:
                yield from _problems_in(value)
        case ("pattern", value):
            yield from _problems_of_pattern(value)
        case ("contains", value):
            if not isinstance(value, str) or not value.strip():
                yield f"contains is {value!r}: write the words that must be in there"
        case None if isinstance(expected, Mapping):
            yield from _problems_in([*expected.values()])
        case None if isinstance(expected, list):
            yield from _problems_in(expected)


def _problems_in(values: list[Any]) -> Iterator[str]:
    for each in values:
        yield from problems(each)


def _problems_of_pattern(pattern: Any) -> Iterator[str]:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        yield f"pattern {pattern!r} is no regular expression: {error}"


@dataclass(frozen=True, kw_only=True)
class _How:
    loosely: bool = False
    partly: bool = False
    literally: bool = False
    """Whether a mapping is never read as a matcher."""


def meets(actual: Any, expected: Any, *, loosely: bool = False, partly: bool = False) -> bool:
    """Whether a value is what is expected.

    As JSON compares: `true` is not 1, though Python says so. A list that is expected of a set
    is compared in any order.

    Args:
        actual: plain values; a set as `{"$set": [members]}`.
        expected: plain values and matchers.
        loosely: without case and white space, `"34"` like 34, `"true"` like true.
        partly: a mapping may have more keys than expected.
    """
    return _meets(actual, expected, _How(loosely=loosely, partly=partly))


def _meets(actual: Any, expected: Any, how: _How) -> bool:
    found = None if how.literally else matcher(expected)
    if found is not None:
        return _matches(actual, *found, how)

    def same(one: Any, other: Any) -> bool:
        return _meets(one, other, how)

    if isinstance(actual, Mapping) and actual.keys() == {SET} and isinstance(expected, list):
        members = actual[SET]
        return len(members) == len(expected) and None not in paired(expected, members, same)
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        keys = expected.keys() <= actual.keys() if how.partly else expected.keys() == actual.keys()
        return keys and all(same(actual[name], value) for name, value in expected.items())
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(same, actual, expected))
    if how.loosely:
        actual, expected = _plain(actual), _plain(expected)
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    return bool(actual == expected)


def _matches(actual: Any, kind: str, value: Any, how: _How) -> bool:
    match kind:
        case "any_of":
            return any(_meets(actual, each, how) for each in value)
        case "contains":
            return folded(value) in folded(_text(actual))
        case "loosely":
            return _meets(actual, value, replace(how, loosely=True))
        case "pattern":
            return re.search(value, _text(actual), re.IGNORECASE) is not None
    return _meets(actual, value, _How(literally=True))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, int | float):
        return str(Decimal(str(value)).normalize())
    if isinstance(value, str):
        words = folded(value)
        return str(Decimal(words).normalize()) if _NUMBER.fullmatch(words) else words
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def says(text: str, expected: Any) -> bool:
    """Whether a text has expected words in it: contained in any case, or by a matcher."""
    match matcher(expected):
        case ("any_of", value):
            return any(says(text, each) for each in value)
        case ("pattern", value):
            return re.search(value, text, re.IGNORECASE) is not None
        case ("equals", value):
            return text.strip() == str(value).strip()
        case ("loosely", value) | ("contains", value):
            return folded(str(value)) in folded(text)
    return folded(str(expected)) in folded(text)


def example(expected: Any) -> Any:
    """A plain value that meets an expected one, to be played by a model that knows the scenario.

    Raises:
        LookupError: a pattern without an `example` beside it.
    """
    found = matcher(expected)
    if found is not None:
        return expected["example"] if "example" in expected else _example(*found)
    if isinstance(expected, Mapping):
        return {name: example(value) for name, value in expected.items()}
    return [example(each) for each in expected] if isinstance(expected, list) else expected


def _example(kind: str, value: Any) -> Any:
    if kind == "pattern":
        raise LookupError(f"{value!r} is a pattern: write an `example` beside it")
    return example(value[0]) if kind == "any_of" else value


def paired(
    expected: Sequence[_E], actual: Sequence[_A], fits: Callable[[_A, _E], bool]
) -> list[int | None]:
    """Give each expected thing an actual one of its own, so that as many as can be have one.

    Returns:
        For each expected thing the index of its actual one, or None.
    """
    owner: dict[int, int] = {}

    def place(wanted: int, tried: set[int]) -> bool:
        for index, each in enumerate(actual):
            if index in tried or not fits(each, expected[wanted]):
                continue
            tried.add(index)
            if index not in owner or place(owner[index], tried):
                owner[index] = wanted
                return True
        return False

    for wanted in range(len(expected)):
        place(wanted, set())
    found = {wanted: index for index, wanted in owner.items()}
    return [found.get(wanted) for wanted in range(len(expected))]
