"""A run that is kept, for later runs to be compared with.

One JSON file for the project's repository: what each trial's decisions came to, and no
word of what was said. A trial a line and everything sorted, so that `git diff` shows what
an update changed.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_evals.checks import Decision, Outcome, Status
from handoff_evals.errors import UsageError
from handoff_evals.files import locked, parsed_json, write_atomically
from handoff_evals.results.manifest import CallingModelRecord, SuiteRecord
from handoff_evals.results.trial import FailedCheck, Trial, TrialKey, TrialResult
from handoff_evals.scenarios import Scenario

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class KeptSuite:
    """A suite that the trials are of; for a reader, and to say what changed."""

    name: str
    path: str
    sha256: str
    agent: str


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What each trial came to."""

    suites: tuple[KeptSuite, ...]
    trials: tuple[TrialResult, ...]
    """Sorted by model, suite, scenario and number."""

    @classmethod
    def of(cls, trials: Iterable[Trial], suites: Sequence[SuiteRecord]) -> "Baseline":
        """Keep the trials of a run, without their transcripts.

        Args:
            trials: the finished trials.
            suites: as the run's manifest has them.

        Raises:
            UsageError: when the manifest is of a version that kept no hashes of scenarios.
        """
        hashes = {suite.name: suite.scenario_sha256 for suite in suites}
        if not all(hashes.values()):
            raise UsageError(
                "this run was made by an older version, which did not record what its scenarios "
                "said: run the suites again"
            )
        kept = [
            TrialResult.of(each, scenario_sha256=hashes[each.key.suite][each.key.scenario])
            for each in trials
        ]
        return cls(
            suites=tuple(
                KeptSuite(name=suite.name, path=suite.path, sha256=suite.sha256, agent=suite.agent)
                for suite in sorted(suites, key=lambda each: each.name)
            ),
            trials=tuple(sorted(kept, key=_order)),
        )

    @staticmethod
    def json_schema() -> Mapping[str, Any]:
        """The JSON Schema of the file."""
        return {**_File.model_json_schema(), "title": "Baseline"}

    @classmethod
    def read(cls, path: Path) -> "Baseline":
        """Read the file.

        Raises:
            UsageError: when it is no baseline of this version.
        """
        try:
            data: Any = parsed_json(path.read_bytes())
        except OSError as error:
            raise UsageError(f"baseline {str(path)!r} can't be read: {error}") from error
        except ValueError as error:
            raise UsageError(f"{path}: not a baseline, because it is not JSON: {error}") from error
        # First: another version's baseline has other fields, and this is why.
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != SCHEMA:
            raise UsageError(
                f"{path}: not a baseline of this version: it has schema {schema!r}, and this "
                f"version reads {SCHEMA}. Remove it, and write it from a finished run: "
                f"`handoff-evals baseline RUN {path}`"
            )
        try:
            return _File.model_validate(data).value()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise UsageError(
                f"{path}: not a baseline of this version: {where} is {first['input']!r}: "
                f"{first['msg']}"
            ) from error

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            UsageError: when it can't be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, "\n".join(self._lines()))
        except OSError as error:
            raise UsageError(f"baseline {str(path)!r} can't be written: {error}") from error

    def write_into(self, path: Path, *, partial: bool) -> None:
        """Put this run into the file, where it takes the place of an earlier one of the same.

        Two processes may do so at once: what either of them has written stays.

        Args:
            path: the file; it need not be there.
            partial: as for `updated`.

        Raises:
            UsageError: when it is no baseline of this version, or can't be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with locked(path):
                kept = Baseline.read(path) if path.exists() else None
                (kept.updated(self, partial=partial) if kept else self).write(path)
        except OSError as error:
            raise UsageError(f"baseline {str(path)!r} can't be written: {error}") from error

    @property
    def models(self) -> tuple[str, ...]:
        """The models' labels, sorted."""
        return tuple(sorted({trial.key.model for trial in self.trials}))

    @cached_property
    def by_key(self) -> Mapping[TrialKey, TrialResult]:
        """The trials by their keys."""
        return {trial.key: trial for trial in self.trials}

    def updated(self, newer: "Baseline", *, partial: bool) -> "Baseline":
        """This one, with the trials of a newer run in place of its own.

        Args:
            newer: the run; other suites and models stay as they are.
            partial: whether it ran only some scenarios of its suites; the others stay. A
                whole run replaces them all, so that a scenario which was deleted goes.
        """

        def place(trial: TrialResult) -> tuple[str, ...]:
            key = trial.key
            return (*key.scenario_key[: 2 if partial else 1], key.model)

        replaced = {place(each) for each in newer.trials}
        stay = [each for each in self.trials if place(each) not in replaced]
        trials = sorted([*stay, *newer.trials], key=_order)
        suites = {suite.name: suite for suite in (*self.suites, *newer.suites)}
        named = {each.key.suite for each in trials}
        return Baseline(
            suites=tuple(suite for name, suite in sorted(suites.items()) if name in named),
            trials=tuple(trials),
        )

    def _lines(self) -> Iterator[str]:
        yield "{"
        yield f'"schema": {SCHEMA},'
        yield f'"models": {_written(self.models)},'
        yield from _listed("suites", [_SuiteLine.of(each) for each in self.suites], end=",")
        yield from _listed("trials", [_TrialLine.of(each) for each in self.trials], end="")
        yield "}\n"


class _BaselineLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _DecisionLine(_BaselineLine):
    turn: int
    expected: str
    actual: str
    outcome: Outcome
    cascaded: bool = False
    place: str = ""


class _CheckLine(_BaselineLine):
    check: str
    turn: int | None = None


class _SuiteLine(_BaselineLine):
    name: str
    path: str
    sha256: str
    agent: str

    @classmethod
    def of(cls, suite: KeptSuite) -> "_SuiteLine":
        return cls(**asdict(suite))

    def value(self) -> KeptSuite:
        return KeptSuite(**self.model_dump())


class _TrialLine(_BaselineLine):
    model: str
    suite: str
    scenario: str
    id: str = ""
    number: int
    scenario_sha256: str
    status: Status
    decisions: list[_DecisionLine]
    failed: list[_CheckLine] = []
    digest: str = ""

    @classmethod
    def of(cls, trial: TrialResult) -> "_TrialLine":
        return cls(
            **asdict(trial.key),
            scenario_sha256=trial.scenario_sha256,
            status=trial.status,
            decisions=[
                _DecisionLine(
                    turn=each.turn,
                    expected=each.expected,
                    actual=each.actual,
                    outcome=each.outcome,
                    cascaded=not each.on_path,
                    place=each.place,
                )
                for each in trial.decisions
            ],
            failed=[_CheckLine(check=each.check, turn=each.turn) for each in trial.failed],
            digest=trial.digest,
        )

    def value(self) -> TrialResult:
        return TrialResult(
            key=TrialKey(
                suite=self.suite,
                scenario=self.scenario,
                id=self.id,
                model=self.model,
                number=self.number,
            ),
            scenario_sha256=self.scenario_sha256,
            status=self.status,
            decisions=tuple(
                Decision(
                    turn=each.turn,
                    expected=each.expected,
                    actual=each.actual,
                    outcome=each.outcome,
                    on_path=not each.cascaded,
                    place=each.place,
                )
                for each in self.decisions
            ),
            failed=tuple(FailedCheck(check=each.check, turn=each.turn) for each in self.failed),
            digest=self.digest,
        )


class _File(_BaselineLine):
    number: int = Field(alias="schema")
    models: list[str]
    suites: list[_SuiteLine]
    trials: list[_TrialLine]

    def value(self) -> Baseline:
        return Baseline(
            suites=tuple(each.value() for each in self.suites),
            trials=tuple(sorted((each.value() for each in self.trials), key=_order)),
        )


def _order(trial: TrialResult) -> tuple[str, str, str, int]:
    key = trial.key
    return key.model, key.suite, key.scenario, key.number


def _listed(name: str, lines: Sequence[BaseModel], *, end: str) -> Iterator[str]:
    yield f'"{name}": ['
    for number, line in enumerate(lines, 1):
        comma = "," if number < len(lines) else ""
        yield f"  {_written(line.model_dump(exclude_defaults=True))}{comma}"
    yield f"]{end}"


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def scenario_sha256(scenario: Scenario, *, caller: CallingModelRecord | None = None) -> str:
    """Of what the caller says and what is expected: its place and its tags don't matter.

    The first 16 digits, which are enough to tell that it changed.
    """
    meant = {"turns": _said_so(scenario.turns), "userdata": _said_so(scenario.userdata)}
    if caller := _said_so(scenario.caller):
        meant["caller"] = caller
    if scenario.is_open and caller is not None:
        meant["called by"] = _said_so(caller)
    if scenario.is_open and scenario.instructions:
        meant["instructions"] = scenario.instructions
    if whole := _said_so(scenario.conversation):
        meant["conversation"] = whole
    names = ("expect", "opening", "mocks", "job", "judges")
    further = {name: getattr(scenario, name) for name in names}
    meant.update({name: _said_so(value) for name, value in further.items() if value})
    if scenario.modality != "text":
        meant["modality"] = scenario.modality
    text = json.dumps(meant, sort_keys=True, ensure_ascii=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _said_so(value: Any) -> Any:
    """What a scenario says, as JSON; what it leaves out is not in there.

    So a key that a later version knows changes nothing for scenarios that do not use it.
    """
    if is_dataclass(value):
        given = {each.name: getattr(value, each.name) for each in fields(value)}
        left_out = {each.name: _default(each) for each in fields(value)}
        return {name: _said_so(each) for name, each in given.items() if each != left_out[name]}
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {name: _said_so(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_said_so(each) for each in value]
    return value


def _default(of: dataclasses.Field[Any]) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()
