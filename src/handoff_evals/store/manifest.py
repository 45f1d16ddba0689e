"""What a run was: enough to repeat it, and to refuse to compare what can't be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff_evals.store.price import Price

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


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user typed, so that a run can be taken up again."""

    suites: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


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
