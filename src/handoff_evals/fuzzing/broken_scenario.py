"""A broken conversation, written as a scenario file."""

import json
from dataclasses import dataclass, field
from typing import Any

from handoff_evals.fuzzing.random_model import BrokenInvariantError, PlayedTurn, RandomAnswer
from handoff_evals.livekit import ToolCall
from handoff_evals.scenarios import (
    Expectation,
    ExpectedCall,
    Scenario,
    ScenarioText,
    ScriptedTurn,
    Target,
    TurnText,
    scenario_file,
)


@dataclass(kw_only=True)
class _ScriptLine:
    """A turn of the file, and what is to be said beside it."""

    user: str
    agent: str | None = None
    calls: tuple[ExpectedCall, ...] = ()
    beside: list[str] = field(default_factory=list)


def scenario_of(error: BrokenInvariantError) -> Scenario:
    """The conversation, as far as the oracle can hold it.

    The oracle calls tools in reply to the caller only, so calls that the model made in
    reply to a tool, or as an agent entered, get a turn of their own.
    """
    return Scenario(
        label=error.invariant,
        turns=tuple(ScriptedTurn(user=line.user, expect=_expected(line)) for line in _lines(error)),
    )


def written(error: BrokenInvariantError, *, agent: str, again: bool) -> str:
    """Write the file.

    Args:
        error: what was broken, and how it came to it.
        agent: `module:name` of the agent under test.
        again: whether the oracle, playing the file, breaks the invariant again.
    """
    comments = (
        f"Broken: {error.invariant}: {error.why}",
        "",
        "To run this conversation: handoff-evals run THIS_FILE --model oracle",
        "To look for the broken invariant in it: handoff_evals.replay",
        "It breaks the invariant again."
        if again
        else "It does not break the invariant again: that takes what is marked `not played`.",
    )
    turns = [
        TurnText(user=line.user, expect=_written_expectations(line), comments=line.beside)
        for line in _lines(error)
    ]
    return scenario_file(
        [ScenarioText(label=error.invariant, turns=turns)],
        comments=comments,
        name=f"broken: {error.invariant}",
        agent=agent,
    )


def _lines(error: BrokenInvariantError) -> list[_ScriptLine]:
    lines: list[_ScriptLine] = []
    opening: list[str] = []
    for held in error.turns:
        found = _of_turn(held)
        if held.user is None:
            opening = found.pop(0).beside
        elif error.keeps and held is error.turns[-1]:
            found[-1].agent = error.keeps
        lines += found
    # A conversation without a turn would not be held at all.
    lines = lines or [_ScriptLine(user="Hello.")]
    lines[0].beside[:0] = opening
    return lines


def _of_turn(held: PlayedTurn) -> list[_ScriptLine]:
    """The turn, and one more for each further reply that calls tools."""
    lines = [_ScriptLine(user=held.user or "")]
    where = "turn" if held.user else "opening"
    if held.interrupted_after is not None:
        lines[0].beside.append(
            f"not played: the caller interrupts, {held.interrupted_after} rounds of the event "
            f"loop into the {where}"
        )
    for index, answer in enumerate(held.answers):
        calls = _playable(answer)
        if calls and (index > 0 or not held.user):
            lines.append(_ScriptLine(user="Go on.", beside=[f"still in the {where} above:"]))
        lines[-1].calls = calls or lines[-1].calls
        lines[-1].beside.append(_did(answer, played=answer.is_words or bool(calls)))
    if held.user:
        lines[-1].agent = held.active
    return lines


def _expected(line: _ScriptLine) -> Expectation:
    agent = None if line.agent is None else Target.parse(line.agent)
    return Expectation(agent=agent, calls=line.calls)


def _written_expectations(line: _ScriptLine) -> dict[str, Any]:
    expect: dict[str, Any] = {}
    if line.agent is not None:
        expect["agent"] = line.agent
    if line.calls:
        expect["calls"] = [
            {"name": call.name, "arguments": dict(call.arguments)} for call in line.calls
        ]
    return expect


def _playable(answer: RandomAnswer) -> tuple[ExpectedCall, ...]:
    """The calls of a reply, if a scenario can hold all of them."""
    given = [_arguments(call) for call in answer.calls if call.name in answer.offered]
    if len(given) < len(answer.calls):
        return ()
    found = [
        ExpectedCall(name=call.name, arguments=arguments)
        for call, arguments in zip(answer.calls, given, strict=True)
        if arguments is not None
    ]
    return tuple(found) if len(found) == len(given) else ()


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        given = json.loads(call.arguments)
    except ValueError:
        return None
    return given if isinstance(given, dict) else None


def _did(answer: RandomAnswer, *, played: bool) -> str:
    mark = "" if played else "not played: "
    if answer.failed:
        return f"{mark}the model raises {answer.reply!r}"
    calls = [f"calls {call.name}({call.arguments})" for call in answer.calls]
    words = f"says {answer.words!r}" if answer.words or not calls else ""
    return f"{mark}the model {' and '.join(filter(None, (words, *calls)))}"
