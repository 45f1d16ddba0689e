"""A run that is kept, for later runs to be held against.

One JSON file for the project's repository: what each trial's decisions came to, and no
word of what was said. A trial a line and everything sorted, so that `git diff` shows what
an update changed.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_evals.checks import Decision, Outcome, Status
from handoff_evals.errors import UsageError
from handoff_evals.results.manifest import scenario_sha256
from handoff_evals.results.trial import FailedCheck, Trial, TrialKey, TrialResult
from handoff_evals.scenarios import Suite

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
    def of(cls, trials: Iterable[Trial], suites: Sequence[Suite]) -> "Baseline":
        """Keep a run; its transcripts are let go."""
        hashes = {
            (suite.name, scenario.label): scenario_sha256(scenario)
            for suite in suites
            for scenario in suite.scenarios
        }
        kept = [
            TrialResult.of(each, scenario_sha256=hashes[each.key.suite, each.key.scenario])
            for each in trials
        ]
        return cls(
            suites=tuple(
                KeptSuite(name=suite.name, path=suite.path, sha256=suite.sha256, agent=suite.agent)
                for suite in sorted(suites, key=lambda each: each.name)
            ),
            trials=tuple(sorted(kept, key=_order)),
        )

    @classmethod
    def read(cls, path: Path) -> "Baseline":
        """Read the file.

        Raises:
            UsageError: when it is no baseline of this version.
        """
        try:
            data: Any = json.loads(path.read_bytes())
        except OSError as error:
            raise UsageError(f"baseline {str(path)!r} can't be read: {error}") from error
        except ValueError as error:
            raise UsageError(f"{path}: not a baseline, for it is no JSON: {error}") from error
        # First: another version's baseline has other fields, and this is why.
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != SCHEMA:
            raise UsageError(
                f"{path}: not a baseline of this version: it has schema {schema!r}, and this "
                f"version reads {SCHEMA}. Write it anew: `handoff-evals run --baseline {path} "
                "--update-baseline`"
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
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text("\n".join(self._lines()), "utf-8", "backslashreplace")
            temporary.replace(path)
        except OSError as error:
            raise UsageError(f"baseline {str(path)!r} can't be written: {error}") from error

    @property
    def models(self) -> tuple[str, ...]:
        """The models' labels, sorted."""
        return tuple(sorted({trial.key.model for trial in self.trials}))

    @cached_property
    def by_key(self) -> Mapping[TrialKey, TrialResult]:
        """The trials by which they are."""
        return {trial.key: trial for trial in self.trials}

    def updated(self, newer: "Baseline", *, partial: bool) -> "Baseline":
        """This one, with a newer run in place of what that one was about.

        Args:
            newer: the run; other suites and models stay as they are.
            partial: that it held some scenarios of its suites only; the others stay. A
                whole run replaces them all, so that a scenario which was deleted goes.
        """

        def place(trial: TrialResult) -> tuple[str, ...]:
            key = trial.key
            return (key.suite, key.model, *([key.scenario] if partial else []))

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


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _DecisionLine(_Line):
    turn: int
    expected: str
    actual: str
    outcome: Outcome
    cascaded: bool = False


class _CheckLine(_Line):
    check: str
    turn: int | None = None


class _SuiteLine(_Line):
    name: str
    path: str
    sha256: str
    agent: str

    @classmethod
    def of(cls, suite: KeptSuite) -> "_SuiteLine":
        return cls(**asdict(suite))

    def value(self) -> KeptSuite:
        return KeptSuite(**self.model_dump())


class _TrialLine(_Line):
    model: str
    suite: str
    scenario: str
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
                )
                for each in trial.decisions
            ],
            failed=[_CheckLine(check=each.check, turn=each.turn) for each in trial.failed],
            digest=trial.digest,
        )

    def value(self) -> TrialResult:
        return TrialResult(
            key=TrialKey(
                suite=self.suite, scenario=self.scenario, model=self.model, number=self.number
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
                )
                for each in self.decisions
            ),
            failed=tuple(FailedCheck(check=each.check, turn=each.turn) for each in self.failed),
            digest=self.digest,
        )


class _File(_Line):
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
