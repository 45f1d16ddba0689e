"""Models on the same scenarios: improved, regressed, no difference, or can't tell."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from handoff_evals.comparison.scenario_pairs import ScenarioPair, pair_up, repeats_itself
from handoff_evals.comparison.verdict import (
    NO_LARGER,
    divided,
    next_step,
    scenarios_like_these,
    these_scenarios,
    verdict_words,
)
from handoff_evals.errors import UsageError
from handoff_evals.results import Manifest, ModelSummary, RunFolder, TrialResult, summarise
from handoff_evals.stats import (
    Assessment,
    Interval,
    Terms,
    Verdict,
    assess,
    mean_interval,
    upper_bound,
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A model's trials, under the name that the comparison gives it."""

    name: str
    """Unique in the comparison: the model's label, with its run where several are compared."""
    trials: tuple[TrialResult, ...]


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A scenario that the two do not pass equally often."""

    suite: str
    scenario: str
    a: tuple[str, ...]
    """Outcomes, turn by turn, of the first scored trial."""
    b: tuple[str, ...]
    difference: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How `b` does against `a`. Neither is the one that was there first."""

    a: str
    b: str
    terms: Terms
    verdict: Verdict
    """From the interval of the share of scenarios that pass, and from nothing else."""
    overall: Assessment
    gain: float
    """The largest gain that is not ruled out; with `overall.loss` it bounds the difference."""
    all_decisions: Interval | None
    """The same of the share of all expected decisions that are correct, per scenario."""
    on_path: Interval | None
    """And of the decisions on path: those that no earlier mistake leads astray."""
    left_out: int
    """Scenarios that only one of them ran."""
    sentences: tuple[str, str]
    next_step: str
    disagreements: tuple[Disagreement, ...]

    @property
    def headline(self) -> str:
        """The verdict in a line."""
        if not self.overall.scenarios:
            return f"{self.b} against {self.a}: can't tell, they have no scenario in common"
        return f"{self.b} against {self.a}: {verdict_words(self.verdict, self.terms)}"


def compare_all(records: Sequence[Record], *, terms: Terms | None = None) -> tuple[Comparison, ...]:
    """Compare every pair; the chance of a false verdict is that of all of them together."""
    pairs = list(combinations(records, 2))
    each = divided(terms or Terms(), len(pairs))
    return tuple(_compare(a, b, each) for a, b in pairs)


def decision_difference(
    pairs: Iterable[ScenarioPair], *, on_path: bool = False, confidence: float = 0.95
) -> Interval | None:
    """The mean difference over scenarios of the share of correct decisions.

    What is unscored counts against and for side b. None where no scenario has decisions of
    both sides.
    """
    seen: list[float] = []
    worst: list[float] = []
    best: list[float] = []
    for pair in pairs:
        if not pair.expected:
            continue
        for found, missing in ((seen, None), (worst, (1.0, 0.0)), (best, (0.0, 1.0))):
            difference = pair.decisions(on_path=on_path, missing=missing)
            if difference is not None:
                found.append(difference)
    if not seen:
        return None
    return mean_interval(seen, least=-1.0, most=1.0, confidence=confidence, missing=(worst, best))


def _compare(a: Record, b: Record, terms: Terms) -> Comparison:
    pairs = pair_up(a.trials, b.trials)
    passed = [pair.passed for pair in pairs]
    overall = assess(passed, terms, identical=repeats_itself(pairs))
    gain = upper_bound([each.at_best for each in passed], most=1.0, level=terms.alpha)
    keys = [{each.key.scenario_key for each in side.trials} for side in (a, b)]
    confidence = 1 - terms.alpha
    return Comparison(
        a=a.name,
        b=b.name,
        terms=terms,
        verdict=_verdict(overall, gain, terms),
        overall=overall,
        gain=gain,
        all_decisions=decision_difference(pairs, confidence=confidence),
        on_path=decision_difference(pairs, on_path=True, confidence=confidence),
        left_out=len(keys[0] ^ keys[1]),
        sentences=(
            these_scenarios(overall),
            scenarios_like_these(
                overall, suites=sorted({pair.suite for pair in pairs}), terms=terms
            ),
        ),
        next_step=next_step(passed, terms, basis="scenarios like these"),
        disagreements=tuple(
            Disagreement(
                suite=pair.suite,
                scenario=pair.scenario,
                a=_outcomes([one for one, _ in pair.trials]),
                b=_outcomes([other for _, other in pair.trials]),
                difference=each.difference,
            )
            for pair, each in zip(pairs, passed, strict=True)
            if each.difference
        ),
    )


def _verdict(overall: Assessment, gain: float, terms: Terms) -> Verdict:
    """Two models differ in many scenarios, both ways: only the mean of them is of interest."""
    seen = overall.difference
    if seen is None:
        return "can't tell"
    if seen.high < 0:
        return "regressed"
    if seen.low > 0:
        return "improved"
    return NO_LARGER if max(overall.loss, gain) < terms.margin else "can't tell"


def _outcomes(trials: Sequence[TrialResult]) -> tuple[str, ...]:
    scored = next((trial for trial in trials if trial.scored), None)
    return tuple(f"{each.where}: {each.outcome}" for each in scored.decisions) if scored else ()


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
    schema: int = 2


def compare_runs(paths: Sequence[Path], *, terms: Terms | None = None) -> Compared:
    """Compare all models of one run, or of several runs of the same suites and agents.

    Args:
        paths: folders of runs.
        terms: what a verdict has to hold to, all pairs together.

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
    records: list[Record] = []
    for folder in folders:
        summary = summarise(folder.trials(), folder.manifest)
        for label, found in summary.models.items():
            name = label if len(folders) == 1 else f"{folder.path.name}:{label}"
            sides.append(Side(name=name, summary=found))
            mine = (trial for trial in folder.trials() if trial.key.model == label)
            records.append(Record(name=name, trials=tuple(map(TrialResult.of, mine))))
    if len(records) < 2:  # noqa: PLR2004 - a comparison takes two
        raise UsageError(
            f"{str(folders[0].path)!r} holds one model, {records[0].name!r}; name a second run, or "
            "run with several --model"
        )
    return Compared(sides=tuple(sides), pairs=compare_all(records, terms=terms))


def differences(a: Manifest, b: Manifest) -> Iterator[str]:
    """In what two runs differ that makes their trials no pairs."""
    if a.caller != b.caller:
        yield f"their callers are not the same: {_caller(a)}, and {_caller(b)}"
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


def _caller(manifest: Manifest) -> str:
    caller = manifest.caller
    if caller is None:
        return "no model played them"
    return f"played by {caller.model!r} with {dict(caller.options)!r}, brief {caller.brief!r}"
