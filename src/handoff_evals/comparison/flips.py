"""What came out differently in two trials of the same scenario."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from handoff_evals.checks import Decision
from handoff_evals.results import FailedCheck, TrialKey, TrialResult

Direction = Literal["worse", "better", "other"]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A decision, or another check, that came out differently in `b` than in `a`."""

    key: TrialKey
    """Of the trial on side b."""
    turn: int | None
    """None where the check is of the whole call."""
    check: str
    """`handoff`, or the check's name."""
    a: str
    """The outcome, or `passed` or `failed`; `-` where the turn was not reached."""
    b: str
    expected: str = ""
    """The agent that should be active; empty where it is no decision."""
    actual: str = ""
    """The agent that is active in `b`."""
    actual_a: str = ""
    """The agent that was active in `a`."""
    edge: str = ""
    """`old -> new`, or `old stays`; empty where nobody knows who had the call before."""
    cascaded: bool = False
    """On a side it started on a wrong agent already, because of an earlier decision."""

    @property
    def direction(self) -> Direction:
        """Where it went; from one mistake to another is neither."""
        right = ("correct", "passed")
        if self.a in right and self.b not in right:
            return "worse"
        return "better" if self.b in right and self.a not in right else "other"


def flips(a: TrialResult, b: TrialResult) -> Iterator[Flip]:
    """What came out differently in a pair of scored trials."""
    before = {each.turn: each for each in a.decisions}
    after = {each.turn: each for each in b.decisions}
    for turn in sorted({*before, *after}):
        one, other = before.get(turn), after.get(turn)
        if _came_to(one) != _came_to(other):
            some = other or one
            yield Flip(
                key=b.key,
                turn=turn,
                check="handoff",
                a=one.outcome if one else "-",
                b=other.outcome if other else "-",
                expected=some.expected if some else "",
                actual=other.actual if other else "",
                actual_a=one.actual if one else "",
                edge=_edge(a, b, some) if some else "",
                cascaded=not all(each.on_path for each in (one, other) if each),
            )
    failed_a, failed_b = Counter(a.failed), Counter(b.failed)
    yield from (_flip(each, b.key, failed=True) for each in (failed_b - failed_a).elements())
    yield from (_flip(each, b.key, failed=False) for each in (failed_a - failed_b).elements())


def leading(found: Iterable[Flip]) -> tuple[Flip, ...]:
    """The flips without what follows from others, the worse ones first.

    A check that flips along with the decision of its turn follows from it, and so does a
    cascaded decision, where an earlier one of its trial flipped the same way.
    """
    listed = list(found)
    decisions = [flip for flip in listed if flip.check == "handoff"]
    decided = {(flip.key, flip.turn, flip.direction) for flip in decisions}
    began = {(flip.key, flip.direction) for flip in decisions if not flip.cascaded}
    kept = [
        flip
        for flip in listed
        if (
            not (flip.cascaded and (flip.key, flip.direction) in began)
            if flip.check == "handoff"
            else (flip.key, flip.turn, flip.direction) not in decided
        )
    ]
    return tuple(sorted(kept, key=lambda flip: ("worse", "other", "better").index(flip.direction)))


def paired_decisions(a: TrialResult, b: TrialResult) -> Iterator[tuple[str, Decision, Decision]]:
    """The decisions that both sides took on path, with the edge that each is about.

    An edge leads from the agent that has the call before the turn to the one that should
    have it after.
    """
    other = {each.turn: each for each in b.decisions}
    for one in a.decisions:
        two = other.get(one.turn)
        if two is not None and one.on_path and two.on_path:
            yield _edge(a, b, one) or f"? -> {one.expected}", one, two


def _edge(a: TrialResult, b: TrialResult, decision: Decision) -> str:
    start = a.starts.get(decision.turn) or b.starts.get(decision.turn)
    if not start:
        return ""
    expected = decision.expected
    return f"{start} stays" if start == expected else f"{start} -> {expected}"


def _came_to(decision: Decision | None) -> tuple[str, str] | None:
    return None if decision is None else (decision.outcome, decision.actual)


def _flip(check: FailedCheck, key: TrialKey, *, failed: bool) -> Flip:
    a, b = ("passed", "failed") if failed else ("failed", "passed")
    return Flip(key=key, turn=check.turn, check=check.check, a=a, b=b)
