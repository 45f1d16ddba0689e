"""`--handoff-html FILE`: the conversations of pytest's tests, as one HTML file.

A trial travels from where its test ran to where pytest ends as a part of the test's report, so
that it is the same with pytest-xdist.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from handoff_evals.checks import Score
from handoff_evals.display import visible_line
from handoff_evals.errors import UsageError
from handoff_evals.files import write_atomically
from handoff_evals.plugin.plugin import CALLS, named_model
from handoff_evals.plugin.scenario_items import ScenarioItem
from handoff_evals.reports import Headline, ReportedRun, html_report, run_sentences
from handoff_evals.results import (
    Manifest,
    ModelTraits,
    SuiteRecord,
    Trial,
    TrialKey,
    summarise,
)

if TYPE_CHECKING:
    from pathlib import Path

OPTION = "--handoff-html"
_CARRIED = "handoff_trial"
"""The attribute of a test's report that holds its trials."""
_TRIAL = TypeAdapter(Trial)


def attach(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put the trials of a test into the report of the phase in which they are known."""
    if report.when == "setup" and isinstance(item, ScenarioItem) and item.trial is not None:
        found = [_of_scenario(item, item.trial)]
    elif report.when == "call" and CALLS in item.stash and not report.skipped:
        found = list(_of_calls(item, report))
    else:
        return
    # As one text of ASCII: what a model said may be nothing that a process can be told else.
    setattr(report, _CARRIED, json.dumps(found, default=to_jsonable_python))


def _of_scenario(item: ScenarioItem, trial: Trial) -> dict[str, Any]:
    suite = item.suite
    return {
        "trial": _TRIAL.dump_python(trial),
        "suite": {"name": suite.name, "path": suite.path, "sha256": suite.sha256},
        "agent": suite.agent,
        "tags": item.scenario.tags,
        "traits": asdict(named_model(item.model, item.config).traits),
    }


def _of_calls(item: pytest.Item, report: pytest.TestReport) -> Iterator[dict[str, Any]]:
    """The calls of a Python test: what the test says of them is their only check."""
    file, _, test = item.nodeid.partition("::")
    crash = getattr(report.longrepr, "reprcrash", None)
    reason = str(crash.message if crash else report.longrepr or "")
    for number, call in enumerate(item.stash[CALLS].calls):
        transcript = call.transcript
        asked = [each.model for each in transcript.model_calls]
        by_rule = bool(call.scripts) or not asked
        score = Score(
            name="test",
            status="failed" if report.failed else "passed",
            reason=reason,
            events=tuple(call.last_shown) if report.failed else (),
        )
        trial = Trial(
            key=TrialKey(
                suite=file, scenario=test, number=number, model=asked[0] if asked else "no model"
            ),
            seed=item.config.getoption("--handoff-seed"),
            transcript=transcript,
            scores=(score,),
            decisions=(),
            started_at=datetime.now(UTC).isoformat(),
            duration_s=report.duration,
        )
        yield {
            "trial": _TRIAL.dump_python(trial),
            "suite": {"name": file, "path": file, "sha256": ""},
            "agent": "",
            "tags": {},
            # The test itself says what a script answers, so that there is nothing to infer from it.
            "traits": asdict(ModelTraits(reference=by_rule, plays_scenario=by_rule)),
        }


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
        """Keep its trials."""
        carried: str | None = getattr(report, _CARRIED, None)
        if carried is not None:
            self._carried.extend(json.loads(carried))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the page, and say where it is."""
        if not self._carried:
            terminalreporter.write_line(
                f"{OPTION}: no test called an agent, so nothing was written"
            )
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
        found = summarise(trials, manifest)
        # Nobody planned how many there would be.
        models = {
            name: replace(each, trials=replace(each.trials, not_run=0))
            for name, each in found.models.items()
        }
        summary = replace(found, models=models)
        run = ReportedRun(
            name="pytest", manifest=manifest, summary=summary, trials=lambda: iter(trials)
        )
        judged = any(not each.traits.reference for each in models.values())
        return html_report([run], _headline(trials, tuple(run_sentences(summary)) * judged))

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
        verdict=f"{' and '.join(found)}, of {len(trials)} conversations"
        if found
        else f"all {len(trials)} conversations passed",
        tone="bad" if counts["failed"] else "unsure" if counts["unscored"] else "good",
        sentences=sentences,
    )
