"""The decisions that came out differently on the two sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from handoff_evals.checks import Decision
from handoff_evals.results import PairKey, TrialResult

Way = Literal["worse", "better", "other"]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """One turn of one pair of trials."""

    place: PairKey
    turn: int | None
    edge: str | None
    """None where it is another check than the handoff that flipped."""
    what: str
    """`handoff`, or the name of the check."""
    a: str
    b: str
    """What it came to on each side."""
    way: Way


def flips(a: TrialResult, b: TrialResult) -> Iterator[Flip]:
    """What came out differently in a pair of scored trials.

    Decisions that follow from an earlier miss on one side are left out. Where no decision
    flipped and still only one side passes, it is the first check that did.
    """
    found = list(_decisions(a, b))
    yield from found
    if not found and a.status != b.status:
        yield from _checks(a, b)


def paired(a: TrialResult, b: TrialResult) -> Iterator[tuple[str, Decision, Decision]]:
    """The decisions that both sides took on path, with the edge that each is about.

    An edge leads from the agent that has the call before the turn to the one that should
    have it after.
    """
    other = {each.turn: each for each in b.decisions}
    for one in a.decisions:
        two = other.get(one.turn)
        if two is not None and one.on_path and two.on_path:
            start = a.starts.get(one.turn) or b.starts.get(one.turn) or "?"
            edge = f"{start} stays" if start == one.expected else f"{start} -> {one.expected}"
            yield edge, one, two


def _decisions(a: TrialResult, b: TrialResult) -> Iterator[Flip]:
    for edge, one, two in paired(a, b):
        if (one.outcome, one.actual) != (two.outcome, two.actual):
            yield Flip(
                place=a.place,
                turn=one.turn,
                edge=edge,
                what="handoff",
                a=_outcome(one),
                b=_outcome(two),
                way=_way(a=one.outcome == "correct", b=two.outcome == "correct"),
            )


def _outcome(decision: Decision) -> str:
    went = decision.outcome in {"wrong", "spurious"}
    return f"{decision.outcome} ({decision.actual})" if went else decision.outcome


def _checks(a: TrialResult, b: TrialResult) -> Iterator[Flip]:
    only = sorted(a.failed ^ b.failed, key=lambda check: (check[1] is None, check[1], check[0]))
    for name, turn in only[:1]:
        failed_b = (name, turn) in b.failed
        yield Flip(
            place=a.place,
            turn=turn,
            edge=None,
            what=name,
            a="passed" if failed_b else "failed",
            b="failed" if failed_b else "passed",
            way="worse" if failed_b else "better",
        )


def _way(*, a: bool, b: bool) -> Way:
    if a == b:
        return "other"
    return "worse" if a else "better"
