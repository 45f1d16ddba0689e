"""`handoff-evals plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import epilog
from handoff_evals.errors import UsageError
from handoff_evals.terminal import echo

if TYPE_CHECKING:
    from handoff_evals.comparison import Past

PLAN_EPILOG = epilog(
    ("plan evals/triage --trials 3", ""),
    ("plan --by runs/20260101-120000", "as that run did"),
)


def plan(
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE]...", help="Scenario files, or folders.", show_default=False
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials of each scenario.")] = 1,
    margin: Annotated[
        float | None,
        typer.Option(
            help="The share of scenarios that you would accept to lose. "
            "(default: `margin` of pyproject.toml, or 0.1)",
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[float, typer.Option(help="The chance of a false verdict.")] = 0.05,
    by: Annotated[
        Path | None,
        typer.Option(
            "--by",
            metavar="RUN",
            help="An earlier run to go by: how often it passed, its calls, tokens and time.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Of this model of the earlier run.")
    ] = None,
) -> None:
    """Say what a suite will be able to show, and what it takes; nothing is run."""
    from handoff_evals.checks import expect_keys, load_checks
    from handoff_evals.comparison import plan as planned
    from handoff_evals.config import read_config
    from handoff_evals.scenarios import discover, load_suite
    from handoff_evals.stats import Terms

    margin = read_config(Path.cwd()).margin if margin is None else margin
    for name, share in (("--margin", margin), ("--alpha", alpha)):
        if not 0 < share < 1:
            raise UsageError(f"{name} {share:g}: give a share between 0 and 1")
    paths = discover(suites or (), folder=Path.cwd())
    load_checks(Path.cwd())
    read = [load_suite(path, keys=expect_keys()) for path in paths]
    found = [suite for suite in read if suite.scenarios]
    if not found:
        raise UsageError(f"no scenario in {', '.join(map(str, paths))} has `turns`")
    past = None if by is None else _past(by, model)
    terms = Terms(alpha=alpha, margin=margin)
    for line in planned(found, trials=trials, terms=terms, past=past).sentences:
        echo(line)


def _past(run: Path, model: str | None) -> "Past":
    from handoff_evals.comparison import Past
    from handoff_evals.results import RunFolder

    folder = RunFolder.open(run)
    models = folder.manifest.models
    if model is None and len(models) == 1:
        [model] = models
    if model not in models:
        asked = "name one with -m" if model is None else f"not of {model!r}"
        raise UsageError(f"{str(run)!r} has trials of {', '.join(models)}; {asked}")
    past = Past.of(trial for trial in folder.trials() if trial.key.model == model)
    if past is None:
        raise UsageError(f"{str(run)!r} has no scored trial of {model!r} to go by")
    return past
