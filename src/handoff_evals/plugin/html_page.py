"""`--handoff-html FILE`: the scenario files that pytest ran, as one HTML file.

A trial travels from where its test ran to where pytest ends as a part of the test's report, so
that it is the same with pytest-xdist.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from handoff_evals.display import visible_line
from handoff_evals.errors import UsageError
from handoff_evals.files import write_atomically
from handoff_evals.plugin.plugin import named_model
from handoff_evals.plugin.scenario_items import ScenarioItem
from handoff_evals.reports import Headline, ReportedRun, html_report, run_sentences
from handoff_evals.results import Manifest, ModelTraits, SuiteRecord, Trial, summarise

if TYPE_CHECKING:
    from pathlib import Path

OPTION = "--handoff-html"
_CARRIED = "handoff_trial"
"""The attribute of a test's report that holds its trial."""
_TRIAL = TypeAdapter(Trial)


def attach(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put a scenario's trial into the report of the phase in which it ran."""
    if report.when != "setup" or not isinstance(item, ScenarioItem) or item.trial is None:
        return
    suite, trial = item.suite, item.trial
    carried = {
        "trial": _TRIAL.dump_python(trial),
        "suite": {"name": suite.name, "path": suite.path, "sha256": suite.sha256},
        "agent": suite.agent,
        "tags": item.scenario.tags,
        "traits": asdict(named_model(item.model, item.config).traits),
    }
    # As one text of ASCII: what a model said may be nothing that a process can be told else.
    setattr(report, _CARRIED, json.dumps(carried, default=to_jsonable_python))


class HtmlPage:
    """Collects the trials of a session, and writes the page when it is over."""

    def __init__(self, config: pytest.Config) -> None:
        self._path: Path = config.rootpath / config.getoption(OPTION)
        self._seed: int = config.getoption("--handoff-seed")
        self._command = tuple(map(str, config.invocation_params.args))
        self._carried: list[dict[str, Any]] = []
        if self._path.is_dir():
            raise pytest.UsageError(f"{OPTION} {str(self._path)!r} is a folder: name a file in it")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a trial."""
        carried: str | None = getattr(report, _CARRIED, None)
        if carried is not None:
            self._carried.append(json.loads(carried))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the page, and say where it is."""
        if not self._carried:
            terminalreporter.write_line(f"{OPTION}: no scenario file ran, so nothing was written")
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, self._page())
        except (OSError, UsageError) as error:
            terminalreporter.write_line(
                visible_line(f"{OPTION} {str(self._path)!r} can't be written: {error}"), red=True
            )
            return
        terminalreporter.write_line(visible_line(f"handoff report: {self._path}"))

    def _page(self) -> str:
        trials = [_TRIAL.validate_python(each["trial"]) for each in self._carried]
        manifest = self._manifest(trials)
        summary = summarise(trials, manifest)
        run = ReportedRun(
            name="pytest", manifest=manifest, summary=summary, trials=lambda: iter(trials)
        )
        return html_report([run], _headline(trials, tuple(run_sentences(summary))))

    def _manifest(self, trials: list[Trial]) -> Manifest:
        suites: dict[str, SuiteRecord] = {}
        for each, trial in zip(self._carried, trials, strict=True):
            name = each["suite"]["name"]
            known = suites.get(name)
            suites[name] = SuiteRecord(
                **each["suite"],
                agent=each["agent"],
                agent_sha256="",
                scenarios=(*(known.scenarios if known else ()), trial.key.scenario),
                tags={**(known.tags if known else {}), trial.key.scenario: each["tags"]},
            )
        return Manifest(
            created_at=datetime.now(UTC).isoformat(),
            command=("pytest", *self._command),
            suites=tuple(suites.values()),
            models=tuple(dict.fromkeys(each.key.model for each in trials)),
            trials=1,
            seed=self._seed,
            traits={
                trial.key.model: ModelTraits(**each["traits"])
                for each, trial in zip(self._carried, trials, strict=True)
            },
        )


def _headline(trials: list[Trial], sentences: tuple[str, ...]) -> Headline:
    counts = {
        status: sum(each.status == status for each in trials) for status in ("failed", "unscored")
    }
    found = [f"{count} {status}" for status, count in counts.items() if count]
    return Headline(
        verdict=f"{' and '.join(found)}, of {len(trials)} scenarios"
        if found
        else f"all {len(trials)} scenarios passed",
        tone="bad" if counts["failed"] else "unsure" if counts["unscored"] else "good",
        sentences=sentences,
    )
