"""What a judge says of a run's trials, and how often what it passes truly passes."""

from collections.abc import Iterable
from statistics import fmean

from handoff_evals.checks import Score
from handoff_evals.results.manifest import JudgeStanding
from handoff_evals.results.summary import JudgeRate, Share
from handoff_evals.results.trial import ScenarioKey
from handoff_evals.stats import corrected_rate, mean_interval

JUDGE = "judge:"
"""Before a judge's name in the name of its scores."""


def judge_rate(
    scores: Iterable[tuple[ScenarioKey, Score]],
    standing: JudgeStanding | None,
    *,
    confidence: float,
) -> JudgeRate:
    """What one judge says of one model's trials: as it says it, and corrected for its errors.

    Trials of one scenario resemble each other: each scenario weighs the same, and counts once.
    """
    by_scenario: dict[ScenarioKey, list[bool]] = {}
    unscored: dict[str, int] = {}
    passed = failed = 0
    for key, score in scores:
        if score.status == "unscored":
            unscored[score.cause] = unscored.get(score.cause, 0) + 1
            continue
        by_scenario.setdefault(key, []).append(score.status == "passed")
        passed += score.status == "passed"
        failed += score.status == "failed"
    means = [fmean(found) for found in by_scenario.values()]
    raw = mean_interval(means, confidence=confidence) if means else None
    errors = standing.errors if standing is not None else None
    corrected = (
        corrected_rate(sum(means), len(means), errors, confidence=confidence)
        if errors is not None
        else None
    )

    def share(found: object) -> Share:
        return Share(
            value=getattr(found, "value", None),
            low=getattr(found, "low", None),
            high=getattr(found, "high", None),
            confidence=confidence,
            of=passed + failed,
            scenarios=len(means),
        )

    return JudgeRate(
        gates=standing is not None and standing.gates,
        why=standing.why if standing is not None else "",
        passed=passed,
        failed=failed,
        unscored=unscored,
        raw=share(raw),
        corrected=share(corrected),
    )
