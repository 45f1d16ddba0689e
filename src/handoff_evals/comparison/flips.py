"""What came out differently in two trials of one scenario."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from handoff_evals.checks import Decision
from handoff_evals.results import PairKey, TrialResult

Way = Literal["worse", "better", "other"]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """One turn, or one check, of one pair of trials."""

    place: PairKey
    turn: int | None
    """None where it is about the whole conversation."""
    what: str
    """`handoff`, or the name of the check."""
    a: str
    b: str
    """What it came to on each side; `-` where the turn was not reached."""
    way: Way
    """From one mistake to another is neither worse nor better."""
    edge: str | None = None
    """From the agent that has the call before the turn to the one that should after it; None
    where it is no decision, or nobody knows the first."""
    expected: str = ""
    """The agent that should be active; empty where it is no decision."""
    actual: str = ""
    """The agent that is active on side b."""
    cascaded: bool = False
    """Whether it started on a wrong agent already, because of an earlier decision."""


def flips(a: TrialResult, b: TrialResult) -> Iterator[Flip]:
    """What came out differently in a pair of scored trials, decisions first.

    Checks are `passed` where they did not fail; `leading` leaves out what follows from others.
    """
    before = {each.turn: each for each in a.decisions}
    after = {each.turn: each for each in b.decisions}
    for turn in sorted({*before, *after}):
        one, other = before.get(turn), after.get(turn)
        if _came(one) != _came(other):
            yield _decision_flip(a, b, turn)
    for name, turn in sorted(
        a.failed ^ b.failed, key=lambda check: (check[1] is None, check[1] or 0, check[0])
    ):
        failed = (name, turn) in b.failed
        yield Flip(
            place=b.place,
            turn=turn,
            what=name,
            a="passed" if failed else "failed",
            b="failed" if failed else "passed",
            way="worse" if failed else "better",
        )


def leading(found: Iterable[Flip]) -> tuple[Flip, ...]:
    """The flips without what follows from others, the worse ones first.

    A check that flips along with the decision of its turn follows from it, and so does a
    cascaded decision, where an earlier one of its trial flipped the same way.
    """
    listed = list(found)
    decisions = [flip for flip in listed if flip.what == "handoff"]
    decided = {(flip.place, flip.turn, flip.way) for flip in decisions}
    began = {(flip.place, flip.way) for flip in decisions if not flip.cascaded}
    kept = [
        flip
        for flip in listed
        if (
            not (flip.cascaded and (flip.place, flip.way) in began)
            if flip.what == "handoff"
            else (flip.place, flip.turn, flip.way) not in decided
        )
    ]
    return tuple(sorted(kept, key=lambda flip: ("worse", "other", "better").index(flip.way)))


def edges(a: TrialResult, b: TrialResult) -> Iterator[tuple[str, Decision, Decision]]:
    """The decisions that both sides took on path, with the edge that each is about."""
    other = {each.turn: each for each in b.decisions}
    for one in a.decisions:
        two = other.get(one.turn)
        if two is not None and one.on_path and two.on_path:
            yield _edge(a, b, one) or f"? -> {one.expected}", one, two


def _edge(a: TrialResult, b: TrialResult, decision: Decision) -> str | None:
    start = a.starts.get(decision.turn) or b.starts.get(decision.turn)
    if start is None:
        return None
    return f"{start} stays" if start == decision.expected else f"{start} -> {decision.expected}"


def _decision_flip(a: TrialResult, b: TrialResult, turn: int) -> Flip:
    one = next((each for each in a.decisions if each.turn == turn), None)
    other = next((each for each in b.decisions if each.turn == turn), None)
    some = other or one
    assert some is not None  # noqa: S101 - one of the two has the turn
    right_a, right_b = (each is not None and each.outcome == "correct" for each in (one, other))
    way: Way = "other" if right_a == right_b else "worse" if right_a else "better"
    return Flip(
        place=b.place,
        turn=turn,
        what="handoff",
        a=_outcome(one),
        b=_outcome(other),
        way=way,
        edge=_edge(a, b, some),
        expected=some.expected,
        actual=other.actual if other else "",
        cascaded=any(each is not None and not each.on_path for each in (one, other)),
    )


def _outcome(decision: Decision | None) -> str:
    if decision is None:
        return "-"
    went = decision.outcome in {"wrong", "spurious"}
    return f"{decision.outcome} ({decision.actual})" if went else decision.outcome


def _came(decision: Decision | None) -> tuple[str, str] | None:
    return None if decision is None else (decision.outcome, decision.actual)
