"""What differs from run to run although the same is asked: an id that a tool draws, today's date.

A mask finds such values. In a request they become `<masked 1>`, `<masked 2>`, in the order
in which they first stand there, and so do the same values in the answer that is kept. When
the answer is replayed, the values of the present conversation take their places: a model
that was recorded as it called `confirm(ticket="T-81f3")` then confirms the ticket that the
tool has drawn this time.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handoff_evals.cassettes.exchange import Answer, RecordedRequest, texts_changed
from handoff_evals.config import read_config
from handoff_evals.errors import UsageError
from handoff_evals.user_code import import_reference

_PLACEHOLDER = re.compile(r"<masked \d+>")
_SHORTEST = 3
"""Characters of a value that is also masked where no pattern finds it, as in an answer."""

Find = Callable[[str], Iterable[tuple[int, int]]]
"""Gives where the values stand in a text, each as its start and its end."""


@dataclass(frozen=True, kw_only=True)
class Masked:
    """A request without its values, and the values."""

    request: RecordedRequest
    values: Mapping[str, str] = field(default_factory=dict)
    """By what stands for each, as `<masked 1>`."""

    def hidden(self, answer: Answer) -> Answer:
        """The answer with what stands for each value in the value's place."""
        names = {value: name for name, value in self.values.items()}
        return _exchanged(answer, names, lambda value: _alone(value, shortest=_SHORTEST))

    def shown(self, answer: Answer) -> Answer:
        """The answer with the values of this request."""
        return _exchanged(answer, self.values, re.escape)


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Finds the values that differ from run to run."""

    find: Find

    @classmethod
    def of_patterns(cls, patterns: Iterable[str]) -> "Mask":
        """Find by regular expressions; where one has groups, the groups are the values.

        Raises:
            UsageError: when one is none.
        """
        compiled = [_compiled(pattern) for pattern in patterns]

        def find(text: str) -> Iterator[tuple[int, int]]:
            for pattern in compiled:
                for found in pattern.finditer(text):
                    groups = range(1, pattern.groups + 1) if pattern.groups else [0]
                    yield from (found.span(group) for group in groups)

        return cls(find=find)

    @classmethod
    def of_function(cls, function: Callable[[str], Iterable[str]]) -> "Mask":
        """Find by a function that gets a text and returns those of its parts that are values."""

        def find(text: str) -> Iterator[tuple[int, int]]:
            for part in function(text):
                yield from (found.span() for found in re.finditer(re.escape(part), text))

        return cls(find=find)

    def apply(self, request: RecordedRequest) -> Masked:
        """Mask every text of the messages, the tools and the options."""
        numbers: dict[str, str] = {}

        def note(text: str) -> str:
            for start, end in self._spans(text):
                numbers.setdefault(text[start:end], f"<masked {len(numbers) + 1}>")
            return text

        texts_changed(request, note)
        if not numbers:
            return Masked(request=request)
        known = _any_of(numbers, lambda value: _alone(value, shortest=_SHORTEST))

        def hide(text: str) -> str:
            parts, at = [], 0
            for start, end in self._spans(text):
                parts += [_with(known, numbers, text[at:start]), numbers[text[start:end]]]
                at = end
            return "".join([*parts, _with(known, numbers, text[at:])])

        values = {name: value for value, name in numbers.items()}
        return Masked(request=texts_changed(request, hide), values=values)

    def without(self, text: str) -> str:
        """The text without the values."""
        parts, at = [], 0
        for start, end in self._spans(text):
            parts.append(text[at:start])
            at = end
        return "".join([*parts, text[at:]])

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where the values stand, in order, none within another."""
        # What was masked when it was recorded is counted anew, with what is masked today.
        found = {each.span() for each in _PLACEHOLDER.finditer(text)}
        found |= {(start, end) for start, end in self.find(text) if 0 <= start < end}
        kept: list[tuple[int, int]] = []
        for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
            if not kept or start >= kept[-1][1]:
                kept.append((start, end))
        return kept


def mask_of(project: Path) -> Mask | None:
    """The mask that a project's `pyproject.toml` sets; None where it sets none.

    Raises:
        UsageError: when a pattern is none, or the function can't be had or fails.
    """
    given = read_config(project).mask
    if isinstance(given, list):
        return Mask.of_patterns(given) if given else None
    what = "[tool.handoff-evals] mask ="
    function: Callable[[str], Iterable[str]] = import_reference(given, folder=project, what=what)
    form = "it must take a str and return a list of the parts of it to mask"
    try:
        parts: Any = function("a word")
    except Exception as error:
        raise UsageError(
            f"{what} {given!r} fails on 'a word': {type(error).__name__}: {error}; {form}"
        ) from error
    if isinstance(parts, str) or not isinstance(parts, Iterable):
        raise UsageError(f"{what} {given!r} returns {parts!r} for 'a word'; {form}")
    return Mask.of_function(function)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"[tool.handoff-evals] mask: {pattern!r} is no regular expression: {error}"
        ) from error


def _alone(value: str, *, shortest: int) -> str | None:
    """A pattern of a value that is no part of a longer word; None where it is too short."""
    if len(value) < shortest:
        return None
    before = r"(?<!\w)" if value[0].isalnum() else ""
    after = r"(?!\w)" if value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"


def _any_of(values: Iterable[str], written: Callable[[str], str | None]) -> re.Pattern[str] | None:
    """A pattern that finds any of the values, the longest first; None where there is none."""
    found = [written(value) for value in sorted(values, key=len, reverse=True)]
    patterns = [each for each in found if each]
    return re.compile("|".join(patterns)) if patterns else None


def _with(pattern: re.Pattern[str] | None, instead: Mapping[str, str], text: str) -> str:
    if pattern is None:
        return text
    return pattern.sub(lambda found: instead[found.group()], text)


def _exchanged(
    answer: Answer, instead: Mapping[str, str], written: Callable[[str], str | None]
) -> Answer:
    """The answer with others in the place of some of its words; itself where there are none."""
    pattern = _any_of(instead, written)
    if pattern is None or not pattern.search(answer.words):
        return answer
    # In arguments, which are JSON, both are written as JSON writes them.
    quoted = {_in_json(old): _in_json(new) for old, new in instead.items()}
    in_arguments = _any_of(quoted, written)
    return answer.changed(
        words=lambda text: _with(pattern, instead, text),
        arguments=lambda text: _with(in_arguments, quoted, text),
    )


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
