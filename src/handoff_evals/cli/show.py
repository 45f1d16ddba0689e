"""`handoff-evals show`."""

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from handoff_evals.store import RunFolder
    from handoff_evals.trial import Trial


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    label: Annotated[
        str | None, typer.Argument(metavar="[LABEL]", help="A scenario, or a part of its label.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Of this model only.")] = None,
    received: Annotated[
        bool, typer.Option("--received", help="Also print what each model received.")
    ] = False,
) -> None:
    """Print the conversations of a run, with their events.

    Without a LABEL it prints the run's tables, and the trials that there are.
    """
    from handoff_evals.store import RunFolder

    folder = RunFolder.open(run)
    if label is None:
        _overview(folder)
        return
    found = [
        trial
        for trial in folder.trials()
        if label.casefold() in trial.key.scenario.casefold()
        and (model is None or trial.key.model == model)
    ]
    exact = [trial for trial in found if trial.key.scenario == label]
    if not found:
        labels = sorted({trial.key.scenario for trial in folder.trials()})
        close = get_close_matches(label, labels, n=3, cutoff=0.3) or labels[:3]
        shown = ", ".join(repr(each) for each in close)
        raise UsageError(
            f"{str(run)!r} has no scenario {label!r} among its {len(labels)}; near are {shown}"
        )
    for trial in exact or found:
        _print_trial(trial, received=received)


def _print_trial(trial: "Trial", *, received: bool) -> None:
    from handoff_evals.reports.conversation import conversation

    key = trial.key
    marked = {index for score in trial.scores if score.status == "failed" for index in score.events}
    typer.secho(
        f"{key.suite} / {key.scenario}  ·  {key.model}  ·  trial {key.number + 1}, "
        f"seed {trial.seed}: {trial.status}",
        bold=True,
    )
    typer.echo(conversation(trial.transcript, marked=marked))
    for score in trial.scores:
        if score.status != "passed":
            turn = "" if score.turn is None else f" (turn {score.turn})"
            typer.echo(f"  {score.status} {score.name}{turn}: {score.reason}")
    if received:
        from handoff_evals.reports.received import received_text

        typer.echo(received_text(trial.transcript))
    typer.echo("")


def _overview(folder: "RunFolder") -> None:
    from rich.console import Console

    from handoff_evals.reports.run_report import print_run
    from handoff_evals.store import summarise

    print_run(Console(), summarise(folder.trials(), folder.manifest), notes=folder.manifest.notes)
    for trial in folder.trials():
        key = trial.key
        typer.echo(f"{trial.status:9} {key.model}  {key.suite} / {key.scenario} #{key.number + 1}")
