"""One model of one run, as far as a comparison needs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handoff_evals.store.baseline import KeptTrial
from handoff_evals.trial import Trial

ScenarioKey = tuple[str, str]
"""A suite's name and a scenario's label."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A model's results by scenario; unscored trials are left out."""

    name: str
    """Unique in the comparison: the model's label, with its run where several are compared."""
    decisions: Mapping[ScenarioKey, tuple[int, int]]
    """Correct decisions and all decisions on path."""
    trials: Mapping[ScenarioKey, tuple[int, int]]
    """Passed trials and all scored ones."""
    outcomes: Mapping[ScenarioKey, tuple[str, ...]]
    """What the decisions came to, turn by turn, of the first scored trial."""

    def share(self, key: ScenarioKey) -> float | None:
        """The share of correct decisions of a scenario; None where there is none on path."""
        correct, total = self.decisions.get(key, (0, 0))
        return correct / total if total else None


def record(name: str, trials: Iterable[Trial | KeptTrial]) -> Record:
    """Fold a model's trials, of a run or of a baseline; transcripts are let go."""
    decided: dict[ScenarioKey, list[int]] = {}
    tried: dict[ScenarioKey, list[int]] = {}
    outcomes: dict[ScenarioKey, tuple[str, ...]] = {}
    for trial in trials:
        if trial.status == "unscored":
            continue
        key = (trial.key.suite, trial.key.scenario)
        on_path = [each for each in trial.decisions if each.on_path]
        counted = decided.setdefault(key, [0, 0])
        counted[0] += sum(each.outcome == "correct" for each in on_path)
        counted[1] += len(on_path)
        runs = tried.setdefault(key, [0, 0])
        runs[0] += trial.status == "passed"
        runs[1] += 1
        outcomes.setdefault(
            key, tuple(f"turn {each.turn}: {each.outcome}" for each in trial.decisions)
        )
    return Record(
        name=name,
        decisions={key: (correct, total) for key, (correct, total) in decided.items()},
        trials={key: (passed, total) for key, (passed, total) in tried.items()},
        outcomes=outcomes,
    )
