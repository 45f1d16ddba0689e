"""Which masks would have a request found that was recorded with other ids, or on another day."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial
from typing import Any

from handoff_evals.cassettes.exchange import RecordedRequest, texts_changed
from handoff_evals.cassettes.masks import Mask

_MOST = 5
"""Patterns that are proposed at once: who needs more has another problem."""
_LONG_ENOUGH = 4
"""Characters of a word with digits in it that may be an id."""
_CONTEXT = 2
"""Words before a value that has no letters of its own: as `60`, or `10:45`."""
_TOKEN = re.compile(r"[\w-](?:[\w:.+-]*[\w-])?|\s+|[^\w\s]")
_SEPARATORS = re.compile(r"([:.+_-])")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DAY = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[a-z]*day)?")
_MONTH = re.compile(
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:uary|ruary|ch|il|e|y|ust|tember|ober|"
    r"ember)?"
)
_PART_OF_DATE = re.compile(
    r"\d{1,4}(?:st|nd|rd|th)?|\d{1,4}(?:[:./-]\d{1,4})+|[AaPp]\.?[Mm]\.?|UTC|,|\s+"
)
_NOON = re.compile(r"[AaPp]\.?[Mm]\.?")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.+Z-]+")
_ENDS_CONTEXT = frozenset("\n<>")  # a placeholder is not what stands in the text
_CLASSES = ("0-9", "0-9a-f", "0-9A-F", "0-9A-Z", "0-9a-z", "0-9A-Za-z", r"\w-")
"""What an id may be made of, the narrowest first."""


def proposed_masks(recorded: RecordedRequest, now: RecordedRequest) -> Sequence[str]:
    """Regular expressions by which the two would be the same request.

    Returns:
        None of them where something else differs than ids, dates and times.
    """
    patterns: list[str] = []
    while len(patterns) <= _MOST:
        old, new = (_masked(each, patterns) for each in (recorded, now))
        if old.key(trial=0, seed=0) == new.key(trial=0, seed=0):
            return patterns
        pair = next(_different(old, new), None)
        pattern = pair and _pattern(pair)
        if not pattern or pattern in patterns:
            break
        patterns.append(pattern)
    return []


def as_toml(patterns: Sequence[str]) -> str:
    """The patterns as a line of `pyproject.toml`."""
    written = (f"'{each}'" if "'" not in each else json.dumps(each) for each in patterns)
    return f"mask = [{', '.join(written)}]"


def differently_ordered(recorded: RecordedRequest, now: RecordedRequest) -> bool:
    """Whether the texts that differ have the same words in another order, as a set gives them."""
    pairs = list(_different(recorded, now))
    return bool(pairs) and all(_words(each.old) == _words(each.new) for each in pairs)


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """A text that differs."""

    old: str
    new: str
    is_result: bool
    """Whether it is a tool's result: nobody has edited a number in one."""


def _different(a: RecordedRequest, b: RecordedRequest) -> Iterator[_Pair]:
    for (one, is_result), (other, _) in zip(_texts(a), _texts(b), strict=False):
        if one != other:
            yield _Pair(old=one, new=other, is_result=is_result)


def _words(text: str) -> list[str]:
    return sorted(re.findall(r"\w+", text))


def _masked(request: RecordedRequest, patterns: Sequence[str]) -> RecordedRequest:
    return Mask.of_patterns(patterns).apply(request).request.in_order()


def _texts(request: RecordedRequest) -> list[tuple[str, bool]]:
    """Every text, and whether it is a tool's result."""
    found: list[tuple[str, bool]] = []
    rest = replace(request, tools=(), options={})
    parts = [(replace(rest, messages=(each,)), each["role"] == "tool") for each in request.messages]
    for part, is_result in (*parts, (replace(request, messages=()), False)):
        texts_changed(part, partial(_noted, found, is_result=is_result))
    return found


def _noted(found: list[tuple[str, bool]], text: str, *, is_result: bool) -> str:
    found.append((text, is_result))
    return text


def _pattern(pair: _Pair) -> str | None:
    """A pattern of the first value that differs; None where other words do."""
    before, after = _TOKEN.findall(pair.old), _TOKEN.findall(pair.new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        if _is_date(before, start, end) and _is_date(after, new_start, new_end):
            return _date(before, start, end)
        if kind != "replace" or end - start != new_end - new_start:
            return None
        words = before[start], after[new_start]
        shortest = 1 if pair.is_result else _LONG_ENOUGH
        if not all(_may_be_id(word, shortest=shortest) for word in words):
            return None
        return _value(before, start, *words)
    return None


def _is_date(tokens: Sequence[str], start: int, end: int) -> bool:
    """Whether words are part of a date that is written out, with its day or its month."""
    first, last = _around(tokens, start, end)
    named = any(
        pattern.fullmatch(each) for each in tokens[first:last] for pattern in (_DAY, _MONTH, _NOON)
    )
    return named and all(_in_date(each) for each in tokens[start:end])


def _in_date(token: str) -> bool:
    return any(each.fullmatch(token) for each in (_DAY, _MONTH, _PART_OF_DATE))


def _around(tokens: Sequence[str], start: int, end: int) -> tuple[int, int]:
    """From where to where a date goes on, blanks and commas at its ends left out."""
    first, last = start, end
    while first > 0 and _in_date(tokens[first - 1]):
        first -= 1
    while last < len(tokens) and _in_date(tokens[last]):
        last += 1
    while first < start and not tokens[first].strip(", \n"):
        first += 1
    while last > end and not tokens[last - 1].strip(", \n"):
        last -= 1
    return first, last


def _date(tokens: Sequence[str], start: int, end: int) -> str:
    first, last = _around(tokens, start, end)
    written = "".join(_date_part(each) for each in tokens[first:last])
    return f"{_context(tokens, first)}({written})"


def _date_part(token: str) -> str:
    if _DAY.fullmatch(token) or _MONTH.fullmatch(token):
        return "[A-Z][a-z]+"
    return "[AaPp][Mm]" if _NOON.fullmatch(token) else _digits(token)


def _digits(text: str) -> str:
    """The text as a pattern, with any digits in the place of its own."""
    return re.sub(r"\d+", r"\\d+", _literal(text))


def _literal(text: str) -> str:
    return re.sub(r"\\([ -])", r"\1", re.escape(text))


def _value(tokens: Sequence[str], at: int, old: str, new: str) -> str:
    if _UUID.fullmatch(old) and _UUID.fullmatch(new):
        return "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    if _TIMESTAMP.fullmatch(old) and _TIMESTAMP.fullmatch(new):
        return _digits(old)
    parts, others = _SEPARATORS.split(old), _SEPARATORS.split(new)
    if len(parts) == len(others) and parts[1::2] == others[1::2]:
        pairs = list(zip(parts, others, strict=True))
    else:
        pairs = [(old, new)]
    if any(_class(*pair) == _CLASSES[-2] for pair in pairs):  # it may have dashes, too
        pairs = [(old, new)]
    written = "".join(_segment(*pair) for pair in pairs)
    # What any number or any word would fit is told by the words before it.
    classes = {_class(*pair) for pair in pairs if pair[0] != pair[1]}
    literal = any(_prefix(*pair)[0] or (pair[0] == pair[1] and pair[0].isalpha()) for pair in pairs)
    if literal or classes & {"0-9a-f", "0-9A-F"}:
        return rf"\b{written}\b"
    return f"{_context(tokens, at)}({written})"


def _may_be_id(word: str, *, shortest: int) -> bool:
    """Whether nobody would write it: digits among letters, a long number, many capitals."""
    if any(each.isdigit() for each in word):
        return len(word) >= shortest
    letters = word.replace("-", "").replace("_", "")
    mixed = letters.isupper() or (letters[1:] != letters[1:].lower())
    return mixed and len(word) >= _LONG_ENOUGH


def _segment(old: str, new: str) -> str:
    if old == new and not (old.isalnum() and any(map(str.isdigit, old))):
        return _literal(old)
    prefix, old, new = _prefix(old, new)
    made_of = _class(old, new)
    if made_of == "0-9":
        return rf"{_literal(prefix)}\d+"
    made_of = _CLASSES[-1] if made_of in _CLASSES[-2:] else made_of
    size = f"{{{len(old)}}}" if len(old) == len(new) else "+"
    return f"{_literal(prefix)}[{made_of}]{size}"


def _prefix(old: str, new: str) -> tuple[str, str, str]:
    """Letters that stand before a number in both, as in `T4711`, and what is left."""
    one, other = re.fullmatch(r"([A-Za-z]+)(\d+)", old), re.fullmatch(r"([A-Za-z]+)(\d+)", new)
    if one and other and one[1] == other[1]:
        return one[1], one[2], other[2]
    return "", old, new


def _class(*words: str) -> str:
    return next(
        (each for each in _CLASSES if all(re.fullmatch(f"[{each}]*", word) for word in words)),
        _CLASSES[-1],
    )


def _context(tokens: Sequence[str], at: int) -> str:
    """The words right before a value, as a pattern."""
    words = list(_last_words(tokens[:at]))
    return "".join(_literal(each) for each in reversed(words))


def _last_words(tokens: Sequence[str]) -> Iterator[Any]:
    left = _CONTEXT
    for each in reversed(tokens):
        if each in _ENDS_CONTEXT or not left:
            return
        yield each
        left -= each[0].isalnum()
