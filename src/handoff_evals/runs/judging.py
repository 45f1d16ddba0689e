"""Kept transcripts judged anew, by what a scenario file expects today: no agent is run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from handoff_evals.checks import Score, decisions, score
from handoff_evals.config import redact_of
from handoff_evals.errors import UsageError
from handoff_evals.judges import Panel
from handoff_evals.results import (
    Manifest,
    RunFolder,
    ScenarioKey,
    SuiteRecord,
    Trial,
    redacted_trial,
    scenario_sha256,
)
from handoff_evals.runs.judged_run import panel_of
from handoff_evals.runs.request import RunRequest, load_suites
from handoff_evals.scenarios import Scenario, Suite, Watch

Redact = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Judging:
    """A kept run, and the scenarios by which its trials are judged."""

    source: RunFolder
    manifest: Manifest
    """Of the run, with the suites as they are today."""
    suites: tuple[Suite, ...]
    scenarios: Mapping[ScenarioKey, Scenario]
    """By what the run knows them by."""
    left_out: tuple[str, ...]
    """What is in the run or in the files only, in words."""
    panel: Panel | None = None
    """Who judges the trials besides; None where nobody was asked."""
    redact: Redact | None = None
    """What every text goes through before it is kept."""

    @classmethod
    def of(
        cls,
        source: RunFolder,
        *,
        paths: Sequence[str] = (),
        folder: Path,
        command: Sequence[str] = (),
        judge: str = "",
    ) -> "Judging":
        """Read the suites, and find the scenarios that the run has trials of.

        A suite is found by its name; where run and files have one each, they are the same. A
        scenario is found by its id, else by its label.

        Args:
            source: the kept run.
            paths: the scenario files; without any those of the run, as they are today.
            folder: the project.
            command: what was typed.
            judge: who judges besides, as `--judge` takes it; empty for nobody.

        Raises:
            UsageError: when a suite can't be read, or none of them is of the run.
        """
        old = source.manifest
        asked = tuple(paths) or tuple(suite.path for suite in old.suites if suite.path)
        if not asked:
            raise UsageError(
                f"the suites of {str(source.path)!r} were made in Python: name a file by --suite"
            )
        read = load_suites(replace(RunRequest.of_project(folder), suites=asked))
        if len(read) == len(old.suites) == 1:
            read = (replace(read[0], name=old.suites[0].name),)
        by_name = {suite.name: suite for suite in read}
        suites: list[Suite] = []
        records: list[SuiteRecord] = []
        scenarios: dict[ScenarioKey, Scenario] = {}
        left_out: list[str] = []
        for record in old.suites:
            suite = by_name.pop(record.name, None)
            if suite is None:
                left_out.append(f"not judged: suite {record.name!r}, which is in no file")
                continue
            found = _matched(record, suite)
            scenarios.update({(record.name, identity): each for identity, each in found.items()})
            left_out += _unmatched(record, suite, found)
            kept = replace(suite, scenarios=tuple(found.values()))
            suites.append(kept)
            records.append(_as_read(record, kept))
        left_out += [f"not in the run: suite {name!r}" for name in by_name]
        if not scenarios:
            raise UsageError(
                f"{str(source.path)!r} has no scenario of {', '.join(asked)}: its suites are "
                f"{', '.join(repr(suite.name) for suite in old.suites)}"
            )
        panel = panel_of(judge, suites, folder=folder)
        by = "no model was asked" if panel is None else f"judges: {panel.model.label}"
        manifest = replace(
            old,
            command=tuple(command),
            suites=tuple(records),
            asked=replace(old.asked, judge=judge),
            judge=None if panel is None else panel.record,
            notes=(*old.notes, f"judged anew from {source.path}: {by}"),
        )
        return cls(
            source=source,
            manifest=manifest,
            suites=tuple(suites),
            scenarios=scenarios,
            left_out=tuple(left_out),
            panel=panel,
            redact=redact_of(folder),
        )

    def trials(self) -> Iterator[Trial]:
        """Every kept trial of these scenarios, with the scores and decisions of today."""
        noted = {suite.name: suite.watch for suite in self.manifest.suites}
        for trial in self.source.trials(judged=False):
            scenario = self.scenarios.get(trial.key.scenario_key)
            if scenario is not None:
                judged = _judged(trial, scenario, noted[trial.key.suite], self.redact)
                yield redacted_trial(judged, self.redact)


def _matched(record: SuiteRecord, suite: Suite) -> dict[str, Scenario]:
    """The scenarios of a suite that a run has, by what the run knows them by."""
    known = {label: record.ids.get(label, label) for label in record.scenarios}
    by_id = {identity: identity for identity in known.values()}
    found: dict[str, Scenario] = {}
    for scenario in suite.scenarios:
        identity = by_id.get(scenario.identity) or known.get(scenario.label)
        if identity is not None:
            found.setdefault(identity, scenario)
    return found


def _unmatched(record: SuiteRecord, suite: Suite, found: Mapping[str, Scenario]) -> Iterator[str]:
    gone = [each for each in record.scenarios if record.ids.get(each, each) not in found]
    there = {id(each) for each in found.values()}
    new = [each.label for each in suite.scenarios if id(each) not in there]
    for words, labels in (("not judged, for no file has them", gone), ("not in the run", new)):
        if labels:
            yield f"{words}: {', '.join(f'{suite.name} / {label}' for label in labels)}"


def _as_read(record: SuiteRecord, suite: Suite) -> SuiteRecord:
    """The suite as it is today; of the agents, what they were when they were run."""
    return replace(
        record,
        path=suite.path,
        sha256=suite.sha256,
        scenarios=tuple(each.label for each in suite.scenarios),
        ids={each.label: each.id for each in suite.scenarios if each.id},
        scenario_sha256={each.label: scenario_sha256(each) for each in suite.scenarios},
    )


def _judged(trial: Trial, scenario: Scenario, noted: Watch, redact: Redact | None) -> Trial:
    key = replace(trial.key, scenario=scenario.label, id=scenario.id)
    reason = _other_words(trial, scenario, redact) or _not_noted(scenario, noted)
    if reason is not None:
        unscored = Score(
            name="conversation", status="unscored", reason=reason, cause=reason.partition(":")[0]
        )
        return replace(trial, key=key, scores=(unscored,), decisions=())
    return replace(
        trial,
        key=key,
        scores=score(scenario, trial.transcript),
        decisions=decisions(scenario, trial.transcript),
    )


def _other_words(trial: Trial, scenario: Scenario, redact: Redact | None) -> str | None:
    """Why the conversation is not one of the scenario; None where it is."""
    transcript = trial.transcript
    if scenario.is_open:
        scripted = transcript.caller is None
        return "other_words: the caller was scripted, and is not any more" if scripted else None
    said = [turn.user or "" for turn in transcript.turns[1:]]
    asked = [turn.user if redact is None else redact(turn.user) for turn in scenario.turns]
    for number, (old, new) in enumerate(zip(said, asked, strict=False), 1):
        if old != new:
            return f"other_words: in turn {number} the caller said {old!r}, and now {new!r}"
    cut_short = bool(transcript.faults) or transcript.ended_by == "agent"
    if len(said) > len(asked) or (len(said) < len(asked) and not cut_short):
        return f"other_words: the caller had {len(said)} turns, and has {len(asked)} now"
    return None


def _not_noted(scenario: Scenario, noted: Watch) -> str | None:
    """What the scenario asks of a conversation that was not noted then; None where all was."""
    asked = Suite(name="", agent="", scenarios=(scenario,)).watch
    missing = sorted((asked.attributes - noted.attributes) | (asked.userdata - noted.userdata))
    if not missing and not scenario.conversation.on_simulation_end:
        return None
    what = ", ".join(map(repr, missing)) or "what `on_simulation_end` says"
    return f"not_recorded: the run did not note {what}; run it again"
