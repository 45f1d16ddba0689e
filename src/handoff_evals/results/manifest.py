"""What a run was asked to be: the models, the suites, the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handoff_evals.scenarios import Watch
from handoff_evals.stats import Confusion
from handoff_evals.transcript import Usage

SCHEMA = 2


@dataclass(frozen=True, kw_only=True)
class Price:
    """In one currency, per million tokens."""

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """What so many tokens cost."""
        return (usage.prompt * self.prompt + usage.completion * self.completion) / 1e6


@dataclass(frozen=True, kw_only=True)
class ModelTraits:
    """What has to be known of a model's answers to report and compare them; no name says it."""

    reference: bool = False
    """A rule answers, and no real model."""
    deterministic: bool = False
    """The same is answered whenever the same is asked."""
    plays_scenario: bool = False
    """The scenario says what to answer, so that there is no answer without one."""
    agents_own: bool = False
    """Each agent's own model answers."""

    @property
    def expected_to_fail(self) -> bool:
        """Whether failing is what it is for: its figures are of interest, not its failures."""
        return self.reference and not self.plays_scenario


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
    watch: Watch = field(default_factory=Watch)
    """What its conversations were asked for besides; nothing in runs of older versions."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """LiveKit's ids, by the scenario's label, of those that have one."""
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the scenario's label, of those that have any; empty in runs of older versions."""
    agent_version: Mapping[str, str] = field(default_factory=dict)
    """Digests of what the agents are when they are opened, by what messages call it."""


@dataclass(frozen=True, kw_only=True)
class CallingModelRecord:
    """The model that played the callers of a run; another option or brief is another caller."""

    model: str
    """Its label."""
    options: Mapping[str, Any] = field(default_factory=dict)
    brief: str = ""
    """Which version of the rules it plays by."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What the user asked for, so that a run can be resumed."""

    suites: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    drivers: tuple[str, ...] = ()
    """Empty for the one that each file names."""
    cassettes: str = "off"
    """The mode of the cassettes."""
    cassette_folders: tuple[str, ...] = ()
    """From the project's folder; the first is written to."""
    caller: str = ""
    """The model that plays callers, as `--caller` takes it; empty for none."""
    judge: str = ""
    """Who judges, as `--judge` takes it; empty where nobody was asked."""


@dataclass(frozen=True, kw_only=True)
class JudgeStanding:
    """What is known of one judge before the run begins."""

    gates: bool
    """Whether its scores count: it is calibrated well enough."""
    why: str
    """In words, as for a reader."""
    errors: Confusion | None = None
    """The judge against labels, where it was calibrated."""


@dataclass(frozen=True, kw_only=True)
class JudgeRecord:
    """Who judges a run."""

    model: str
    """The label of the model that judges, or `rule`."""
    standings: Mapping[str, JudgeStanding] = field(default_factory=dict)
    """By the judge's name."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Written when the run starts; the agents' versions, once they are opened."""

    created_at: str
    """UTC, ISO 8601."""
    command: tuple[str, ...]
    suites: tuple[SuiteRecord, ...]
    models: tuple[str, ...]
    """The models' labels, as they are in every report."""
    trials: int
    seed: int
    asked: RunSettings = field(default_factory=RunSettings)
    versions: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    git_dirty: bool = False
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By the model's label, where one is known."""
    traits: Mapping[str, ModelTraits] = field(default_factory=dict)
    """By the model's label; none in a run of an earlier version."""
    drivers: Mapping[str, str] = field(default_factory=dict)
    """By the model's label, where a run compares drivers: then each has a label of its own."""
    caller: CallingModelRecord | None = None
    """What played the callers of scenarios without turns; None where their own rules did."""
    notes: tuple[str, ...] = ()
    """What a reader has to know about a model, as the limits of the local one."""
    judge: JudgeRecord | None = None
    """Who judges it beside the checks; None where nobody was asked."""
    schema: int = SCHEMA

    @property
    def deterministic(self) -> frozenset[str]:
        """The labels of the models that answer the same whenever the same is asked."""
        return frozenset(label for label, each in self.traits.items() if each.deterministic)
