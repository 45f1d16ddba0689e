"""Whether a fact was handed on to an agent, and is not only a part of its own texts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from handoff_evals.checks.scoring import Score, check, reached
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import (
    AgentHandoff,
    AgentRef,
    FactTexts,
    FunctionCall,
    FunctionCallOutput,
    Message,
    ModelCall,
    Transcript,
    folded,
    message_text,
)

NOT_ASKED = "model_not_asked"
"""The cause where an agent's model got no request, so that nothing shows what it was told."""
UNCLEAR = "carries_unclear"
"""The cause where a fact may be a word of the agent's own, or may have come from the call."""


@check("carries")
def context_is_carried(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """The agent that is active after the turn was told the facts by what its model received."""
    for index, scripted, turn in reached(scenario, transcript):
        target = scripted.expect.agent
        for fact in scripted.expect.carries:
            score = carried(transcript, index, fact)
            if target is not None and not target.matches(turn.active):
                score = Score(status="failed", reason=f"{target.label} was not reached")
            yield Score(
                status=score.status,
                reason=score.reason,
                cause=score.cause,
                turn=index,
                events=tuple(
                    position
                    for position, event in transcript.indexed(index)
                    if isinstance(event, AgentHandoff)
                ),
            )


@check("carries_at_handoff")
def context_is_carried_to(scenario: Scenario, transcript: Transcript) -> Iterator[Score]:
    """Each time that an agent takes the call which must have been told something, it was told."""
    for each in scenario.conversation.carries:
        turns = [
            index
            for index, turn in enumerate(transcript.turns)
            if each.to.matches(turn.active)
            and any(move.old is not None and each.to.matches(move.new) for move in turn.handoffs)
        ]
        for fact in each.facts:
            yield from (replace(carried(transcript, turn, fact), turn=turn) for turn in turns)
            if not turns:
                yield Score(status="failed", reason=f"{each.to.label} never took the call")


def carried(transcript: Transcript, turn: int, fact: str) -> Score:
    """Look for `fact` in the first request of the turn's last agent.

    An agent that greets by a fixed sentence asks its model only in the next turn; what the
    caller says in that turn is no carried context and is left out. So is what stands in the
    agent's own texts whoever calls: its instructions, its greeting.
    """
    asked, call = _first_request(transcript, turn)
    agent = transcript.turns[turn].active.label
    if call is None:
        return Score(
            status="unscored",
            cause=NOT_ASKED,
            reason=f"{agent}'s model was not asked after that, so nothing shows that it got "
            f"{fact!r}: let the caller say one thing more, or leave `carries` out",
        )
    wanted = folded(fact)
    before, own = _received(transcript, turn, call, until=asked)
    if any(wanted in each for each in before):
        return _passed(agent, fact, "what was said and done before")
    facts = transcript.turns[turn].facts
    found = {found for each in own for found in _origins(each, wanted, facts)}
    if "call" in found:
        return _passed(agent, fact, "texts that were made in this call")
    if "unclear" in found:
        return _unclear(agent, fact, looked=wanted in facts.asked)
    if "own" in found:
        reason = f"{fact!r} stands in {agent}'s own texts whoever calls; it was not handed on"
        return Score(status="failed", reason=reason)
    return Score(status="failed", reason=f"{agent}'s model received nothing with {fact!r}")


def _passed(agent: str, fact: str, where: str) -> Score:
    return Score(status="passed", reason=f"{agent}'s model received {fact!r} in {where}")


def _unclear(agent: str, fact: str, *, looked: bool) -> Score:
    why = (
        "it may be a word of the agent's own, whoever calls: choose a fact that stands nowhere "
        "in its code and files"
        if looked
        else "nobody looked whether it would in any call: run the conversation with this scenario"
    )
    reason = f"{agent}'s model received {fact!r}, but {why}"
    return Score(status="unscored", cause=UNCLEAR, reason=reason)


def first_request(transcript: Transcript, turn: int) -> ModelCall | None:
    """The first request of the agent that is active after `turn`, once it had taken over."""
    return _first_request(transcript, turn)[1]


def _first_request(transcript: Transcript, turn: int) -> tuple[int, ModelCall | None]:
    """The request, and the turn in which it was made."""
    active = transcript.turns[turn].active
    for index, current in enumerate(transcript.turns[turn:], turn):
        kinds = [move.kind for move in current.handoffs]
        first, last = 0, kinds.index("handoff") if "handoff" in kinds else len(kinds)
        if index == turn:
            first = _arrived(current.handoffs, active)
            last = len(kinds)
        for call in current.model_calls:
            # By the id: what else is known of an agent may have changed since. Who else has
            # the same id took the call by a handoff.
            mine = call.agent.id == active.id and first <= call.after_handoffs <= last
            if mine and call.purpose == "reply" and not call.unused:
                return index, call
        if index > turn and last < len(kinds):
            break
    return turn, None


def _arrived(moves: Sequence[AgentHandoff], active: AgentRef) -> int:
    """After how many of a turn's handoffs the agent that is active then had the call for good.

    It may have awaited tasks since.
    """
    took = [
        number
        for number, move in enumerate(moves, 1)
        if move.new.id == active.id and move.kind != "return"
    ]
    return took[-1] if took else len(moves)


def _received(
    transcript: Transcript, turn: int, call: ModelCall, *, until: int
) -> tuple[Sequence[str], Sequence[str]]:
    """What the request held of the conversation before, and all else but later words.

    Texts are folded. All else is the agent's instructions and what it said and added itself.
    """
    known = {folded(text) for event in _before(transcript, turn) for text in _texts(event)}
    later = Counter(folded(each.user or "") for each in transcript.turns[turn + 1 : until + 1])
    before: list[str] = []
    own: list[str] = []
    for message in reversed(call.messages):
        text = folded(message_text(message))
        if message["role"] == "user" and later[text]:
            later[text] -= 1
        elif message["role"] not in {"system", "developer"} and text in known:
            before.append(text)
        else:
            own.append(text)
    return before, own


def _before(transcript: Transcript, turn: int) -> Iterator[object]:
    """The events before the turn's last agent took the call; of its own turn what it was told."""
    active = transcript.turns[turn].active
    took = max(
        (
            position
            for number in range(turn + 1)
            for position, event in transcript.indexed(number)
            if isinstance(event, AgentHandoff)
            and event.new.id == active.id
            and event.kind != "return"
        ),
        default=0,
    )
    until = sum(len(each.events) for each in transcript.turns[: turn + 1])
    for position, event in enumerate(transcript.events[:until]):
        greeting = isinstance(event, Message) and event.role != "user"
        if position < took or not greeting:
            yield event


def _texts(event: object) -> Iterator[str]:
    match event:
        case Message():
            yield event.text
        case FunctionCall():
            yield f"{event.name}({event.arguments})"
        case FunctionCallOutput():
            yield event.output


def _origins(text: str, fact: str, facts: FactTexts) -> Iterator[str]:
    """Where each mention of a fact comes from: `call`, `own` or `unclear`."""
    own, given = (
        [(at, at + len(each)) for each in texts if each != fact for at in _places(text, each)]
        for texts in (facts.own, facts.given)
    )
    for start in _places(text, fact):
        end = start + len(fact)
        if any(left <= start and end <= right for left, right in given):
            yield "call"
        elif any(left <= start and end <= right for left, right in own):
            yield "own"
        else:
            yield "unclear" if fact in facts.own or fact not in facts.asked else "call"


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
