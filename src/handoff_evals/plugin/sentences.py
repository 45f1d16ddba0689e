"""Texts taken apart, to find one in another."""

import re
from collections.abc import Iterable

_END = re.compile(r"(?<=[.!?:])\s+|\n+")
_WORDS = 5
_SHOWN = 300


def plain(text: str) -> str:
    """The text without case and line breaks."""
    return " ".join(text.casefold().split())


def telling(texts: Iterable[str]) -> list[str]:
    """The sentences that are long enough to tell whose text they are from.

    A text that has none counts as one sentence, whatever its length.
    """
    found: dict[str, None] = {}
    for text in texts:
        sentences = [each.strip() for each in _END.split(text)]
        long = [each for each in sentences if len(each.split()) >= _WORDS]
        found.update(dict.fromkeys(long or filter(None, [text.strip()])))
    return list(found)


def excerpt(text: str, around: str = "") -> str:
    """The text on one line, cut to what is near `around`, or to its beginning."""
    flat = " ".join(text.split())
    if len(flat) <= _SHOWN:
        return flat
    at = max(0, flat.casefold().find(plain(around))) if around else 0
    start = max(0, min(at - _SHOWN // 3, len(flat) - _SHOWN))
    end = start + _SHOWN
    return f"{'… ' if start else ''}{flat[start:end]}{' …' if end < len(flat) else ''}"
