"""A finished run against the baseline: what flipped, and whether that is a regression."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from handoff_evals.checks import NOTHING_EXPECTED
from handoff_evals.comparison.model_pairs import decision_difference
from handoff_evals.comparison.scenario_pairs import (
    Direction,
    Flip,
    ScenarioPair,
    flips,
    pair_up,
    repeats_itself,
)
from handoff_evals.comparison.verdict import (
    NO_LARGER,
    Part,
    by_part,
    divided,
    next_step,
    parts,
    scenarios_like_these,
    these_scenarios,
    verdict_words,
    with_parts,
)
from handoff_evals.results import Baseline, ScenarioKey, TrialKey, TrialResult
from handoff_evals.stats import Assessment, Interval, Terms, Verdict, assess

BASELINE = "the baseline"


@dataclass(frozen=True, kw_only=True)
class AgainstBaseline:
    """One model's trials against those of the baseline, paired by scenario and number."""

    model: str
    terms: Terms
    verdict: Verdict
    overall: Assessment
    """Of whole scenarios: whether they passed."""
    parts: tuple[Part, ...]
    """Suites, edges and checks; the decisions are the check `handoff`."""
    decisions: Interval | None
    """The difference of the share of all expected decisions that are correct, per scenario."""
    flips: tuple[Flip, ...]
    compared: int
    """How many decisions were compared."""
    certain: bool
    """That the answers were no matter of chance: replayed, or by rule."""
    sentences: tuple[str, str]
    """What is certain of these scenarios, and what can be said of scenarios like these."""
    next_step: str
    left_out: tuple[str, ...]
    """What is in one of them only, in words."""

    def count(self, direction: Direction) -> int:
        """How many flips went that way."""
        return sum(flip.direction == direction for flip in self.flips)

    @property
    def headline(self) -> str:
        """The verdict in a line, with what flipped."""
        if not self.overall.pairs:
            return f"{self.model} against {BASELINE}: can't tell, no trial is in both"
        other = self.count("other")
        more = f", {other} failing otherwise" if other else ""
        regressed = [each.name for each in self.parts if each.verdict == "regressed"]
        where = f" ({', '.join(regressed)})" if regressed else ""
        return (
            f"{self.model} against {BASELINE}: {verdict_words(self.verdict, self.terms)}{where}: "
            f"{self.count('worse')} newly failing, {self.count('better')} newly right{more}, "
            f"of {self.compared} decisions and their checks"
        )


def against_baseline(
    baseline: Baseline,
    run: Baseline,
    *,
    terms: Terms | None = None,
    deterministic: Collection[str] = (),
    planned: Collection[TrialKey] = (),
) -> tuple[AgainstBaseline, ...]:
    """Compare each model of a run with the baseline.

    Args:
        baseline: What is kept.
        run: What was run. Only trials of scenarios that are the same in both are compared.
        terms: What a verdict has to hold to, all models together.
        deterministic: Labels of models whose answers are by rule, so that no flip is chance.
        planned: The trials that were to be run: those that were not count as unscored.
    """
    asked = {trial.key.model for trial in run.trials if trial.asked}
    certain = {model for model in run.models if model in deterministic or model not in asked}
    each = divided(terms or Terms(), len(set(run.models) - certain))
    missing = set(planned) - {trial.key for trial in run.trials}
    return tuple(
        _model(
            baseline,
            [trial for trial in run.trials if trial.key.model == model],
            [TrialResult.not_run(key) for key in planned if key in missing and key.model == model],
            each,
            certain=model in certain,
        )
        for model in run.models
    )


def unlike(baseline: Baseline, *, models: Sequence[str], suites: Sequence[str]) -> Iterator[str]:
    """Why a run of these can't be compared with the baseline, in words."""
    for kind, wanted, there in (
        ("model", models, baseline.models),
        ("suite", suites, sorted(suite.name for suite in baseline.suites)),
    ):
        listed = ", ".join(map(repr, there)) or "none"
        for name in wanted:
            if name not in there:
                yield f"it has nothing of the {kind} {name!r}, but of {listed}"


def _model(
    baseline: Baseline,
    now: Sequence[TrialResult],
    not_run: Sequence[TrialResult],
    terms: Terms,
    *,
    certain: bool,
) -> AgainstBaseline:
    model = now[0].key.model
    then = [trial for trial in baseline.trials if trial.key.model == model]
    hashes = {each.key.scenario_key: each.scenario_sha256 for each in now}
    same = [
        old
        for old in then
        if hashes.get(old.key.scenario_key, old.scenario_sha256) == old.scenario_sha256
    ]
    # Nothing was asked there, and nothing broke: that is neither lost nor kept.
    unasked = {each.key.scenario_key for each in now if each.cause == NOTHING_EXPECTED}
    unasked -= {each.key.scenario_key for each in now if each.scored}
    asked = [each for each in [*now, *not_run] if each.key.scenario_key not in unasked]
    same = [each for each in same if each.key.scenario_key not in unasked]
    pairs = pair_up(same, asked)
    identical = repeats_itself(pairs)
    passed = [pair.passed for pair in pairs]
    overall = assess(passed, terms, identical=identical)
    found = parts(by_part(pairs, {}), terms, identical=identical)
    flipped = tuple(
        flip
        for pair in pairs
        for a, b in pair.trials
        if a.scored and b.scored
        for flip in flips(a, b)
    )
    verdict = (
        _certain_verdict(pairs, flipped, terms) if certain else with_parts(overall.verdict, found)
    )
    these = these_scenarios(overall)
    if certain:
        these += " No chance in it: every answer was replayed or by rule."
    return AgainstBaseline(
        model=model,
        terms=terms,
        verdict=verdict,
        overall=overall,
        parts=found,
        decisions=decision_difference(pairs, confidence=1 - terms.alpha),
        flips=flipped,
        compared=sum(len(b.decisions) for pair in pairs for a, b in pair.trials if a.scored),
        certain=certain,
        sentences=(
            these,
            scenarios_like_these(
                overall, suites=sorted({pair.suite for pair in pairs}), terms=terms
            ),
        ),
        next_step="" if certain else next_step(passed, terms, identical=identical),
        left_out=tuple(_left_out(then, now)),
    )


def _certain_verdict(
    pairs: Sequence[ScenarioPair], flipped: Sequence[Flip], terms: Terms
) -> Verdict:
    """Where chance has no hand in it, a flip is a fact; what is unscored may still be one."""
    if any(flip.direction == "worse" for flip in flipped):
        return "regressed"
    if not pairs or -fmean(pair.passed.at_worst for pair in pairs) >= terms.margin:
        return "can't tell"
    return "improved" if any(flip.direction == "better" for flip in flipped) else NO_LARGER


def _left_out(then: Sequence[TrialResult], now: Sequence[TrialResult]) -> Iterator[str]:
    before = {each.key.scenario_key: each.scenario_sha256 for each in then}
    after = {each.key.scenario_key: each.scenario_sha256 for each in now}
    labels = {each.key.scenario_key: each.key.scenario for each in (*then, *now)}
    suites = {suite for suite, _ in after}
    both = before.keys() & after.keys()
    for words, names in (
        ("changed since the baseline", {key for key in both if before[key] != after[key]}),
        ("not in the baseline", after.keys() - before.keys()),
        (
            "in the baseline, but not in this run",
            {key for key in before.keys() - after.keys() if key[0] in suites},
        ),
    ):
        if names:
            yield f"not compared: {words}: {_listed(names, labels)}"
    for words, trials in (("in the baseline", then), ("now", now)):
        names = {each.key.scenario_key for each in trials if each.status == "unscored"}
        if names:
            yield f"unscored {words}, counted as it could have come out: {_listed(names, labels)}"
    others = sorted({suite for suite, _ in before} - suites)
    if others:
        yield f"not compared: suites of the baseline that are not in this run: {', '.join(others)}"
    single = {each.key for each in then} ^ {each.key for each in now}
    repeats = [key for key in single if key.scenario_key in both]
    if repeats:
        yield f"not compared: trials of the same scenarios that one of them lacks: {len(repeats)}"


def _listed(keys: Collection[ScenarioKey], labels: Mapping[ScenarioKey, str]) -> str:
    return ", ".join(sorted(f"{key[0]} / {labels[key]}" for key in keys))
