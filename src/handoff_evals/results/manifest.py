"""What a run was: enough to repeat it, and to refuse to compare what can't be compared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any

from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import Usage


@dataclass(frozen=True, kw_only=True)
class Price:
    """In one currency, per million tokens."""

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """What so many tokens cost."""
        return (usage.prompt * self.prompt + usage.completion * self.completion) / 1e6


def scenario_sha256(scenario: Scenario) -> str:
    """Of what the caller says and what is expected: its place and its tags don't matter.

    The first 16 digits, which are enough to tell that it changed.
    """
    meant = {"turns": _said_so(scenario.turns), "userdata": _said_so(scenario.userdata)}
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
    if isinstance(value, Mapping):
        return {name: _said_so(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_said_so(each) for each in value]
    return value


def _default(of: Field[Any]) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()


SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class SuiteRecord:
    """One suite of a run. `agent_sha256` covers the agent's module and its project's."""

    name: str
    path: str
    sha256: str
    agent: str
    agent_sha256: str
    scenarios: tuple[str, ...]
    simulated: tuple[str, ...] = ()
    scenario_sha256: Mapping[str, str] = field(default_factory=dict)
    """By the scenario's label; empty in runs of older versions."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user asked for, so that a run can be resumed."""

    suites: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    cassettes: str = "off"
    """The mode of the cassettes."""
    cassette_folders: tuple[str, ...] = ()
    """From the project's folder; the first is written to."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Written once, when the run starts."""

    created_at: str
    """UTC, ISO 8601."""
    command: tuple[str, ...]
    suites: tuple[SuiteRecord, ...]
    models: tuple[str, ...]
    """The models' labels, as they stand in every report."""
    trials: int
    seed: int
    asked: Asked = field(default_factory=Asked)
    versions: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    git_dirty: bool = False
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By the model's label, where one is known."""
    notes: tuple[str, ...] = ()
    """What a reader has to know about a model, as the limits of the local one."""
    schema: int = SCHEMA
