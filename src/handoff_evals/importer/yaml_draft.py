"""Drafts as a scenario file, with comments for the person who corrects it."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from handoff_evals.importer.draft import DraftScenario, DraftTurn

_HEAD = """\
What happened in recorded calls, by `handoff-evals import`. Correct it into what should have.
Callers' words can be private: read them before you share this file.
No recording tells: userdata, and which of several agents with one id was meant (`where:`)."""
_NO_AGENT = """\
The agent under test is in no recording, and without it this file does not load. Write:
agent: module:name"""


def scenario_file(scenarios: Sequence[DraftScenario], *, agent: str | None = None) -> str:
    """Write a suite of drafts as YAML.

    Args:
        scenarios: one a call.
        agent: `module:name` of the agent under test, where it is known.
    """
    return "\n".join([*_lines(scenarios, agent), ""])


def _lines(scenarios: Sequence[DraftScenario], agent: str | None) -> Iterator[str]:
    yield from _comments(_HEAD.splitlines())
    if agent is None:
        yield from _comments(_NO_AGENT.splitlines())
    else:
        yield f"agent: {_text(agent)}"
    yield ""
    yield "scenarios:"
    taken: set[str] = set()
    for scenario in scenarios:
        label = _free(scenario.label, taken)
        taken.add(label)
        yield from _comments(scenario.notes, indent=2)
        yield f"  - label: {_text(label)}"
        yield "    turns:"
        for turn in scenario.turns:
            yield from _comments(turn.notes, indent=6)
            lines = list(_turn(turn))
            yield from lines if turn.user else (f"      # {line[6:]}" for line in lines)
        yield ""


def _turn(turn: DraftTurn) -> Iterator[str]:
    yield f"      - user: {_text(turn.user or '…')}"
    expect: dict[str, Any] = {}
    if turn.agent is not None:
        expect["agent"] = turn.agent
    if turn.handoffs:
        expect["handoffs"] = list(turn.handoffs)
    if turn.calls:
        expect["calls"] = [
            {"name": call.name, **({"arguments": dict(call.arguments)} if call.arguments else {})}
            for call in turn.calls
        ]
    if turn.carries:
        expect["carries"] = list(turn.carries)
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
    return yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=flow,
        allow_unicode=True,
        sort_keys=False,
        width=float("inf"),
    ).strip()


class _Dumper(yaml.SafeDumper):
    """Keeps a text with line breaks on one line, and repeats a value instead of naming it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's way
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = '"' if not text.isprintable() else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _comments(lines: Sequence[str], indent: int = 0) -> Iterator[str]:
    for line in lines:
        plain = "".join(char if char.isprintable() else " " for char in line)
        yield f"{' ' * indent}# {' '.join(plain.split())}"


def _free(label: str, taken: set[str]) -> str:
    number, free = 1, label
    while free in taken:
        number += 1
        free = f"{label} ({number})"
    return free
