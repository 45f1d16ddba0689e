"""The shortest text that a regular expression of a JSON schema matches."""

import re
from re import _constants as _op  # type: ignore[attr-defined]  # as hypothesis does: no public one
from re import _parser  # type: ignore[attr-defined]
from typing import Any

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


def text_of_pattern(pattern: str) -> str:
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
    if code is _op.LITERAL:
        return chr(argument)
    if code is _op.NOT_LITERAL:
        return next(each for each in _OTHERS if ord(each) != argument)
    if code is _op.ANY:
        return "a"
    if code is _op.IN:
        return _one_of(argument)
    if code is _op.CATEGORY:
        return _CATEGORIES[argument]
    if code in {_op.MAX_REPEAT, _op.MIN_REPEAT, _op.POSSESSIVE_REPEAT}:
        least, _, repeated = argument
        return _text(repeated) * least
    if code is _op.SUBPATTERN:
        return _text(argument[-1])
    if code is _op.ATOMIC_GROUP:
        return _text(argument)
    if code is _op.BRANCH:
        return _text(argument[1][0])
    return ""


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
