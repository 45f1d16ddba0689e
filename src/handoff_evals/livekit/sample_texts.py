"""Texts that fit one place in a JSON schema: by its format, pattern, name and description.

"A date in YYYY-MM-DD", "e.g. A-4471": who wrote the tool told the model what is expected, and
the same words are read here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from re import _constants as _op  # type: ignore[attr-defined]  # as hypothesis does: no public one
from re import _parser  # type: ignore[attr-defined]
from typing import Any

PLACEHOLDER = "the caller asked for it"
"""A text where nothing says what is expected."""
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
    r"|topic|\bto\b|who|matter|where|kind|type|categor|next|stage|step|node|service|line",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"(?:e\.g\.,?|for example,?|for instance,?|such as|like|example:|format:?)\s*"
    r"[\"'`]?([\w@.:+/-]*\w)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]{1,40})[\"'`]")
_SAID = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.\w+)+"  # an address
    r"|\+?\d[\d ()/-]{6,}\d"  # a telephone number, or a date
    r"|\b(?=[\w-]*\d)[\w-]+\b"  # a number, or a code
    r"|\b(?<![.!?]\s)(?<!^)[A-Z][a-z]+(?: [A-Z][a-z]+)*\b"  # a name, but not a sentence's start
)


@dataclass(frozen=True, kw_only=True)
class ArgumentHints:
    """What may be of use for arguments that nobody gives."""

    said: Sequence[str] = ()
    """The caller's words, the newest first."""
    wanted: Sequence[str] = ()
    """What may name the agent that the caller is to be handed to."""
    code: Sequence[str] = ()
    """Texts from the tool's code: keys of its registries, what it compares with."""


def sample_texts(part: Mapping[str, Any], name: str, hints: ArgumentHints) -> Iterator[str]:
    """Texts for one place in a JSON schema, the most likely first.

    Args:
        part: the schema of the place.
        name: the parameter's.
        hints: where texts may come from.
    """
    described = str(part.get("description", ""))
    spoken = name.replace("_", " ")
    options: list[str] = []
    if part.get("format") in _FORMATS:
        options.append(_FORMATS[part["format"]])
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
    shapes = {_shape(text) for text in [*options, *written]}
    # The caller's own date or address rather than any.
    options = [*(each for each in heard if _shape(each) in shapes), *options]
    usual = [*written, PLACEHOLDER]
    options += [
        *place,
        *usual[:1],
        *hints.wanted[:3],
        *usual[1:],
        *heard,
        *_QUOTED.findall(described),
    ]
    options += [*hints.code, *hints.wanted, "12345", "Ada", "", *_FORMATS.values()]
    pattern = part.get("pattern")
    if pattern is not None:
        options.append(_text_of_pattern(pattern))
    least, most = int(part.get("minLength", 0)), part.get("maxLength")
    fitted = [_fitted(text, least, most) for text in dict.fromkeys(options)]
    if pattern is not None:
        fitted = [text for text in fitted if _matches(pattern, text)] or fitted[-1:]
    yield from dict.fromkeys(fitted)


def _shape(text: str) -> str:
    """The same for texts that are written in the same way, as two dates are."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))


def _fitted(text: str, least: int, most: int | None) -> str:
    if text and len(text) < least:
        text = (text * least)[:least]
    return text[:most].strip() or text[:most] if most is not None else text


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # another dialect
        return True


_CATEGORIES = {
    _op.CATEGORY_DIGIT: "1",
    _op.CATEGORY_NOT_DIGIT: "a",
    _op.CATEGORY_SPACE: " ",
    _op.CATEGORY_NOT_SPACE: "a",
    _op.CATEGORY_WORD: "a",
    _op.CATEGORY_NOT_WORD: "-",
}
_CLASSES = {
    _op.CATEGORY_DIGIT: r"\d",
    _op.CATEGORY_NOT_DIGIT: r"\D",
    _op.CATEGORY_SPACE: r"\s",
    _op.CATEGORY_NOT_SPACE: r"\S",
    _op.CATEGORY_WORD: r"\w",
    _op.CATEGORY_NOT_WORD: r"\W",
}
_OTHERS = "aA1 -_.@"


def _text_of_pattern(pattern: str) -> str:
    """A short text that the pattern finds; an empty one where the pattern is of another dialect.

    Lookarounds and back references are not followed.
    """
    try:
        return _text(_parser.parse(pattern))
    except (re.error, ValueError, OverflowError):
        return ""


def _text(parsed: Any) -> str:
    return "".join(_part(code, argument) for code, argument in parsed)


def _part(code: Any, argument: Any) -> str:
    match code:
        case _op.LITERAL:
            text = chr(argument)
        case _op.NOT_LITERAL:
            text = next(each for each in _OTHERS if ord(each) != argument)
        case _op.ANY:
            text = "a"
        case _op.IN:
            text = _one_of(argument)
        case _op.CATEGORY:
            text = _CATEGORIES[argument]
        case _op.MAX_REPEAT | _op.MIN_REPEAT | _op.POSSESSIVE_REPEAT:
            text = _text(argument[2]) * int(argument[0])
        case _op.SUBPATTERN:
            text = _text(argument[-1])
        case _op.ATOMIC_GROUP:
            text = _text(argument)
        case _op.BRANCH:
            text = _text(argument[1][0])
        case _:
            text = ""
    return text


def _one_of(options: Any) -> str:
    if options[0][0] is _op.NEGATE:
        left = [each for each in _OTHERS if not any(_has(one, each) for one in options[1:])]
        return left[0] if left else ""
    code, argument = options[0]
    return chr(argument[0]) if code is _op.RANGE else _part(code, argument)


def _has(option: Any, character: str) -> bool:
    code, argument = option
    if code is _op.LITERAL:
        return bool(ord(character) == argument)
    if code is _op.RANGE:
        return bool(argument[0] <= ord(character) <= argument[1])
    return re.fullmatch(_CLASSES.get(argument, r"[^\W\w]"), character) is not None
