"""All handoff decisions of a conversation: those of its turns, and those of the whole of it.

A whole conversation has a decision for each hop that its path requires, and one for where it
ends. The turn in which a hop falls is no matter: late, or two in one turn, it is correct with a
note. Only one that the scenario says to be due in a later turn is premature. What the path does
not have is named as in a turn: *bounced* where the turn ended on the right agent all the same,
*spurious* where the caller was left on another one.

Where the agent ends the call early, hops that were not made are *unreached*, and so is the last
hop of the path: nobody knows where the rest would have led.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import groupby

from handoff_evals.checks.decisions import (
    UNREACHED,
    Decision,
    Outcome,
    announces_transfer,
    turn_decisions,
)
from handoff_evals.checks.scoring import last_turn
from handoff_evals.checks.way import (
    MadeHop,
    aligned,
    as_it_came,
    first_agent,
    first_not_over,
    moves_of,
    said_from,
    took_place,
)
from handoff_evals.scenarios import ExpectedPath, Hop, Scenario, Target
from handoff_evals.transcript import AgentRef, Transcript


def decisions(scenario: Scenario, transcript: Transcript) -> tuple[Decision, ...]:
    """Judge every turn with an expected agent, every hop of the path, and where the call ends.

    What was not reached is a decision too, unless the conversation is unscored: then it is
    nobody's doing, and only what took place is judged. Who asks twice in a row for the same
    conversation, as a trial and its handoff check do, gets the same tuple.
    """
    return _decided(_Conversation(scenario, transcript))


class _Conversation:
    """A scenario and a transcript, the same only as the same objects: comparing reads it all."""

    def __init__(self, scenario: Scenario, transcript: Transcript) -> None:
        self.scenario, self.transcript = scenario, transcript

    def __hash__(self) -> int:
        return hash((id(self.scenario), id(self.transcript)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Conversation)
            and self.scenario is other.scenario
            and self.transcript is other.transcript
        )


@lru_cache(maxsize=1)
def _decided(conversation: _Conversation) -> tuple[Decision, ...]:
    scenario, transcript = conversation.scenario, conversation.transcript
    return (
        *turn_decisions(scenario, transcript),
        *_path_decisions(scenario, transcript),
        *_final_decision(scenario, transcript),
    )


def _path_decisions(scenario: Scenario, transcript: Transcript) -> Iterator[Decision]:
    path, start = scenario.conversation.path, first_agent(transcript)
    scored = transcript.unscored_because is None
    if path is None or (start is None and not scored):
        return
    way = _Way(
        scenario=scenario,
        transcript=transcript,
        path=as_it_came(path, moves_of(transcript)) if path.any_order else path,
        start=start or AgentRef(id="nobody"),
    )
    required = [index for index, hop in enumerate(path.hops) if not hop.optional]
    for number, index in enumerate(required, 1):
        if scored or way.made_by[index] is not None:
            yield way.decision(index, number, last=index == required[-1])
    if not required and (scored or way.is_whole):
        yield way.stays()


@dataclass(frozen=True, kw_only=True)
class _Way:
    """The way that a call took, beside the path that it should have taken."""

    scenario: Scenario
    transcript: Transcript
    path: ExpectedPath
    start: AgentRef

    @cached_property
    def moves(self) -> tuple[MadeHop, ...]:
        return moves_of(self.transcript)

    @cached_property
    def made_by(self) -> tuple[int | None, ...]:
        """By which move each hop was made."""
        return aligned(self.path.hops, self.moves)

    @cached_property
    def is_whole(self) -> bool:
        return took_place(self.scenario, self.transcript)

    def decision(self, index: int, number: int, *, last: bool) -> Decision:
        """Judge one required hop; the last one also answers for what came after it."""
        hop, at = self.path.hops[index], self.made_by[index]
        decided = Decision(
            turn=0,
            expected=hop.label,
            actual=UNREACHED,
            outcome="unreached",
            on_path=True,
            place=f"hop {number}",
        )
        scored = self.transcript.unscored_because is None
        if not self.is_whole and scored and (at is None or last):
            turn = first_not_over(self.transcript)
            return replace(decided, turn=turn, start=self._holder(index).label)
        earlier = [
            self.made_by[i]
            for i, before in enumerate(self.path.hops[:index])
            if not before.optional
        ]
        on_path = None not in earlier
        if at is None:
            return self._not_made(replace(decided, on_path=on_path), index)
        return self._made(replace(decided, on_path=on_path), index, at, last=last)

    def _made(self, decided: Decision, index: int, at: int, *, last: bool) -> Decision:
        hop, move = self.path.hops[index], self.moves[at]
        expected = _label(hop, move.new)
        decided = replace(
            decided, turn=move.turn, expected=expected, actual=expected, start=move.old.label
        )
        if self._is_premature(index):
            before = self._holder(index).label
            return replace(
                decided,
                expected=before,
                outcome="spurious",
                premature=True,
                note=f"premature: {expected} is due in turn {hop.turn}",
            )
        if not self.path.in_order:
            detours = [self._detour(self._since_last(index), self._holder(index), index)]
            if last:
                end = max(made for made in self.made_by if made is not None)
                detours.append(self._detour(self.moves[end + 1 :], self.moves[end].new, index))
            for found in filter(None, detours):
                return found.named(decided)
            old = hop.old or (self.path.start if index == 0 else None)
            if old is not None and not move.is_from(old):
                note = f"it came from {move.old.label} instead of {old.label}"
                return replace(decided, outcome="bounced", note=note)
        return replace(decided, outcome="correct", note=self._timing(index, at))

    def _not_made(self, decided: Decision, index: int) -> Decision:
        """A hop that never came, in a conversation that took place."""
        holder = self._holder(index)
        strayed = [move for move in self._since_last(index) if move.counts]
        end = self.transcript.turns[-1].active
        turn = len(self.transcript.turns) - 1
        due = self.path.hops[index].turn
        decided = replace(
            decided,
            turn=turn if due is None else min(due, turn),
            actual=end.label,
            start=holder.label,
            outcome="missed",
        )
        if not decided.on_path:
            return decided
        if strayed and not _same(strayed[-1].new, holder):
            led = strayed[-1]
            return replace(
                decided,
                outcome="wrong",
                turn=led.turn,
                actual=led.new.label,
                note=self._too_early(led.new, index),
            )
        since = self._previous(index)
        first = self.moves[since].turn if since is not None else 0
        if end == holder and announces_transfer(said_from(self.transcript, first)):
            return replace(decided, outcome="phantom")
        skipped = any(at is not None for at in self.made_by[index + 1 :])
        return replace(decided, note="the call went on without it" if skipped else "")

    def stays(self) -> Decision:
        """Judge a path on which nothing has to happen: what happened besides is too much."""
        label = self.start.label
        decided = Decision(
            turn=last_turn(self.scenario, self.transcript),
            expected=label,
            actual=label,
            outcome="correct",
            on_path=True,
            place="path",
            start=label,
        )
        if not self.is_whole:
            turn = first_not_over(self.transcript)
            return replace(decided, outcome="unreached", actual=UNREACHED, turn=turn)
        made = [at for at in self.made_by if at is not None]
        holder = self.moves[made[-1]].new if made else self.start
        strays = [each for at, each in enumerate(self.moves) if at not in made]
        found = self._detour(strays, holder, len(self.path.hops))
        return decided if found is None else found.named(decided)

    def _previous(self, index: int) -> int | None:
        """The move that made the nearest hop before this one."""
        return next((at for at in reversed(self.made_by[:index]) if at is not None), None)

    def _holder(self, index: int) -> AgentRef:
        """Who should have the call before a hop: where the last one led that was made."""
        previous = self._previous(index)
        return self.start if previous is None else self.moves[previous].new

    def _since_last(self, index: int) -> Sequence[MadeHop]:
        """What happened between a hop and the last one that was made before it."""
        previous, at = self._previous(index), self.made_by[index]
        later = (each for each in self.made_by[index:] if each is not None)
        begin = 0 if previous is None else previous + 1
        return self.moves[begin : next(later, None) if at is None else at]

    def _detour(self, strays: Sequence[MadeHop], holder: AgentRef, index: int) -> "_Detour | None":
        """What moves that the path does not have come to, while `holder` should have the call."""
        strays = [move for move in strays if move.counts]
        if not strays:
            return None
        ends = {
            move.turn: move
            for at, move in enumerate(self.moves)
            if move.counts or at in self.made_by
        }
        for turn, moves in groupby(strays, key=lambda move: move.turn):
            led = list(moves)[-1]
            if ends[turn] is led and not _same(led.new, holder):
                back = next((move.turn for move in self.moves if move.turn > turn), None)
                return _Detour(
                    outcome="spurious",
                    turn=turn,
                    led=led,
                    note=self._too_early(led.new, index),
                    recovered_after=back - turn if back is not None else None,
                )
        by = dict.fromkeys(
            move.new.label for move in strays if not _same(move.new, holder)
        ) or dict.fromkeys(move.new.label for move in strays)
        return _Detour(
            outcome="bounced",
            turn=strays[0].turn,
            led=strays[-1],
            note=f"by way of {', '.join(by)}",
        )

    def _too_early(self, agent: AgentRef, index: int) -> str:
        later = self.path.hops[index + 1 :]
        if any(hop.target_of(agent) for hop in later):
            return f"premature: {agent.label} is expected later"
        return ""

    def _is_premature(self, index: int) -> bool:
        """Whether a hop came before the turn in which it is due.

        A chain is not: with the hop before it in its own turn, the call had come so far.
        """
        hop, at = self.path.hops[index], self.made_by[index]
        if hop.turn is None or at is None or self.moves[at].turn >= hop.turn:
            return False
        before = index - 1
        while before >= 0 and self.made_by[before] is None:
            before -= 1
        chained = before >= 0 and self._turn_of(before) == self.moves[at].turn
        return not chained or self._is_premature(before)

    def _turn_of(self, index: int) -> int | None:
        at = self.made_by[index]
        return None if at is None else self.moves[at].turn

    def _timing(self, index: int, at: int) -> str:
        """When it came, where that is worth a word."""
        hop, turn = self.path.hops[index], self.moves[at].turn
        if hop.turn is not None and turn > hop.turn:
            late = turn - hop.turn
            return f"{late} turn{'s' if late > 1 else ''} late: in turn {turn}"
        previous = self._previous(index)
        if previous is not None and self.moves[previous].turn == turn:
            return f"with the hop before it in turn {turn}"
        return ""


@dataclass(frozen=True, kw_only=True)
class _Detour:
    """Hops that the path does not have."""

    outcome: Outcome
    turn: int
    led: MadeHop
    note: str
    recovered_after: int | None = None

    def named(self, decided: Decision) -> Decision:
        """The decision that answers for them."""
        spurious = self.outcome == "spurious"
        return replace(
            decided,
            outcome=self.outcome,
            turn=self.turn if spurious else decided.turn,
            actual=self.led.new.label if spurious else decided.actual,
            premature=spurious and bool(self.note),
            recovered_after=self.recovered_after,
            note=self.note or f"by way of {self.led.new.label}",
        )


def _final_decision(scenario: Scenario, transcript: Transcript) -> Iterator[Decision]:
    """Judge where the call ends, however it got there."""
    expected = scenario.conversation.final
    if expected is None:
        return
    start, whole = first_agent(transcript), took_place(scenario, transcript)
    decided = Decision(
        turn=last_turn(scenario, transcript),
        expected=expected.label,
        actual=UNREACHED,
        outcome="unreached",
        on_path=True,
        place="final",
        start=start.label if start else "",
    )
    if not whole or start is None:
        if transcript.unscored_because is None:
            yield replace(decided, turn=first_not_over(transcript))
        return
    end = transcript.turns[-1].active
    way = [move.new.label for move in moves_of(transcript) if move.counts]
    if expected.matches(end):
        note = f"by way of {', '.join(way[:-1])}" if len(way) > 1 else ""
        yield replace(decided, outcome="correct", actual=expected.label, note=note)
        return
    outcome: Outcome = "phantom" if announces_transfer(said_from(transcript, 0)) else "missed"
    if way:
        outcome = "spurious" if expected.matches(start) else "wrong"
    yield replace(decided, outcome=outcome, actual=end.label)


def _label(hop: Hop, agent: AgentRef) -> str:
    target: Target | None = hop.target_of(agent)
    return hop.label if target is None else target.label


def _same(a: AgentRef, b: AgentRef) -> bool:
    return a.label == b.label
