"""What of a call the next agent must have been told, by a rule that a person can follow.

A fact is something that the caller said: a number of three digits or more (with the letters
around it, as in `AB-1203`), or what a tool was called with word for word, as a name.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

_DIGITS = 3
_MOST_WORDS = 4
# Digits in groups, as a telephone number is said, or letters and digits in one.
_NUMBERS = re.compile(r"\d+(?: \d+)+|\w+(?:[-/.]\w+)*")


def numbers(words: str) -> Iterator[str]:
    """The numbers in what was said, as they were said."""
    for match in _NUMBERS.finditer(words):
        if sum(char.isdigit() for char in match[0]) >= _DIGITS:
            yield match[0]


def stands_in(fact: str, words: str) -> bool:
    """Whether it was said, as whole words, in upper or lower case."""
    pattern = rf"(?<!\w){re.escape(fact.strip())}(?!\w)"
    return bool(fact.strip()) and re.search(pattern, words, re.IGNORECASE) is not None


def named(arguments: Any, words: str) -> Iterator[str]:
    """What a tool was called with, and the caller had said; no sentences."""
    match arguments:
        case dict():
            for value in arguments.values():
                yield from named(value, words)
        case list():
            for value in arguments:
                yield from named(value, words)
        case bool() | None:
            return
        case str() | int() | float():
            fact = str(arguments).strip()
            short = len(fact) > 1 and len(fact.split()) <= _MOST_WORDS
            if short and stands_in(fact, words):
                yield fact


def distinct(facts: Iterable[str]) -> tuple[str, ...]:
    """Each once, and none that says no more than a shorter one."""
    listed = list({fact.casefold(): fact for fact in facts}.values())
    return tuple(
        fact
        for fact in listed
        if not any(other != fact and stands_in(other, fact) for other in listed)
    )
