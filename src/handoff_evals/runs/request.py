"""What a run is asked to be, and the scenarios that this names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from handoff_evals.cassettes import Mode
from handoff_evals.checks import expect_keys, load_checks
from handoff_evals.config import Portion, ProjectConfig, read_config, redact_of
from handoff_evals.drivers import Limits
from handoff_evals.errors import UsageError
from handoff_evals.local_model import Endpoint
from handoff_evals.results import redacted_suite
from handoff_evals.runs.answering import suites_called
from handoff_evals.runs.lane import RetryPolicy
from handoff_evals.scenarios import Scenario, Suite, discover, load_suite


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a user asks a run to be."""

    suites: Sequence[str] = ()
    models: Sequence[str] = ("local",)
    drivers: Sequence[str] = ()
    """Who carries the caller's words; several compare them. Empty for what each file names."""
    trials: int = 1
    seed: int = 0
    only: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    limits: Limits = field(default_factory=Limits)
    concurrency: int = 16
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    max_tokens: int | None = None
    max_cost: float | None = None
    workers: int = 0
    """Processes that run the conversations; 0 for this one."""
    share: Portion = field(default_factory=Portion)
    """Which part of a model's limits a minute is for this process."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """Local models that another process serves already, by their names."""
    cassettes: Mode = Mode.OFF
    caller: str = ""
    """The model that plays the callers of scenarios without turns; empty for none."""
    judge: str = ""
    """Who judges: a model as `models` takes it, or `rule`; empty for nobody."""
    checks_from: Path | None = None
    """The folder whose `pyproject.toml` names the checks; None for `folder`."""
    cassette_folders: Sequence[Path] = (Path(ProjectConfig().cassettes),)
    """From the project's folder: the first is written to, all are read."""

    @classmethod
    def of_project(cls, folder: Path) -> "RunRequest":
        """A request with the limits and the cassettes' folder that the project sets.

        Raises:
            UsageError: when its `pyproject.toml` is not as it must be.
        """
        config = read_config(folder)
        return cls(
            folder=folder,
            limits=Limits(turn_s=config.turn_timeout, call_s=config.trial_timeout),
            retry_policy=RetryPolicy(retries=config.retries, breaker=config.breaker),
            max_tokens=config.max_tokens,
            cassette_folders=(Path(config.cassettes),),
        )


def load_suites(request: RunRequest) -> tuple[Suite, ...]:
    """Read the suites that were named, and keep the scenarios that were asked for.

    Raises:
        UsageError: when that leaves nothing, or two suites share a name.
    """
    load_checks(request.checks_from or request.folder)
    keys = expect_keys()
    files = discover(request.suites, folder=request.folder)
    found = [load_suite(path, keys=keys, folder=request.folder) for path in files]
    read = distinct(suites_called(found, request.caller))
    redact = redact_of(request.folder)
    kept = [
        redacted_suite(replace(suite, scenarios=_chosen(suite, request)), redact) for suite in read
    ]
    left = tuple(suite for suite in kept if suite.scenarios)
    if not left:
        raise UsageError(_nothing_left(read, request))
    return left


def distinct(suites: Sequence[Suite]) -> tuple[Suite, ...]:
    """The suites, if each has a name of its own: trials are told apart by it."""
    names = [suite.name for suite in suites]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        paths = [suite.path or "one made in Python" for suite in suites if suite.name == doubled]
        raise UsageError(f"two suites have the name {doubled!r}: {', '.join(paths)}")
    return tuple(suites)


def _chosen(suite: Suite, request: RunRequest) -> tuple[Scenario, ...]:
    wanted = [each.casefold() for each in request.only]
    return tuple(
        scenario
        for scenario in suite.scenarios
        if (not wanted or any(each in scenario.label.casefold() for each in wanted))
        and all(scenario.tags.get(name) == value for name, value in request.tags.items())
    )


def _nothing_left(read: Sequence[Suite], request: RunRequest) -> str:
    if request.only or request.tags:
        labels = [scenario.label for suite in read for scenario in suite.scenarios]
        asked = [*(f"--only {each!r}" for each in request.only)]
        asked += [f"--tag {name}={value}" for name, value in request.tags.items()]
        shown = ", ".join(repr(label) for label in labels[:8])
        more = f" and {len(labels) - 8} more" if len(labels) > 8 else ""  # noqa: PLR2004
        return f"no scenario fits {' '.join(asked)}; there are {shown}{more}"
    simulated = [label for suite in read for label in suite.simulated]
    return (
        f"nothing to run: {len(simulated)} scenarios have no `turns` and need a model that "
        "plays their caller: add `--caller MODEL`, or write `turns`, or `lines` under `caller`"
    )
