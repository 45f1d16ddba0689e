"""Scenario files as pytest tests, one a scenario."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from handoff_evals.checks import NOTHING_EXPECTED, expect_keys, load_checks
from handoff_evals.config import redact_of
from handoff_evals.display import visible, visible_line
from handoff_evals.errors import (
    EngineError,
    HandoffEvalsError,
    HandoffEvalsWarning,
    ModelError,
    UsageError,
)
from handoff_evals.results import redacted_suite
from handoff_evals.scenarios import Scenario, Suite, load_suite

if TYPE_CHECKING:
    from handoff_evals.results import Trial


class ScenarioFile(pytest.File):
    """One `scenarios.yaml`. Reading it loads no livekit."""

    def collect(self) -> Iterator[pytest.Item]:
        """Read the scenarios.

        Raises:
            CollectError: with `file:line: message` where the file is not as it must be.
        """
        try:
            load_checks(self.config.rootpath)
            root = self.config.rootpath
            suite = load_suite(self.path, keys=expect_keys(), folder=root)
            suite = redacted_suite(suite, redact_of(root))
        except UsageError as error:
            shown = os.path.relpath(self.path, self.config.invocation_params.dir)
            raise self.CollectError(str(error).replace(f"{self.path}:", f"{shown}:")) from error
        for scenario in suite.scenarios:
            yield ScenarioItem.from_parent(
                self, name=visible_line(scenario.label), suite=suite, scenario=scenario
            )
        for label in suite.simulated:
            yield SimulatedItem.from_parent(self, name=visible_line(label))


class SimulatedItem(pytest.Item):
    """A scenario without turns, which needs LiveKit's simulated caller."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_marker(pytest.mark.skip(reason="no `turns`: needs LiveKit's simulated caller"))

    def runtest(self) -> None:
        """Never reached: it is marked to be skipped."""
        raise NotImplementedError(self.nodeid)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file that it stands in."""
        return self.path, 0, self.name


class ScenarioItem(pytest.Item):
    """One scenario.

    The conversation runs in the setup, and judged in the test. So what keeps it
    from being judged (a model that gives no answer) is an *error* to pytest, like a
    broken fixture, and never a failure or a pass.
    """

    def __init__(self, *, suite: Suite, scenario: Scenario, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.suite = suite
        self.scenario = scenario
        self.trial: Trial | None = None
        if scenario.tags:
            self.add_marker(pytest.mark.handoff_tag(**scenario.tags))
        # For -k, which takes words but no phrases: `-k charged_twice`.
        self.extra_keyword_matches.add(re.sub(r"\W+", "_", scenario.label).strip("_"))

    @property
    def model(self) -> str:
        """The model's name."""
        default = "local" if self.config.getoption("--handoff-replay") else "oracle"
        return self.config.getoption("--handoff-model") or default

    def setup(self) -> None:
        """Run the conversation."""
        from handoff_evals.plugin.scenario_trial import run_scenario, unscored  # noqa: PLC0415 - collecting loads no livekit

        try:
            self.trial = run_scenario(
                self.suite, self.scenario, config=self.config, model=self.model
            )
        except HandoffEvalsError as error:
            if isinstance(error, ModelError | EngineError):
                # It would be the same for every other scenario.
                self.session.shouldfail = visible(f"--handoff-model {self.model} can't be had")
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        try:
            for note in self.trial.transcript.notes:
                self.warn(HandoffEvalsWarning(note))
        except HandoffEvalsWarning as error:  # where warnings are errors
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        self.user_properties += [
            ("handoff_model", self.trial.key.model),
            ("handoff_seed", self.trial.seed),
            ("handoff_outcomes", " ".join(each.outcome for each in self.trial.decisions)),
        ]
        if self.trial.cause == NOTHING_EXPECTED:
            pytest.skip("nothing broke, and nothing was asked: write `expect:`")
        if self.trial.status == "unscored":
            pytest.fail(unscored(self.trial), pytrace=False)

    def runtest(self) -> None:
        """Judge it."""
        from handoff_evals.plugin.expected_failures import apply_baseline  # noqa: PLC0415 - as below
        from handoff_evals.plugin.plugin import named_model  # noqa: PLC0415 - as below
        from handoff_evals.plugin.scenario_trial import trial_failure  # noqa: PLC0415 - collecting loads no livekit

        if self.trial is None:
            raise RuntimeError(f"{self.nodeid} was not set up")
        apply_baseline(self, self.trial, self.scenario)
        if self.trial.status != "passed":
            played = named_model(self.model, self.config).traits.plays_scenario
            text = trial_failure(self.trial, agent=self.suite.agent, plays_scenario=played)
            pytest.fail(text, pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The scenario's place in its file, for annotations and the header of a failure."""
        return self.path, self.scenario.line - 1, visible_line(f"{self.suite.name}: {self.name}")
