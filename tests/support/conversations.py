"""Transcripts and scenarios in a few words, for the tests of what judges them."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from handoff_evals.scenarios import Expectation, ExpectedHandoff, Scenario, ScriptedTurn, Target
from handoff_evals.transcript import (
    AgentHandoff,
    AgentRef,
    Event,
    Fault,
    Message,
    ModelCall,
    Transcript,
    Turn,
)


def ref(written: str) -> AgentRef:
    """An agent, written as in a report: `specialist[topic=claims]`."""
    target = Target.parse(written)
    return AgentRef(id=target.id, attributes=target.where)


def move(
    old: str, new: str, kind: Literal["handoff", "task", "return"] = "handoff"
) -> AgentHandoff:
    return AgentHandoff(old=ref(old), new=ref(new), kind=kind)


def opening(agent: str) -> Turn:
    return Turn(
        user=None,
        events=(AgentHandoff(old=None, new=ref(agent)),),
        model_calls=(),
        active=ref(agent),
    )


def transcript(start: str, *turns: Turn, faults: tuple[Fault, ...] = ()) -> Transcript:
    return Transcript(turns=(opening(start), *turns), faults=faults)


def turn(
    *through: str,
    said: str = "Yes.",
    events: tuple[Event, ...] = (),
    calls: tuple[ModelCall, ...] = (),
    userdata: Mapping[str, Any] | None = None,
) -> Turn:
    """A turn that starts on the first agent and goes through the others, in order.

    The model of each on the way was asked.
    """
    asked = [request(agent, after=place) for place, agent in enumerate(through[1:-1], 1)]
    return Turn(
        user="I have a question.",
        events=(
            Message(role="user", text="I have a question."),
            *(move(old, new) for old, new in pairwise(through)),
            *events,
            *([Message(role="assistant", text=said, agent=ref(through[-1]))] if said else []),
        ),
        model_calls=(*asked, *calls),
        active=ref(through[-1]),
        userdata=userdata or {},
    )


def request(agent: str, *messages: tuple[str, str], after: int = 0, **given: Any) -> ModelCall:
    """What an agent's model was asked: `(role, words)` of each message."""
    return ModelCall(
        agent=ref(agent),
        purpose=given.pop("purpose", "reply"),
        model="scripted",
        messages=tuple({"role": role, "content": words} for role, words in messages),
        after_handoffs=after,
        **given,
    )


def expects(agent: str | None = None, **expected: Any) -> ScriptedTurn:
    target = None if agent is None else Target.parse(agent)
    return ScriptedTurn(user="I have a question.", expect=Expectation(agent=target, **expected))


def scenario(*turns: ScriptedTurn) -> Scenario:
    return Scenario(label="A question", turns=turns)


def path(*steps: str) -> tuple[ExpectedHandoff, ...]:
    """Expected handoffs: `new`, or `old -> new`."""
    found = []
    for step in steps:
        old, arrow, new = step.partition(" -> ")
        found.append(
            ExpectedHandoff(old=Target.parse(old), new=Target.parse(new))
            if arrow
            else ExpectedHandoff(new=Target.parse(old))
        )
    return tuple(found)
