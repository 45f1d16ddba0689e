"""What differs between two rehearsals of the same code is no change: an id, the time, chance.

Each side is rehearsed again, in the same way. Where its own rehearsals differ, a difference
between the sides says nothing, and the words of side a stand for those of side b.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from handoff_evals.changes.agent_change import Rehearsed, same
from handoff_evals.transcript import FunctionCall


def without_noise(a: Sequence[Rehearsed], b: Sequence[Rehearsed]) -> Rehearsed:
    """Side b, with the words of side a wherever one of the two differs from itself.

    Args:
        a: rehearsals of one suite on side a; the first is what side b is compared with.
        b: the same of side b.
    """
    one, other = (
        [_REHEARSED.dump_python(each, mode="json") for each in rehearsed] for rehearsed in (a, b)
    )
    return _REHEARSED.validate_python(_settled(one[0], other[0], one[1:], other[1:]))


def differing(a: Rehearsed, b: Rehearsed) -> tuple[str, ...]:
    """The scenarios of both, of which the rehearsals are not the same, by their labels."""
    return tuple(
        label
        for label, rehearsal in b.rehearsals.items()
        if label in a.rehearsals and not same(a.rehearsals[label], rehearsal)
    )


def one_of_each(rehearsed: Rehearsed, labels: Sequence[str]) -> tuple[str, ...]:
    """One of the scenarios for each set of agents and tools that they meet.

    What differs from time to time comes from these.
    """
    found: dict[frozenset[str], str] = {}
    for label in labels:
        transcript = rehearsed.rehearsals[label].transcript
        agents = {event.new.label for event in transcript.handoffs}
        tools = {f"{each.name}()" for each in transcript.events if isinstance(each, FunctionCall)}
        found.setdefault(frozenset(agents | tools), label)
    return tuple(found.values())


def _settled(a: Any, b: Any, more_a: Sequence[Any], more_b: Sequence[Any]) -> Any:
    """What stands for `b`, given what stood in the places of `a` and `b` the other times."""
    if a == b:
        return b
    if b in more_a or a in more_b:
        return a  # one side was as the other one is
    if isinstance(a, str) and isinstance(b, str):
        return _text(a, b, *(tuple(_of(str, each)) for each in (more_a, more_b)))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return {
            name: value if name not in a else _settled(a[name], value, *_at(name, more_a, more_b))
            for name, value in b.items()
        }
    if isinstance(a, list) and isinstance(b, list):
        return _list(a, b, more_a, more_b)
    return a if any(each != a for each in more_a) or any(each != b for each in more_b) else b


def _list(a: list[Any], b: list[Any], more_a: Sequence[Any], more_b: Sequence[Any]) -> list[Any]:
    if len(a) == len(b):
        return [
            _settled(one, other, *_at(index, more_a, more_b))
            for index, (one, other) in enumerate(zip(a, b, strict=True))
        ]
    longer = any(
        len(each) != len(own)
        for own, more in ((a, more_a), (b, more_b))
        for each in _of(list, more)
    )
    return a if longer else b


def _of(kind: type, values: Sequence[Any]) -> Iterator[Any]:
    return (each for each in values if isinstance(each, kind))


def _at(place: Any, *sides: Sequence[Any]) -> Iterator[list[Any]]:
    """What stands in a place of each of the values that have it, by side."""
    for values in sides:
        found = []
        for each in values:
            try:
                found.append(each[place])
            except (KeyError, IndexError, TypeError):
                continue
        yield found


@lru_cache(maxsize=4096)
def _text(a: str, b: str, more_a: tuple[str, ...], more_b: tuple[str, ...]) -> str:
    """`b`, with the words of `a` in the places of those that differ from time to time."""
    old, new = _words(a), _words(b)
    noisy_old, noisy_new = _varying(old, more_a), _varying(new, more_b)
    parts: list[str] = []
    for kind, start, end, new_start, new_end in _changes(old, new):
        noise = kind != "equal" and (
            (start < end and noisy_old.issuperset(range(start, end)))
            or (new_start < new_end and noisy_new.issuperset(range(new_start, new_end)))
        )
        parts += old[start:end] if noise else new[new_start:new_end]
    return "".join(parts)


def _varying(words: Sequence[str], others: Sequence[str]) -> set[int]:
    """Where words stand that differ in another text."""
    return {
        index
        for other in others
        for kind, start, end, _, _ in _changes(words, _words(other))
        if kind != "equal"
        for index in range(start, end)
    }


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|\W", text)


def _changes(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """The opcodes from `a` to `b`; what is the same at both ends is not searched."""
    shortest = min(len(a), len(b))
    begin = next((at for at in range(shortest) if a[at] != b[at]), shortest)
    ends = range(shortest - begin)
    end = next((at for at in ends if a[-1 - at] != b[-1 - at]), len(ends))
    inner_a, inner_b = a[begin : len(a) - end], b[begin : len(b) - end]
    yield "equal", 0, begin, 0, begin
    matcher = SequenceMatcher(None, inner_a, inner_b, autojunk=False)
    for kind, start, stop, new_start, new_stop in matcher.get_opcodes():
        yield kind, start + begin, stop + begin, new_start + begin, new_stop + begin
    yield "equal", len(a) - end, len(a), len(b) - end, len(b)


_REHEARSED = TypeAdapter(Rehearsed)
