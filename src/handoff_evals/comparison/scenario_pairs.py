"""The trials of two sides, paired by scenario and number, and what is compared of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from handoff_evals.checks import Decision
from handoff_evals.results import FailedCheck, ScenarioKey, TrialKey, TrialResult
from handoff_evals.stats import Outcome, TrialPairs, identical_trials


@dataclass(frozen=True, kw_only=True)
class ScenarioPair:
    """One scenario on both sides: trials of the same number are a pair."""

    suite: str
    scenario: str
    trials: tuple[tuple[TrialResult, TrialResult], ...]
    """At least one."""

    @property
    def passed(self) -> TrialPairs:
        """Whether everything came out as expected."""
        return self._each(lambda trial: trial.status == "passed")

    @property
    def handed_over(self) -> TrialPairs:
        """Whether every handoff decision was correct."""
        expected = self.expected
        return self._each(lambda trial: sum(map(_right, trial.decisions)) == expected)

    @property
    def expected(self) -> int:
        """Decisions that a whole conversation takes: as many as any trial came to."""
        return max(len(trial.decisions) for pair in self.trials for trial in pair)

    @property
    def checks(self) -> frozenset[str]:
        """The checks other than handoffs that failed in any trial."""
        return frozenset(
            each.check for pair in self.trials for trial in pair for each in trial.failed
        )

    def check(self, name: str) -> TrialPairs:
        """Whether a check never failed; one that was not made has not failed."""
        return self._each(lambda trial: all(each.check != name for each in trial.failed))

    @property
    def edges(self) -> Mapping[str, TrialPairs]:
        """Whether all decisions on an edge were correct, by edge.

        Only where both sides were on their path; a pair of trials with none of the edge is
        left out.
        """
        found: dict[str, list[tuple[bool, bool]]] = {}
        for a, b in self.trials:
            if a.scored and b.scored:
                for edge, one, other in paired_decisions(a, b):
                    both = one.outcome == "correct", other.outcome == "correct"
                    found.setdefault(edge, []).append(both)
        return {
            edge: TrialPairs(a=tuple(a for a, _ in pairs), b=tuple(b for _, b in pairs))
            for edge, pairs in found.items()
        }

    def decisions(
        self, *, on_path: bool, missing: tuple[float, float] | None = None
    ) -> float | None:
        """The share of correct decisions, that of side b minus that of side a.

        Args:
            on_path: Of the decisions on path only, instead of all that are expected.
            missing: The shares of unscored trials of a and of b; they are left out without.

        Returns:
            None where a side has no such decision.
        """
        shares: tuple[list[float], list[float]] = ([], [])
        for pair in self.trials:
            for side, trial in enumerate(pair):
                found = [each for each in trial.decisions if each.on_path or not on_path]
                total = len(found) if on_path else self.expected
                if trial.scored and total:
                    shares[side].append(sum(map(_right, found)) / total)
                elif missing is not None and not trial.scored:
                    shares[side].append(missing[side])
        a, b = shares
        return fmean(b) - fmean(a) if a and b else None

    def _each(self, right: Callable[[TrialResult], bool]) -> TrialPairs:
        def outcome(trial: TrialResult) -> Outcome:
            return right(trial) if trial.scored else None

        return TrialPairs(
            a=tuple(outcome(a) for a, _ in self.trials),
            b=tuple(outcome(b) for _, b in self.trials),
        )


def pair_up(a: Iterable[TrialResult], b: Iterable[TrialResult]) -> tuple[ScenarioPair, ...]:
    """Pair the trials of two sides; those that only one side has are left out."""
    there = {trial.pair: trial for trial in b}
    found: dict[ScenarioKey, list[tuple[TrialResult, TrialResult]]] = {}
    for trial in sorted(a, key=lambda each: (each.key.suite, each.key.scenario, each.key.number)):
        other = there.get(trial.pair)
        if other is not None:
            key = trial.key.scenario_key
            found.setdefault(key, []).append((trial, other))
    return tuple(
        ScenarioPair(suite=suite, scenario=trials[0][1].key.scenario, trials=tuple(trials))
        for (suite, _), trials in found.items()
    )


def repeats_itself(pairs: Iterable[ScenarioPair]) -> bool:
    """Whether the trials of either side are copies of each other, as at temperature 0.

    By the digests of their transcripts, where these are known.
    """
    listed = list(pairs)
    return any(
        identical_trials(
            [digest for trials in pair.trials if (digest := trials[side].digest)] for pair in listed
        )
        for side in (0, 1)
    )


def _right(decision: Decision) -> bool:
    """Whether the caller got where they should be, and had not been led astray before."""
    return decision.on_path and decision.outcome == "correct"


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
    place: str = ""
    """`hop 2`, `final`: of a decision that is of the whole call and not of a turn."""
    cascaded: bool = False
    """On a side it started on a wrong agent already, because of an earlier decision."""

    @property
    def where(self) -> str:
        """`turn 3`, `hop 2`; empty where it is of the whole call."""
        return self.place or ("" if self.turn is None else f"turn {self.turn}")

    @property
    def direction(self) -> Direction:
        """Where it went; from one mistake to another is neither."""
        right = ("correct", "passed")
        if self.a in right and self.b not in right:
            return "worse"
        return "better" if self.b in right and self.a not in right else "other"


def flips(a: TrialResult, b: TrialResult) -> Iterator[Flip]:
    """What came out differently in a pair of scored trials."""
    before = {each.where: each for each in a.decisions}
    after = {each.where: each for each in b.decisions}
    for where in dict.fromkeys((*before, *after)):
        one, other = before.get(where), after.get(where)
        some = other or one
        if some is not None and _came_to(one) != _came_to(other):
            yield Flip(
                key=b.key,
                turn=some.turn,
                place=some.place,
                check="handoff",
                a=one.outcome if one else "-",
                b=other.outcome if other else "-",
                expected=some.expected,
                actual=other.actual if other else "",
                actual_a=one.actual if one else "",
                edge=_edge(a, b, some),
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
    decided = {(flip.key, flip.turn, flip.direction) for flip in decisions if not flip.place}
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
    other = {each.where: each for each in b.decisions}
    for one in a.decisions:
        two = other.get(one.where)
        if two is not None and one.on_path and two.on_path:
            yield _edge(a, b, one) or f"? -> {one.expected}", one, two


def _edge(a: TrialResult, b: TrialResult, decision: Decision) -> str:
    start = decision.start or a.starts.get(decision.turn) or b.starts.get(decision.turn)
    if not start:
        return ""
    expected = decision.expected
    return f"{start} stays" if start == expected else f"{start} -> {expected}"


def _came_to(decision: Decision | None) -> tuple[str, str] | None:
    return None if decision is None else (decision.outcome, decision.actual)


def _flip(check: FailedCheck, key: TrialKey, *, failed: bool) -> Flip:
    a, b = ("passed", "failed") if failed else ("failed", "passed")
    return Flip(key=key, turn=check.turn, check=check.check, a=a, b=b)
