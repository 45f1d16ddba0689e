"""A finished run against the baseline: what flipped, and whether that is a regression."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from handoff_evals.comparison.flips import Direction, Flip, flips
from handoff_evals.comparison.model_pairs import Comparison, compare_all, record
from handoff_evals.results import Baseline, TrialResult
from handoff_evals.stats import holm

Movement = Literal["regressed", "improved", "no difference", "can't tell"]
BASELINE = "the baseline"


@dataclass(frozen=True, kw_only=True)
class AgainstBaseline:
    """One model's trials against those of the baseline, paired by scenario and number."""

    model: str
    comparison: Comparison
    flips: tuple[Flip, ...]
    decisions: int
    """How many were compared."""
    certain: bool
    """That the answers were no matter of chance: replayed, or by rule."""
    left_out: tuple[str, ...]
    """What is in one of them only, in words."""

    def count(self, direction: Direction) -> int:
        """How many flips went that way."""
        return sum(flip.direction == direction for flip in self.flips)

    @property
    def movement(self) -> Movement:
        """What can be said of the run."""
        if not self.decisions and not self.flips:
            return "can't tell"
        if self.certain:
            if self.count("worse"):
                return "regressed"
            return "improved" if self.count("better") else "no difference"
        verdicts: dict[str, Movement] = {"better": "improved", "worse": "regressed"}
        return verdicts.get(self.comparison.verdict, "can't tell")

    @property
    def sentence(self) -> str:
        """The verdict with what it rests on."""
        if not self.decisions and not self.flips:
            return f"can't tell {self.model} from {BASELINE}: no trial is in both"
        if not self.certain:
            return f"{self.comparison.sentence.removesuffix('.')}. {self._counts}"
        said = {
            "regressed": f"{self.model} has regressed",
            "improved": f"{self.model} has improved",
        }.get(self.movement, f"{self.model} does as it did")
        return f"{said}: {self._counts}; no chance in it, every answer was replayed or by rule"

    @property
    def _counts(self) -> str:
        other = self.count("other")
        more = f", {other} failing otherwise" if other else ""
        return (
            f"{self.count('worse')} newly failing, {self.count('better')} newly right{more}, "
            f"of {self.decisions} decisions and their checks"
        )


def against_baseline(
    baseline: Baseline, run: Baseline, *, deterministic: Collection[str] = ()
) -> tuple[AgainstBaseline, ...]:
    """Compare each model of a run with the baseline.

    Only trials of scenarios that are the same in both, and scored in both, are compared.
    p-values are adjusted for the number of models that chance has a hand in.

    Args:
        baseline: the kept run.
        run: the finished one.
        deterministic: labels of models whose answers are by rule, so that no flip is chance.
    """
    found = [_model(model, baseline, run, certain=model in deterministic) for model in run.models]
    by_chance = [each for each in found if not each.certain]
    adjusted = holm([each.comparison.p for each in by_chance]) if by_chance else ()
    p_values = {each.model: p for each, p in zip(by_chance, adjusted, strict=True)}
    return tuple(
        replace(
            each,
            comparison=replace(
                each.comparison, p_adjusted=p_values.get(each.model, each.comparison.p)
            ),
        )
        for each in found
    )


def unlike(baseline: Baseline, *, models: Sequence[str], suites: Sequence[str]) -> Iterator[str]:
    """Why a run of these can't be held against the baseline, in words."""
    for kind, wanted, there in (
        ("model", models, baseline.models),
        ("suite", suites, sorted(suite.name for suite in baseline.suites)),
    ):
        listed = ", ".join(map(repr, there)) or "none"
        for name in wanted:
            if name not in there:
                yield f"it has nothing of the {kind} {name!r}, but of {listed}"


def _model(model: str, baseline: Baseline, run: Baseline, *, certain: bool) -> AgainstBaseline:
    now = [trial for trial in run.trials if trial.key.model == model]
    then = [trial for trial in baseline.trials if trial.key.model == model]
    pairs = [
        (old, new)
        for new in now
        if (old := baseline.by_key.get(new.key)) is not None
        and old.scenario_sha256 == new.scenario_sha256
        and "unscored" not in {old.status, new.status}
    ]
    sides = [record(BASELINE, (old for old, _ in pairs)), record(model, (new for _, new in pairs))]
    return AgainstBaseline(
        model=model,
        comparison=compare_all(sides)[0],
        flips=tuple(flip for old, new in pairs for flip in flips(old, new)),
        decisions=sum(len(new.decisions) for _, new in pairs),
        certain=certain or all(trial.asked == 0 for trial in now),
        left_out=tuple(_left_out(then, now)),
    )


def _left_out(then: Sequence[TrialResult], now: Sequence[TrialResult]) -> Iterator[str]:
    before = {(each.key.suite, each.key.scenario): each.scenario_sha256 for each in then}
    after = {(each.key.suite, each.key.scenario): each.scenario_sha256 for each in now}
    suites = {suite for suite, _ in after}
    both = before.keys() & after.keys()
    for words, names in (
        ("changed since the baseline", {key for key in both if before[key] != after[key]}),
        ("not in the baseline", after.keys() - before.keys()),
        (
            "in the baseline, but not in this run",
            {key for key in before.keys() - after.keys() if key[0] in suites},
        ),
        ("unscored in the baseline", _unscored(then)),
        ("unscored now", _unscored(now)),
    ):
        if names:
            listed = [f"{suite} / {scenario}" for suite, scenario in sorted(names)]
            yield f"{words}: {', '.join(listed)}"
    others = sorted({suite for suite, _ in before} - suites)
    if others:
        yield f"suites of the baseline that are not in this run: {', '.join(others)}"
    single = {each.key for each in then} ^ {each.key for each in now}
    repeats = [key for key in single if (key.suite, key.scenario) in both]
    if repeats:
        yield f"trials of the same scenarios that only one of them has: {len(repeats)}"


def _unscored(trials: Sequence[TrialResult]) -> set[tuple[str, str]]:
    return {(each.key.suite, each.key.scenario) for each in trials if each.status == "unscored"}
