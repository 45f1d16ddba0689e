"""The trials of two sides, paired by scenario and number, and what is compared of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from handoff_evals.checks import Decision
from handoff_evals.comparison.flips import paired_decisions
from handoff_evals.results import TrialResult
from handoff_evals.stats import Outcome, TrialPairs, identical_trials

ScenarioKey = tuple[str, str]
"""A suite's name and a scenario's label."""


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
            key = trial.key.suite, trial.key.scenario
            found.setdefault(key, []).append((trial, other))
    return tuple(
        ScenarioPair(suite=suite, scenario=scenario, trials=tuple(trials))
        for (suite, scenario), trials in found.items()
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
