"""What an agent's model received when its agent took the call, beside all that was said before.

Nothing is judged here: facts are looked for by the check `carries`, and the rest is a text in a
request or not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from handoff_evals.checks import Status, carried
from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Message,
    ModelCall,
    Transcript,
    folded,
    message_text,
)

_END = re.compile(r"(?<=[.!?:])\s+|\n+")
_WORDS = 5
_INSTRUCTIONS = ("system", "developer")

Origin = Literal["own", "leaked", "carried", "later", "added"]
"""Where a message of a request is from: the agent's own instructions, those of another agent,
the conversation before the handoff, what was said after it, or anything else, as a summary."""


def identifying_sentences(texts: Iterable[str]) -> list[str]:
    """The sentences that are long enough to tell whose text they are from.

    A text that has none counts as one sentence, whatever its length.
    """
    found: dict[str, None] = {}
    for text in texts:
        sentences = [each.strip() for each in _END.split(text)]
        long = [each for each in sentences if len(each.split()) >= _WORDS]
        found.update(dict.fromkeys(long or filter(None, [text.strip()])))
    return list(found)


@dataclass(frozen=True, kw_only=True)
class ReceivedMessage:
    """One message of the request."""

    role: str
    text: str
    origin: Origin
    whose: str = ""
    """The agent whose instructions leaked."""
    sentence: str = ""
    """The sentence that shows it."""


@dataclass(frozen=True, kw_only=True)
class CarriedFact:
    """A fact that the scenario wants the agent to be told, folded."""

    text: str
    status: Status
    """`passed`: it was carried. `failed`: it was lost. `unscored`: nobody knows."""
    reason: str
    said: tuple[int, ...]
    """The earlier events that have it."""


@dataclass(frozen=True, kw_only=True)
class HandedContext:
    """One handoff, and the first request that the new agent's model got."""

    event: int
    """The handoff's index into the transcript's events."""
    agent: str
    turn: int | None = None
    """The turn of the request; None where the model was not asked before the next handoff."""
    messages: tuple[ReceivedMessage, ...] = ()
    lost: tuple[int, ...] = ()
    """Earlier events whose words are not in the request: messages, tool calls and outputs."""
    facts: tuple[CarriedFact, ...] = ()


def handed_contexts(transcript: Transcript) -> Iterator[HandedContext]:
    """What was handed over at each handoff from one agent to another, in order."""
    events = transcript.events
    for number, turn in enumerate(transcript.turns):
        moves = [
            (index, event)
            for index, event in transcript.indexed(number)
            if isinstance(event, AgentHandoff)
        ]
        for place, (index, move) in enumerate(moves, 1):
            if move.old is None:
                continue
            last = place == len(moves)
            facts = turn.facts.asked if last and move.new.id == turn.active.id else ()
            asked, call = _request(transcript, number, place, move.new.id, last=last)
            yield HandedContext(
                event=index,
                agent=move.new.label,
                turn=None if call is None else asked,
                messages=() if call is None else tuple(_messages(transcript, index, asked, call)),
                lost=() if call is None else tuple(_lost(events[:index], call)),
                facts=tuple(_fact(transcript, number, index, fact) for fact in facts),
            )


def _request(
    transcript: Transcript, turn: int, place: int, agent: str, *, last: bool
) -> tuple[int, ModelCall | None]:
    """The first request of the agent after that handoff of the turn, and the request's turn."""
    for index, current in enumerate(transcript.turns[turn:], turn):
        after = place if index == turn else 0
        for call in current.model_calls:
            mine = call.agent.id == agent and call.after_handoffs == after
            if mine and call.purpose == "reply" and not call.unused:
                return index, call
        if not last or (index > turn and current.handoffs):
            break
    return turn, None


def _fact(transcript: Transcript, turn: int, index: int, fact: str) -> CarriedFact:
    score = carried(transcript, turn, fact)
    return CarriedFact(
        text=fact,
        status=score.status,
        reason=score.reason,
        said=tuple(
            place
            for place, event in enumerate(transcript.events[:index])
            if any(fact in folded(text) for text in _texts(event))
        ),
    )


def _messages(
    transcript: Transcript, index: int, asked: int, call: ModelCall
) -> Iterator[ReceivedMessage]:
    events = transcript.events
    until = sum(len(turn.events) for turn in transcript.turns[: asked + 1])
    own, others = _instructions(events[:until], call, index)
    before = {folded(text) for event in events[:index] for text in _texts(event)}
    after = {folded(text) for event in events[index:until] for text in _texts(event)}
    for message in call.messages:
        text, role = message_text(message), str(message["role"])
        known = folded(text)
        whose, sentence = _leak(known, own, others)
        origin: Origin = "added"
        if role in _INSTRUCTIONS and known and known in own:
            origin = "own"
        elif whose:
            origin = "leaked"
        elif known in before or _is_call(message, before):
            origin = "carried"
        elif known in after:
            origin = "later"
        yield ReceivedMessage(role=role, text=text, origin=origin, whose=whose, sentence=sentence)


def _instructions(
    events: Sequence[Event], call: ModelCall, index: int
) -> tuple[str, Mapping[str, list[str]]]:
    """The agent's own instructions, folded, and the sentences of those that had the call before."""
    own: list[str] = []
    others: dict[str, list[str]] = {}
    for place, event in enumerate(events):
        if isinstance(event, AgentConfigUpdate) and event.agent and event.instructions:
            if event.agent.label == call.agent.label:
                own.append(folded(event.instructions))
            elif place < index:
                others.setdefault(event.agent.label, []).append(event.instructions)
    first = next((each for each in call.messages if each["role"] in _INSTRUCTIONS), None)
    if not own and first is not None:
        own.append(folded(message_text(first)))
    return "\n".join(own), {
        label: [folded(each) for each in identifying_sentences(texts)]
        for label, texts in others.items()
    }


def _leak(text: str, own: str, others: Mapping[str, list[str]]) -> tuple[str, str]:
    for label, sentences in others.items():
        for sentence in sentences:
            if sentence in text and sentence not in own:
                return label, sentence
    return "", ""


def _lost(before: Sequence[Event], call: ModelCall) -> Iterator[int]:
    received = folded(call.received_text)
    for index, event in enumerate(before):
        texts = [folded(text) for text in _texts(event) if text.strip()]
        if texts and not any(text in received for text in texts):
            yield index


def _is_call(message: Mapping[str, Any], before: set[str]) -> bool:
    """Whether a message is of tool calls only, all of which were made before."""
    made = message.get("tool_calls") or ()
    return bool(made) and all(
        folded(f"{each['function']['name']}({each['function']['arguments']})") in before
        for each in made
    )


def _texts(event: Event) -> Iterator[str]:
    match event:
        case Message():
            yield event.text
        case FunctionCall():
            yield f"{event.name}({event.arguments})"
        case FunctionCallOutput():
            yield event.output
