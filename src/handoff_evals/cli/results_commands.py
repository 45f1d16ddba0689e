"""`handoff-evals show` and `compare`: commands over finished runs."""

import json
from difflib import get_close_matches
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import to_reader
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from handoff_evals.results import RunFolder, Trial


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [LABEL]",
            help="A second run, to see both side by side; a scenario, or a part of its label.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Of this model only.")] = None,
    received: Annotated[
        bool, typer.Option("--received", help="Also print what each model received.")
    ] = False,
) -> None:
    """Print the conversations of a run, with their events.

    Without a LABEL it prints the run's tables, and the trials that there are. With a second RUN
    it prints the same conversation of both side by side, marked where they part.
    """
    from handoff_evals.results import RunFolder

    folder = RunFolder.open(run)
    other, label = _second(words or [])
    if label is None:
        _overview(folder)
    elif other is None:
        for trial in _chosen(folder, label, model):
            _print_trial(trial, received=received)
    else:
        _print_both(folder, RunFolder.open(other), label, model)


def _second(words: list[str]) -> tuple[Path | None, str | None]:
    """The second run and the label, each of which may be left out."""
    match words:
        case []:
            return None, None
        case [label] if not (Path(label) / "manifest.json").is_file():
            return None, label
        case [run, label]:
            return Path(run), label
        case [run]:
            raise UsageError(f"{run!r} is a second run: which conversation? Add a LABEL")
    raise UsageError(f"{words!r}: write `show RUN [RUN] [LABEL]`, a label in quotes")


def _chosen(folder: "RunFolder", label: str, model: str | None) -> list["Trial"]:
    """The trials of a scenario that is named, or of all whose label contains it.

    Raises:
        UsageError: when there are none.
    """
    found = [
        trial
        for trial in folder.trials()
        if label.casefold() in trial.key.scenario.casefold()
        and (model is None or trial.key.model == model)
    ]
    exact = [trial for trial in found if trial.key.scenario == label]
    if not found:
        there = [trial.key for trial in folder.trials()]
        if not there:
            raise UsageError(f"{str(folder.path)!r} has no finished trial")
        models = sorted({key.model for key in there})
        if model is not None and model not in models:
            raise UsageError(
                f"{str(folder.path)!r} has no trial of --model {model!r}; there are "
                f"{', '.join(models)}"
            )
        labels = sorted({key.scenario for key in there})
        close = get_close_matches(label, labels, n=3, cutoff=0.3) or labels[:3]
        shown = ", ".join(repr(each) for each in close)
        raise UsageError(
            f"{str(folder.path)!r} has no scenario {label!r} among its {len(labels)}; near are "
            f"{shown}"
        )
    return exact or found


def _print_both(a: "RunFolder", b: "RunFolder", label: str, model: str | None) -> None:
    from rich.console import Console

    from handoff_evals.reports import first_request, side_by_side

    # Models may go by another name on the other side: the only one of each run is meant.
    others = {_place(trial): trial for trial in _chosen(b, label, model)}
    pairs = [
        (trial, others[_place(trial)])
        for trial in _chosen(a, label, model)
        if _place(trial) in others
    ]
    if not pairs:
        raise UsageError(
            f"{str(a.path)!r} and {str(b.path)!r} have no trial of {label!r} in common"
        )
    for one, other in pairs:
        key = one.key
        typer.secho(
            f"{key.suite} / {key.scenario}  ·  {key.model}  ·  trial {key.number + 1}, "
            f"seed {one.seed}",
            bold=True,
        )
        Console().print(side_by_side(one, other, names=(str(a.path), str(b.path))))
        typer.echo(f"{first_request(one.transcript, other.transcript)}\n")


def _place(trial: "Trial") -> tuple[str, str, int]:
    return trial.key.suite, trial.key.scenario, trial.key.number


def _print_trial(trial: "Trial", *, received: bool) -> None:
    from handoff_evals.reports import conversation

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
            if score.traceback:
                typer.echo(indent(score.traceback.rstrip(), "    "))
    if received:
        from handoff_evals.reports import received_text

        typer.echo(received_text(trial.transcript))
    typer.echo("")


def _overview(folder: "RunFolder") -> None:
    from rich.console import Console

    from handoff_evals.reports import print_run
    from handoff_evals.results import summarise

    print_run(Console(), summarise(folder.trials(), folder.manifest), notes=folder.manifest.notes)
    for trial in folder.trials():
        key = trial.key
        typer.echo(f"{trial.status:9} {key.model}  {key.suite} / {key.scenario} #{key.number + 1}")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A summary for a pull request.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Hold models side by side: better, worse or can't tell, pair by pair.

    One run of several models, or several runs of the same suites and agents. A difference is
    called one only when its p-value, adjusted for the number of pairs, is at most 0.05.

    [bold]Examples[/bold]

    handoff-evals compare runs/20260101-120000

    handoff-evals compare runs/small runs/large --json
    """
    from handoff_evals.cli.output import wanted, write_markdown
    from handoff_evals.comparison import compare_runs
    from handoff_evals.reports import comparison_json, comparison_markdown, print_comparison

    compared = compare_runs(runs)
    sides = [(side.name, side.summary) for side in compared.sides]
    if wanted(markdown):
        write_markdown(comparison_markdown(sides, compared.pairs), markdown)
    with to_reader() as console:
        if as_json:
            typer.echo(json.dumps(comparison_json(sides, compared.pairs), indent=2))
        else:
            print_comparison(console, sides, compared.pairs)
