"""Labelled conversations: what a judge is measured by.

A JSON file with one line a conversation and labeller, which holds the conversation itself:

```json
{"schema": 1, "labeller": "Ann", "lines": [["caller", "caller", "Hi."], …],
 "labels": {"greeted_anew": "pass"}}
```
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_evals.errors import UsageError
from handoff_evals.files import locked, parsed_json, write_atomically
from handoff_evals.judges.excerpt import Excerpt
from handoff_evals.stats import Confusion

SCHEMA = 1
Label = Literal["pass", "fail"]


@dataclass(frozen=True, kw_only=True)
class LabelledCall:
    """A conversation with what a labeller says of it."""

    excerpt: Excerpt
    labels: Mapping[str, Label]
    """By question; those that it gives no answer to are left out."""
    labeller: str
    half: str = ""
    """`easy` or `hard`, where somebody said so."""
    made: Mapping[str, str] = field(default_factory=dict)
    """How it came about, as a data card explains."""


class _LabelLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: Literal[1] = Field(alias="schema")
    labeller: str = Field(min_length=1)
    labels: dict[str, Label] = Field(min_length=1)
    lines: list[list[str]] = Field(min_length=1)
    expectations: str = ""
    half: str = ""
    made: dict[str, str] = Field(default_factory=dict)

    def value(self) -> LabelledCall:
        return LabelledCall(
            excerpt=Excerpt.written(*self.lines, expectations=self.expectations),
            labels=self.labels,
            labeller=self.labeller,
            half=self.half,
            made=self.made,
        )


def label_line(call: LabelledCall) -> str:
    """One line of a file of labels."""
    data: dict[str, object] = {"schema": SCHEMA, "labeller": call.labeller}
    data |= {"half": call.half} if call.half else {}
    data |= {"made": dict(call.made)} if call.made else {}
    data |= {"labels": dict(call.labels)}
    data |= {"expectations": call.excerpt.expectations} if call.excerpt.expectations else {}
    return json.dumps({**data, "lines": call.excerpt.plain}, ensure_ascii=True)


def read_labels(path: Path) -> tuple[LabelledCall, ...]:
    """Read a file of labels, or all `*.jsonl` of a folder.

    Raises:
        UsageError: when there are none, or a line is not as it must be.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    found = [call for file in files for call in _read_file(file)]
    if not found:
        raise UsageError(f"{str(path)!r} has no labels: make some by `handoff-evals label RUN`")
    return tuple(found)


def _read_file(path: Path) -> Iterator[LabelledCall]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"labels {str(path)!r} can't be read: {error}") from error
    # Not `splitlines`, which also ends a line at signs that stand in what somebody said.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _LabelLine.model_validate(parsed_json(line)).value()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise UsageError(
                f"{path}:{number}: {where} is not as it must be: {first['msg']}"
            ) from (error)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: this is no label: {error}") from error


def labelled_for(
    question: str, calls: Iterable[LabelledCall]
) -> tuple[list[tuple[LabelledCall, Label]], int]:
    """The conversations with a label for a question, each once.

    Of one labeller's labels of a conversation the last counts.

    Returns:
        The conversations with their labels, and how many are left out since labellers differ.
    """
    said: dict[str, dict[str, LabelledCall]] = {}
    for call in calls:
        if question in call.labels:
            said.setdefault(call.excerpt.digest, {})[call.labeller] = call
    agreed: list[tuple[LabelledCall, Label]] = []
    for by_labeller in said.values():
        labels = {call.labels[question] for call in by_labeller.values()}
        if len(labels) == 1:
            agreed.append((next(iter(by_labeller.values())), labels.pop()))
    return agreed, len(said) - len(agreed)


def labellers_agree(
    question: str, calls: Sequence[LabelledCall]
) -> Iterator[tuple[str, str, Confusion]]:
    """For each two labellers what they say of the conversations that both have labelled."""
    by_labeller: dict[str, dict[str, Label]] = {}
    for call in calls:
        if question in call.labels:
            by_labeller.setdefault(call.labeller, {})[call.excerpt.digest] = call.labels[question]
    names = sorted(by_labeller)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            both = by_labeller[one].keys() & by_labeller[other].keys()
            if both:
                pairs = [(by_labeller[one][each], by_labeller[other][each]) for each in both]
                yield one, other, confusion_of(pairs)


def confusion_of(pairs: Iterable[tuple[Label, Label]]) -> Confusion:
    """Count verdicts and labels, in this order."""
    listed = list(pairs)
    return Confusion(
        both_pass=listed.count(("pass", "pass")),
        passed_wrongly=listed.count(("pass", "fail")),
        failed_wrongly=listed.count(("fail", "pass")),
        both_fail=listed.count(("fail", "fail")),
    )


class LabelFile:
    """Where a labeller's answers are kept: each is on the disk before the next is asked for.

    Args:
        path: the file; it need not be there.
        labeller: whose answers are written and taken back.

    Raises:
        UsageError: when the file holds something else.
    """

    def __init__(self, path: Path, labeller: str) -> None:
        self.path = path
        self.labeller = labeller
        self.calls = list(_read_file(path)) if path.exists() else []

    def done(self, question: str) -> set[str]:
        """The digests of the conversations that this labeller has labelled for a question."""
        return {
            call.excerpt.digest
            for call in self.calls
            if call.labeller == self.labeller and question in call.labels
        }

    def add(self, question: str, excerpt: Excerpt, label: Label) -> None:
        """Keep an answer.

        Raises:
            UsageError: when it can't be written.
        """
        call = LabelledCall(excerpt=excerpt, labels={question: label}, labeller=self.labeller)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write(label_line(call) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"labels {str(self.path)!r} can't be written: {error}") from error
        self.calls.append(call)

    def take_back(self) -> LabelledCall | None:
        """Remove this labeller's last answer; None where there is none."""
        place = max(
            (n for n, call in enumerate(self.calls) if call.labeller == self.labeller), default=None
        )
        if place is None:
            return None
        removed = self.calls[place]
        with locked(self.path):
            there = list(_read_file(self.path))
            last = max(n for n, call in enumerate(there) if call == removed)
            del there[last]
            write_atomically(self.path, "".join(label_line(each) + "\n" for each in there))
        self.calls = there
        return removed
