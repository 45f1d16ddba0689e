"""Scenario files as text, with comments for the person who reads them."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from handoff_evals.display import is_inert, visible_line, visible_yaml

_WIDTH = 92


@dataclass(frozen=True, kw_only=True)
class TurnText:
    """A turn of the file."""

    user: str
    """What the caller says; empty for an opening, which is written as a comment."""
    expect: Mapping[str, Any] = field(default_factory=dict)
    """Keys and values as the file has them."""
    comments: Sequence[str] = ()
    """What stands above it."""


@dataclass(frozen=True, kw_only=True)
class ScenarioText:
    """A scenario of the file."""

    label: str
    turns: Sequence[TurnText]
    comments: Sequence[str] = ()


def scenario_file(
    scenarios: Iterable[ScenarioText],
    *,
    comments: Sequence[str] = (),
    name: str | None = None,
    agent: str | None = None,
) -> str:
    """Write a scenario file that reads back as what is given.

    Args:
        scenarios: what labels are taken already gets a number.
        comments: at the head of the file; long ones are wrapped.
        name: the suite's.
        agent: `module:name`; without it the file says how to name one.
    """
    return "\n".join([*_lines(scenarios, comments, name, agent), ""])


def _lines(
    scenarios: Iterable[ScenarioText], comments: Sequence[str], name: str | None, agent: str | None
) -> Iterator[str]:
    yield from _comments(comments)
    if name is not None:
        yield f"name: {_text(name)}"
    if agent is not None:
        yield f"agent: {_text(agent)}"
    yield ""
    yield "scenarios:"
    taken: set[str] = set()
    for scenario in scenarios:
        label = _free(scenario.label, taken)
        taken.add(label)
        yield from _comments(scenario.comments, indent=2)
        yield f"  - label: {_text(label)}"
        yield "    turns:"
        for turn in scenario.turns:
            yield from _comments(turn.comments, indent=6)
            lines = list(_turn(turn))
            yield from lines if turn.user else (f"      # {line[6:]}" for line in lines)
        yield ""


def _turn(turn: TurnText) -> Iterator[str]:
    yield f"      - user: {_text(turn.user or '…')}"
    expect = dict(turn.expect)
    if set(expect) == {"agent"}:
        yield f"        expect: {_inline(expect)}"
    elif expect:
        yield "        expect:"
        yield from (f"          {name}: {_inline(value)}" for name, value in expect.items())


def _text(text: str) -> str:
    """A text on one line of YAML, quoted where it could be taken for something else."""
    return _dumped({"text": text}, flow=False).removeprefix("text: ")


def _inline(value: Any) -> str:
    """Any value on one line of YAML."""
    # In a list: alone, it may end with `...`.
    return _dumped([value], flow=True).removeprefix("[").removesuffix("]")


def _dumped(value: Any, *, flow: bool) -> str:
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=flow,
        allow_unicode=True,
        sort_keys=False,
        width=float("inf"),
    )
    return visible_yaml(text.strip())


class _Dumper(yaml.SafeDumper):
    """Keeps a text with line breaks on one line, and repeats a value instead of naming it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's way
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = None if text.isprintable() and is_inert(text) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _comments(lines: Sequence[str], indent: int = 0) -> Iterator[str]:
    for line in lines:
        plain = " ".join("".join(c if c.isprintable() else " " for c in line).split())
        for part in textwrap.wrap(plain, _WIDTH - 2) or [""]:
            yield f"{' ' * indent}# {visible_line(part)}".rstrip()


def _free(label: str, taken: set[str]) -> str:
    number, free = 1, label
    while free in taken:
        number += 1
        free = f"{label} ({number})"
    return free
