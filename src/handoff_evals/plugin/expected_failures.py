"""`--handoff-baseline FILE`: what fails as it did in a kept run is expected to.

A scenario that fails in the way in which it failed then is an xfail, a new failure fails,
and one that does better passes and says that the baseline is out of date.
"""

from collections import Counter
from dataclasses import dataclass

import pytest

from handoff_evals.comparison import unlike
from handoff_evals.display import visible, visible_line
from handoff_evals.errors import UsageError
from handoff_evals.results import Baseline, Trial, TrialResult, scenario_sha256
from handoff_evals.scenarios import Scenario

OPTION = "--handoff-baseline"
OUTDATED = "handoff_baseline_outdated"
"""The property of a test that does better than the baseline; it crosses over to xdist's master."""
_READ: pytest.StashKey[Baseline] = pytest.StashKey()


@dataclass(frozen=True, kw_only=True)
class ComparedTrial:
    """How one trial compares with the baseline."""

    known: str = ""
    """Why it may fail; empty where it may not."""
    outdated: str = ""
    """What the baseline still expects to fail."""
    note: str = ""
    """What else a reader has to know."""


def read(config: pytest.Config) -> Baseline | None:
    """The baseline of this session, if it has one.

    Raises:
        UsageError: when the file is none.
    """
    path: str | None = config.getoption(OPTION)
    if path is None:
        return None
    if _READ not in config.stash:
        config.stash[_READ] = Baseline.read(config.rootpath / path)
    return config.stash[_READ]


def compared(trial: Trial, scenario: Scenario, baseline: Baseline) -> ComparedTrial:
    """Compare one trial with the baseline.

    Raises:
        UsageError: when it has nothing of the trial's model.
    """
    differing = list(unlike(baseline, models=[trial.key.model], suites=[]))
    if differing:
        raise UsageError(f"{OPTION} can't be used here: {'; '.join(differing)}")
    sha256 = scenario_sha256(scenario)
    then = baseline.by_key.get(trial.key)
    if then is None or then.status == "unscored":
        return ComparedTrial(note="the baseline has no result of this scenario")
    if then.scenario_sha256 != sha256:
        return ComparedTrial(note="the scenario has changed since the baseline")
    before, now = failures_of(then), failures_of(TrialResult.of(trial, scenario_sha256=sha256))
    mended = ", ".join((before - now).elements())
    outdated = f"no longer fails: {mended}" if mended and not now - before else ""
    if trial.status == "passed":
        return ComparedTrial(outdated=outdated)
    if now - before:
        return ComparedTrial(note=f"in the baseline: {', '.join(before.elements()) or 'passed'}")
    return ComparedTrial(
        known=f"as in the baseline: {', '.join(now.elements())}", outdated=outdated
    )


def failures_of(trial: TrialResult) -> Counter[str]:
    """What went wrong in a trial, in words that two trials can be compared by."""
    wrong = Counter(
        f"{each.outcome} in {each.where}"
        + (f" ({each.actual})" if each.outcome in {"wrong", "spurious"} else "")
        for each in trial.decisions
        if each.outcome != "correct"
    )
    wrong.update(
        each.check if each.turn is None else f"{each.check} in turn {each.turn}"
        for each in trial.failed
    )
    return wrong


def apply_baseline(item: pytest.Item, trial: Trial, scenario: Scenario) -> None:
    """End the test as an xfail where it fails as it did; note what differs."""
    baseline = read(item.config)
    if baseline is None:
        return
    try:
        found = compared(trial, scenario, baseline)
    except UsageError as error:
        # It would be the same for every other scenario.
        item.session.shouldfail = str(error)
        pytest.fail(str(error), pytrace=False)
    if found.outdated:
        text = f"the baseline {item.config.getoption(OPTION)} is out of date: {found.outdated}"
        item.add_report_section("call", "baseline", visible(text))
        item.user_properties.append((OUTDATED, found.outdated))
    if found.note:
        item.add_report_section("call", "baseline", visible(found.note))
    if found.known:
        pytest.xfail(visible(found.known))


def report_outdated(reporter: pytest.TerminalReporter) -> None:
    """Name the scenarios that do better than the baseline, once the tests are over."""
    reports = [report for listed in reporter.stats.values() for report in listed]
    outdated = [
        (report.nodeid, value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == OUTDATED
    ]
    if outdated:
        reporter.section("handoff baseline is out of date")
        for nodeid, value in outdated:
            reporter.write_line(visible_line(f"{nodeid}: {value}"))
