"""A broken conversation, written as a scenario file."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from handoff_evals.livekit.scripted import ToolCall
from handoff_evals.properties.failure import BrokenInvariantError, Held
from handoff_evals.properties.model import Answer
from handoff_evals.scenario import Expectation, ExpectedCall, Scenario, ScriptedTurn

_WIDTH = 92


def scenario_of(error: BrokenInvariantError) -> Scenario:
    """The conversation, as far as the oracle can hold it: the caller's words, the first calls.

    A conversation that breaks before the caller speaks gets one turn, for it to be held at all.
    """
    said = [turn for turn in error.turns if turn.user is not None]
    return Scenario(
        label=error.invariant,
        turns=tuple(
            ScriptedTurn(user=turn.user or "", expect=Expectation(calls=_calls(turn)))
            for turn in said
        )
        or (ScriptedTurn(user="Hello."),),
    )


def written(error: BrokenInvariantError, *, agent: str, again: bool) -> str:
    """Write the file.

    Args:
        error: what was broken, and how it came to it.
        agent: `module:name` of the agent under test.
        again: whether the oracle, playing the file, breaks the invariant again.
    """
    scenario = scenario_of(error)
    lines = [
        *_comment(f"Broken: {error.invariant}: {error.why}"),
        "#",
        "# To hold this conversation: handoff-evals run THIS_FILE --model oracle",
        *_comment(
            "The oracle breaks it again."
            if again
            else "The oracle does not break it again: it takes what stands beside the turns as "
            "`not played` too."
        ),
        f"name: {_plain('broken: ' + error.invariant)}",
        f"agent: {_plain(agent)}",
        "",
        "scenarios:",
        f"  - label: {_plain(scenario.label)}",
    ]
    opening = [turn for turn in error.turns if turn.user is None]
    for turn in opening:
        lines += _indented(_beside(turn), 4)
    lines.append("    turns:")
    held = [turn for turn in error.turns if turn.user is not None]
    for index, scripted in enumerate(scenario.turns):
        if index < len(held):
            lines += _indented(_beside(held[index]), 6)
        body: dict[str, Any] = {"user": scripted.user}
        if scripted.expect.calls:
            body["expect"] = {
                "calls": [
                    {"name": call.name, "arguments": dict(call.arguments)}
                    for call in scripted.expect.calls
                ]
            }
        dumped = yaml.safe_dump([body], allow_unicode=True, sort_keys=False, width=_WIDTH)
        lines += _indented(dumped.splitlines(), 6)
    return "\n".join(lines) + "\n"


def _calls(turn: Held) -> tuple[ExpectedCall, ...]:
    """The calls that the oracle plays: those of the reply to the caller's words."""
    first = next(iter(turn.answers), None)
    if first is None or not first.to_caller:
        return ()
    found = [(call, _arguments(call)) for call in first.calls if call.name in first.offered]
    return tuple(
        ExpectedCall(name=call.name, arguments=given) for call, given in found if given is not None
    )


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        given = json.loads(call.arguments)
    except ValueError:
        return None
    return given if isinstance(given, dict) else None


def _beside(turn: Held) -> Iterator[str]:
    """Say what the model did, and which of it the file can't hold."""
    played = len(_calls(turn))
    for index, answer in enumerate(turn.answers):
        whole = index == 0 and played == len(answer.calls) and not answer.failed
        mark = "" if whole or answer.is_words else "not played: "
        yield from _comment(f"{mark}the model {_did(answer)}")
    if turn.interrupted_after is not None:
        yield from _comment(
            "not played: the caller interrupts, "
            f"{turn.interrupted_after} rounds of the event loop into the turn"
        )


def _did(answer: Answer) -> str:
    if answer.failed:
        return f"raises {answer.reply!r}"
    if answer.calls:
        return " and ".join(f"calls {call.name}({call.arguments})" for call in answer.calls)
    return f"says {answer.reply!r}" if answer.reply else "says nothing"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH - 2)]


def _indented(lines: Iterator[str] | Sequence[str], spaces: int) -> list[str]:
    return [f"{' ' * spaces}{line}" for line in lines]


def _plain(text: str) -> str:
    """A text as one YAML scalar."""
    return yaml.safe_dump(text, allow_unicode=True, width=10**6).removesuffix("\n...\n").strip()
