"""The handoff decisions of the turns of one conversation, and what each came to.

A decision that the agent kept from being made, because it hung, raised, looped or ended the
call, is `unreached`: that is a failure like the others. So is the decision of a turn that a
fault cut off, wherever the caller was by then.

What tells a phantom is deterministic and English: a list of the ways in which agents announce
a transfer. What is only offered, denied or promised for later is none. It errs towards
silence: what it does not know is a plain miss, which is a failure all the same.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from handoff_evals.checks.calls import to_person
from handoff_evals.scenarios import ExpectedHandoff, Scenario, ScriptedTurn, Target
from handoff_evals.transcript import (
    ENDED_CALL,
    AgentHandoff,
    AgentRef,
    FunctionCall,
    FunctionCallOutput,
    Transcript,
    Turn,
)

Outcome = Literal["correct", "missed", "wrong", "spurious", "bounced", "phantom", "unreached"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
UNREACHED = "(unreached)"
"""What stands in the place of the active agent where a decision was not reached."""


def classify(
    *,
    expected: Target,
    start: AgentRef,
    end: AgentRef,
    moves: Sequence[AgentHandoff],
    said: str,
    as_expected: bool = False,
) -> Outcome:
    """Name what happened in a turn that should end with `expected`.

    Args:
        expected: the agent that should be active after the turn.
        start: the agent that was active before it.
        end: the agent that is active after it, as it is then: its attributes may have changed.
        moves: the turn's transfers in order.
        said: what the agents said in the turn, to tell an announced transfer.
        as_expected: whether the turn itself expects these handoffs; then they are no detour.
    """
    should_move = not expected.matches(start)
    if expected.matches(end):
        direct = not moves or (should_move and len(moves) == 1)
        return "correct" if direct or as_expected else "bounced"
    # That an AgentTask came to its end is no handoff to a wrong agent.
    if any(move.kind != "return" for move in moves):
        return "wrong" if should_move else "spurious"
    if moves and not should_move:
        return "spurious"
    return "phantom" if announces_transfer(said) else "missed"


def follows(turn: Turn, path: Sequence[ExpectedHandoff]) -> bool:
    """Whether a turn's handoffs are those of the path, in order.

    Agents that the call only passed by may stand in the path and may be left out.
    """
    joined = tuple((move, False) for move in turn.transfers)
    # The entrance of the first agent is no handoff.
    single = tuple(each for each in turn.passed_by if each[0].old is not None)
    return _is_led(joined, path) or _is_led(single, path)


def _is_led(moves: Sequence[tuple[AgentHandoff, bool]], path: Sequence[ExpectedHandoff]) -> bool:
    """Whether the path has all handoffs, but perhaps for those that are marked."""
    # How many steps of the path were met, and the place of the first handoff after the last one.
    states = {(0, 0)}
    for place, (move, may_miss) in enumerate(moves):
        met_here = {
            (met + 1, place + 1)
            for met, first in states
            if met < len(path) and _is_step(path[met], move, olds=(moves[first][0].old, move.old))
        }
        states = met_here | (states if may_miss else set())
    return any(met == len(path) for met, _ in states)


def _is_step(step: ExpectedHandoff, move: AgentHandoff, olds: Sequence[AgentRef | None]) -> bool:
    return step.new.matches(move.new) and (
        step.old is None or any(old is not None and step.old.matches(old) for old in olds)
    )


_CALL = r"(?:you|(?:your|the|this) call)"
_MATTER = r"(?:this|it|(?:your|the) (?:case|complaint|concern|issue|matter|problem|request))"
_ADVERBS = (
    r"(?:(?:now|just|then|already|gladly|happily|quickly|immediately|personally|right away"
    r"|be|going to|gonna|go ahead and|need to|have to) )*"
)
_SPEAKER = (
    r"(?:(?:i|we)(?:'ll| will| shall|'m| am|'re| are|'ve| have)|(?:i|we) (?:need|have) to"
    r"|let me|let us|let's|allow me to)"
)
# "switch you to a cheaper plan", "send you to our website": that is no colleague.
_THINGS = (
    r"(?:account|address|app|broadband|bundle|contract|e-?mail|fib(?:re|er)|inbox|internet|link"
    r"|network|offer|package|page|paperless|plan|rate|tariff|website|wi-?fi)s?\b"
    r"(?! (?:team|department|desk|people|specialist|support|expert))"
)
_ON = r"(?:now |right |straight |directly |back )*"
# Some verbs say it alone, some only with a word like "over": "hand you the details".
_MOVE = (
    rf"(?:(?:transfer(?:r(?:ing|ed))?|connect(?:ing|ed)?|redirect(?:ing|ed)?) {_CALL}\b"
    r"|(?:forward(?:ing|ed)?|hand(?:ing|ed)?|pass(?:ing|ed)?|rout(?:e|ing|ed)"
    rf"|sen(?:d|ding|t)|switch(?:ing|ed)?) {_CALL} {_ON}"
    r"(?:over|across|along|back|off|on|through|to)\b"
    rf"|(?:put(?:ting)?|get(?:ting)?) {_CALL} {_ON}"
    r"(?:through|over|across|in touch|onto|on to|connected|transferred)\b"
    rf"|escalat(?:e|ing|ed) (?:{_CALL}|{_MATTER})\b)"
    rf"(?!(?: to| with)? (?:\w+ ){{0,3}}{_THINGS})"
)
_MOVED = (
    r"(?:transferred|connected|redirected|forwarded|escalated|put through|handed (?:over|off)"
    r"|passed (?:on|over))\b"
)
_ANNOUNCED = re.compile(
    rf"\b{_SPEAKER} {_ADVERBS}{_MOVE}"
    rf"|(?:^|[,:-]|\b(?:okay|ok|sure|alright|right|great|perfect|thanks|thank you|now|and))\s*"
    rf"(?=\w+ing ){_MOVE}"
    rf"|\bwhile (?:i|we)(?:'m|'re| am| are)? {_ADVERBS}{_MOVE}"
    rf"|\byou(?:'re| are) (?:now |just )?being {_MOVED}"
    rf"|\byou(?:'ll| will) (?:now |soon |shortly )?be {_MOVED}"
    rf"|\byou(?:'ve| have) (?:now |just )?been (?!connected){_MOVED}(?! to (?:me|us)\b)"
    rf"|\b(?:your|the|this) call (?:is (?:now )?being|will (?:now )?be|has (?:now )?been) {_MOVED}"
    r"|\byou(?:'ll| will) (?:now |soon |shortly )?be (?:speaking|talking) (?:to|with)\b"
    r"|(?<!\bi )\b(?:will (?:now )?take|is (?:now )?taking|takes) over\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:would you like|do you want|shall i|shall we|should i|should we)\b"
    r"|(?:^|[,:]\s*|\b(?:and|or) )if\b"
    r"|\bif (?:you(?:'d| would)? (?:agree|like|need|prefer|want|wish)"
    r"|that(?:'s| is) (?:all right|alright|fine|ok|okay)|that works)\b"
    r"|\b(?:before|once|after|until|unless|as soon as|when|whenever)"
    r" (?:i|we|you|that|this|they|it)\b"
    r"|\b(?:later|tomorrow)\b"
    r"|\b(?:isn't|is not|not) (?:possible|necessary|needed)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
# "I can't help with that, but I'll transfer you": each half is judged by itself.
_HALVES = re.compile(r"\s*[;–—]\s*|,?\s+(?:but|so|however|therefore)\b,?\s*", re.IGNORECASE)  # noqa: RUF001


def announces_transfer(said: str) -> bool:
    """Whether some sentence announces a transfer that is taking place."""
    plain = said.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return any(
        _ANNOUNCED.search(half) and not _OPEN.search(half) and not half.endswith("?")
        for sentence in _SENTENCE.findall(plain)
        for half in _HALVES.split(sentence.strip())
    )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A turn with an expected agent or a hop of an expected path, and what came of it."""

    turn: int
    """Index into the transcript's turns; the opening is 0. Of a hop, the turn in which it came."""
    expected: str
    """The expected agent's label, as the confusion matrix names it."""
    actual: str
    """The active agent's label, or `UNREACHED`."""
    outcome: Outcome
    on_path: bool
    """False where it starts on a wrong agent because of an earlier miss: it is shown as
    cascaded, and is no correct one whatever comes of it."""
    premature: bool = False
    """A spurious handoff to an agent that a later turn expects."""
    recovered_after: int | None = None
    """Where this decision went wrong: in how many turns the caller was back on the
    expected path. None when that never happened, or nothing had gone wrong."""
    place: str = ""
    """Of a whole conversation: `hop 2` of its path, or `final`. Empty where it is of a turn."""
    start: str = ""
    """Of a whole conversation: the agent that had the call before."""
    note: str = ""
    """What a reader should know besides, as that a hop came late."""

    @property
    def where(self) -> str:
        """What it is about, in words: `turn 3`, `hop 2`, `final`. Decisions are paired by it."""
        return self.place or f"turn {self.turn}"


def turn_decisions(scenario: Scenario, transcript: Transcript) -> tuple[Decision, ...]:
    """Judge every turn with an expected agent."""
    found: list[Decision] = []
    astray: AgentRef | None = None
    for index, scripted in enumerate(scenario.turns, 1):
        target = scripted.expect.agent
        if target is None:
            continue
        if index >= len(transcript.turns) or undecided(transcript, index):
            if transcript.unscored_because is None:
                found.append(_unreached(index, target))
            continue
        before, turn = transcript.turns[index - 1], transcript.turns[index]
        path = scripted.expect.handoffs
        outcome = classify(
            expected=target,
            start=before.active,
            end=turn.active,
            moves=turn.transfers,
            # A person is no agent: who took the caller to one announced it rightly.
            said="" if to_person(transcript, index) else turn.said,
            as_expected=path is not None and follows(turn, path),
        )
        there = target.matches(turn.active)
        found.append(
            Decision(
                turn=index,
                expected=target.label,
                actual=target.label if there else turn.active.label,
                outcome=outcome,
                on_path=astray is None or astray != before.active,
                premature=outcome == "spurious"
                and _expected_later(turn.active, scenario.turns[index:]),
                recovered_after=None if there else _recovery(scenario, transcript, index),
            )
        )
        astray = None if there else turn.active
    return tuple(found)


def _unreached(turn: int, expected: Target) -> Decision:
    # On path, also where an earlier miss had led the caller elsewhere: else ending the call
    # would cost less than going on.
    return Decision(
        turn=turn, expected=expected.label, actual=UNREACHED, outcome="unreached", on_path=True
    )


def cut_off(transcript: Transcript, turn: int) -> bool:
    """Whether a fault kept that turn from coming to its end.

    A turn in which the agent ends the call comes to its end; those after it do not take place.
    """
    return any(
        fault.ended and fault.turn == turn and fault.cause != ENDED_CALL
        for fault in transcript.faults
    )


def undecided(transcript: Transcript, turn: int) -> bool:
    """Whether a fault kept the turn's decision from being made.

    Also where the conversation goes on, but the agent's code failed before anything was said or
    done: that the caller is where they were is nobody's decision.
    """
    there = transcript.turns[turn]
    failed = any(fault.owner == "agent" and fault.turn == turn for fault in transcript.faults)
    did = (AgentHandoff, FunctionCall, FunctionCallOutput)
    nothing = not there.said.strip() and not any(isinstance(each, did) for each in there.events)
    return cut_off(transcript, turn) or (failed and nothing)


def why_unreached(transcript: Transcript, turn: int) -> str:
    """What kept the decision of a turn from being made, in words."""
    last = len(transcript.turns) - 1
    for fault in transcript.faults:
        if fault.turn == turn and fault.owner == "agent" and not fault.ended and turn <= last:
            detail = f"{fault.cause}: {fault.detail}"
            return f"the agent failed before anything was said or done ({detail})"
    for fault in transcript.faults:
        if fault.cause == ENDED_CALL:
            return fault.detail
        if fault.ended:
            where = _in_turn(fault.turn)
            return f"{fault.cause} in {where} ended the conversation ({fault.detail})"
    return f"the agent ended the call in {_in_turn(last)}"


def _in_turn(number: int) -> str:
    return f"turn {number}" if number > 0 else "the opening"


def _expected_later(agent: AgentRef, later: Sequence[ScriptedTurn]) -> bool:
    return any(turn.expect.agent is not None and turn.expect.agent.matches(agent) for turn in later)


def _recovery(scenario: Scenario, transcript: Transcript, index: int) -> int | None:
    for later in range(index + 1, min(len(scenario.turns) + 1, len(transcript.turns))):
        target = scenario.turns[later - 1].expect.agent
        if cut_off(transcript, later):
            break
        if target is not None and target.matches(transcript.turns[later].active):
            return later - index
    return None


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well one agent was reached; None where there is nothing to divide by."""

    precision: float | None
    """Of the decisions that ended on this agent, the share that should have."""
    recall: float | None
    """Of the decisions that should have ended on it, the share that did."""


def confusion(found: Iterable[Decision]) -> Mapping[str, Mapping[str, int]]:
    """Count `{expected: {actual: n}}` over the decisions on path.

    `UNREACHED` stands among the actual ones; what was on its way there was never decided.
    """
    counted: dict[str, Counter[str]] = {}
    for decision in found:
        if decision.on_path:
            counted.setdefault(decision.expected, Counter())[decision.actual] += 1
    return {expected: dict(row) for expected, row in sorted(counted.items())}


def per_agent(matrix: Mapping[str, Mapping[str, int]]) -> Mapping[str, Quality]:
    """Precision and recall of every agent that was expected or active.

    A decision that was not reached counts against the recall of its agent.
    """
    agents = sorted({*matrix, *(actual for row in matrix.values() for actual in row)} - {UNREACHED})
    return {agent: _quality(agent, matrix) for agent in agents}


def _quality(agent: str, matrix: Mapping[str, Mapping[str, int]]) -> Quality:
    hits = matrix.get(agent, {}).get(agent, 0)
    expected = sum(matrix.get(agent, {}).values())
    actual = sum(row.get(agent, 0) for row in matrix.values())
    return Quality(
        precision=hits / actual if actual else None,
        recall=hits / expected if expected else None,
    )
