"""Which trials a run consists of."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handoff_evals.scenario import Scenario, Suite
from handoff_evals.trial import TrialKey


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One trial that is to be run."""

    key: TrialKey
    scenario: Scenario
    seed: int


def plan(
    suites: Sequence[Suite], models: Sequence[str], *, trials: int, seed: int
) -> Iterator[Planned]:
    """Every trial of a run: all scenarios and models of the first trials, then of the second.

    The models take turns, so that one that is slow or dead is noticed early and
    a run that is stopped has some of everything.
    """
    for number in range(trials):
        for suite in suites:
            for scenario in suite.scenarios:
                for model in models:
                    key = TrialKey(
                        suite=suite.name, scenario=scenario.label, model=model, number=number
                    )
                    yield Planned(key=key, scenario=scenario, seed=trial_seed(key, seed))


def trial_seed(key: TrialKey, seed: int) -> int:
    """The seed of a trial, the same in whatever order a run goes.

    The model is left out: two models meet the same seeds, so that their trials pair.
    """
    words = f"{seed}\x1f{key.suite}\x1f{key.scenario}\x1f{key.number}"
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big") >> 1
