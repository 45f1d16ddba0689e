"""Models on the same scenarios: better, worse, or can't tell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

from handoff_evals.errors import UsageError
from handoff_evals.results import Manifest, ModelSummary, RunFolder, TrialResult, summarise
from handoff_evals.stats import (
    Interval,
    holm,
    mcnemar,
    paired_difference,
    paired_permutation,
    smallest_difference,
)

ScenarioKey = tuple[str, str]
"""A suite's name and a scenario's label."""


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
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


def record(name: str, trials: Iterable[TrialResult]) -> ModelRecord:
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
    return ModelRecord(
        name=name,
        decisions={key: (correct, total) for key, (correct, total) in decided.items()},
        trials={key: (passed, total) for key, (passed, total) in tried.items()},
        outcomes=outcomes,
    )


Verdict = Literal["better", "worse", "can't tell"]
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A scenario on which the two do differently."""

    suite: str
    scenario: str
    a: tuple[str, ...]
    """Outcomes, turn by turn."""
    b: tuple[str, ...]
    difference: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How `b` does against `a`."""

    a: str
    b: str
    scenarios: int
    """Those on which both have decisions on path; only these are compared."""
    left_out: int
    """Scenarios on which only one of them was scored."""
    difference: Interval | None
    """The mean over scenarios of the share of correct decisions, `b` minus `a`."""
    p: float
    """Paired permutation test over scenarios, two-sided."""
    p_adjusted: float
    """Holm's, over all pairs that are compared."""
    p_mcnemar: float
    """Exact, on scenarios that only one of the two passes in most trials."""
    smallest: float | None
    """The smallest difference that these scenarios would show at 80% power; None where
    not even the largest would show."""
    disagreements: tuple[Disagreement, ...]

    @property
    def verdict(self) -> Verdict:
        """What can be said of `b`."""
        if self.difference is None or self.p_adjusted > LEVEL:
            return "can't tell"
        return "better" if self.difference.value > 0 else "worse"

    @property
    def sentence(self) -> str:
        """The verdict with what it rests on."""
        if self.difference is None:
            return f"{self.b} and {self.a} have no scenario in common"
        found = self.difference
        seen = (
            f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}], "
            f"p {self.p_adjusted:.3f} over {self.scenarios} scenarios"
        )
        if self.verdict == "can't tell":
            return f"can't tell {self.b} from {self.a}: {seen}. {self.power_line}"
        return f"{self.b} is {self.verdict} than {self.a}: {seen}"

    @property
    def power_line(self) -> str:
        """What these scenarios could have shown."""
        if self.smallest is None:
            return "So few scenarios could have shown no difference at all (80% power)."
        return f"A difference under {self.smallest:.2f} would mostly go unseen (80% power)."


def compare_all(
    records: Sequence[ModelRecord], *, confidence: float = 0.95
) -> tuple[Comparison, ...]:
    """Compare every pair, and adjust the p-values for how many pairs there are."""
    pairs = [_compare(a, b, confidence) for a, b in combinations(records, 2)]
    adjusted = holm([pair.p for pair in pairs]) if pairs else ()
    return tuple(replace(pair, p_adjusted=p) for pair, p in zip(pairs, adjusted, strict=True))


def _compare(a: ModelRecord, b: ModelRecord, confidence: float) -> Comparison:
    keys = sorted({*a.decisions, *b.decisions})
    shares = [(key, a.share(key), b.share(key)) for key in keys]
    both = [(key, x, y) for key, x, y in shares if x is not None and y is not None]
    differences = [y - x for _, x, y in both]
    some = bool(both)
    p = paired_permutation(differences)
    return Comparison(
        a=a.name,
        b=b.name,
        scenarios=len(both),
        left_out=len(keys) - len(both),
        difference=paired_difference([x for _, x, _ in both], [y for _, _, y in both], confidence)
        if some
        else None,
        p=p,
        p_adjusted=p,
        p_mcnemar=_mcnemar(a, b),
        smallest=smallest_difference(differences) if some else None,
        disagreements=tuple(
            Disagreement(
                suite=key[0],
                scenario=key[1],
                a=a.outcomes[key],
                b=b.outcomes[key],
                difference=y - x,
            )
            for key, x, y in both
            if x != y
        ),
    )


def _mcnemar(a: ModelRecord, b: ModelRecord) -> float:
    only_a = only_b = 0
    for key in a.trials.keys() & b.trials.keys():
        passes_a, passes_b = _passes(a, key), _passes(b, key)
        only_a += passes_a and not passes_b
        only_b += passes_b and not passes_a
    return mcnemar(only_a, only_b)


def _passes(record: ModelRecord, key: ScenarioKey) -> bool:
    passed, total = record.trials[key]
    return 2 * passed > total


@dataclass(frozen=True, kw_only=True)
class Side:
    """One model of one run, under the name that the comparison gives it."""

    name: str
    summary: ModelSummary


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Models side by side, and each pair of them."""

    sides: tuple[Side, ...]
    pairs: tuple[Comparison, ...]
    schema: int = 1


def compare_runs(paths: Sequence[Path]) -> Compared:
    """Compare all models of one run, or of several runs of the same suites and agents.

    Raises:
        UsageError: when there is nothing to compare, or the runs differ in what was
            tested; it says in what.
    """
    folders = [RunFolder.open(path) for path in paths]
    first = folders[0].manifest
    for folder in folders[1:]:
        differing = list(differences(first, folder.manifest))
        if differing:
            raise UsageError(
                f"{str(folders[0].path)!r} and {str(folder.path)!r} can't be compared: "
                f"{'; '.join(differing)}"
            )
    sides: list[Side] = []
    records: list[ModelRecord] = []
    for folder in folders:
        summary = summarise(folder.trials(), folder.manifest)
        for label, found in summary.models.items():
            name = label if len(folders) == 1 else f"{folder.path.name}:{label}"
            sides.append(Side(name=name, summary=found))
            mine = (TrialResult.of(trial) for trial in folder.trials() if trial.key.model == label)
            records.append(record(name, mine))
    if len(records) < 2:  # noqa: PLR2004 - a comparison takes two
        raise UsageError(
            f"{str(folders[0].path)!r} holds one model, {records[0].name!r}; name a second run, or "
            "run with several --model"
        )
    return Compared(sides=tuple(sides), pairs=compare_all(records))


def differences(a: Manifest, b: Manifest) -> Iterator[str]:
    """In what two runs differ that makes their trials no pairs."""
    suites_a = {suite.name: suite for suite in a.suites}
    suites_b = {suite.name: suite for suite in b.suites}
    for name in sorted(suites_a.keys() ^ suites_b.keys()):
        yield f"only one of them has the suite {name!r}"
    for name in sorted(suites_a.keys() & suites_b.keys()):
        one, other = suites_a[name], suites_b[name]
        if one.sha256 != other.sha256:
            yield f"the scenarios of {name!r} are not the same"
        if one.agent_sha256 != other.agent_sha256:
            yield f"the code of its agent {one.agent!r} is not the same"
