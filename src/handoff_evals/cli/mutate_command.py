"""`handoff-evals mutate`."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import ExitCode, epilog, say
from handoff_evals.terminal import json_alone, print_json

if TYPE_CHECKING:
    from handoff_evals.mutation import MutationRun, Result, Session
    from handoff_evals.terminal import Console

_MUTANTS = "Mutants"
_OUTPUT = "Gate and output"

MUTATE_EPILOG = epilog(
    ("mutate", "all agents that evals/ is about"),
    ("mutate agents/triage.py --min-score 0.95", ""),
    ("mutate my_agents --tests tests/test_handoffs.py", ""),
    ("mutate --list --operator context-not-passed", "break nothing"),
)


def mutate(
    modules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODULE_OR_FILE",
            help="What to break. (default: the agents of the scenario files under evals/)",
            show_default=False,
        ),
    ] = None,
    tests: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Tests that should notice, as for pytest. Repeatable. (default: those under "
            "evals/ that import the module)",
            rich_help_panel=_MUTANTS,
        ),
    ] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only this way of breaking. Repeatable.", rich_help_panel=_MUTANTS
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Mutants at once. (default: one per processor)",
            rich_help_panel=_MUTANTS,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Seconds until a mutant is killed. (default: five times what the tests take, "
            "plus ten)",
            rich_help_panel=_MUTANTS,
        ),
    ] = None,
    deselect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Leave out the mutants with this in their id, PATH::SCOPE::OPERATOR::WHAT. "
            "Repeatable.",
            rich_help_panel=_MUTANTS,
        ),
    ] = None,
    listed: Annotated[
        bool,
        typer.Option(
            "--list",
            help="Print the ids of what would be broken. The tests run once, unbroken.",
            rich_help_panel=_MUTANTS,
        ),
    ] = False,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Exit 1 when the score over all is below.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as JSON.", rich_help_panel=_OUTPUT)
    ] = False,
) -> None:
    """Break agents the way people break them, and tell which breakages the tests notice.

    Each mutant is the module with one breakage, in memory: no file is changed. It
    is killed when a test fails, and survives when all of them pass.
    """
    from handoff_evals.mutation import Session, chosen_operators, select
    from handoff_evals.terminal import Console

    folder = Path.cwd()
    session = Session(
        select(modules or (), tests=tests or (), folder=folder),
        operators=chosen_operators(operator or ()),
        folder=folder,
        jobs=jobs or os.cpu_count() or 1,
        timeout_s=timeout,
        deselect=deselect or (),
    )
    noise = Console(stderr=True)
    if listed:
        session.prepare()
        session.close()
        say(noise, session.notes)
        _list(session)
        return
    with json_alone(wanted=as_json):
        interrupted = _execute(session, noise)
    say(noise, session.notes)
    run = session.run
    _report(run, as_json=as_json)
    if interrupted:
        say(noise, ["interrupted; the results are of the mutants that were finished"])
        raise typer.Exit(ExitCode.INTERRUPTED)
    code, reasons = verdict(run, min_score=min_score)
    say(noise, reasons)
    raise typer.Exit(code)


def verdict(run: "MutationRun", *, min_score: float | None) -> tuple[ExitCode, tuple[str, ...]]:
    """Turn a run into an exit code, and say why it is not 0."""
    unjudged = [
        each
        for each in run.results
        if each.status == "unjudged" or (run.score is None and each.status == "invalid")
    ]
    if run.score is None or unjudged:
        number = f"{len(unjudged)} of {len(run.results)}"
        return ExitCode.INVALID, (f"invalid: {number} mutants have no verdict",)
    if min_score is not None and run.score < min_score:
        survived = sum(len(module.survivors) for module in run.modules)
        reason = f"score {run.score:.3f} is below --min-score {min_score:g}: {survived} survived"
        return ExitCode.GATE_FAILED, (reason,)
    return ExitCode.OK, ()


def _execute(session: "Session", console: "Console") -> bool:
    """Run it with a progress bar.

    Returns:
        Whether it was interrupted.
    """
    try:
        with _progress(console) as (begin, done):
            session.prepare()
            begin(session.total)
            for result in session.results():
                done(result)
    except KeyboardInterrupt:
        session.close()
        return True
    return False


@contextlib.contextmanager
def _progress(
    console: "Console",
) -> Iterator[tuple[Callable[[int], None], Callable[["Result"], None]]]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    counts = {"killed": 0, "survived": 0, "invalid": 0, "unjudged": 0}
    columns = (
        TextColumn("mutants"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, counts="the tests without a mutant first")

        def begin(total: int) -> None:
            progress.update(task, total=total, counts="")

        def done(result: "Result") -> None:
            counts[result.status] += 1
            shown = " ".join(f"{number} {status}" for status, number in counts.items() if number)
            progress.update(task, advance=1, counts=shown)

        yield begin, done


def _list(session: "Session") -> None:
    from handoff_evals.reports import print_mutants
    from handoff_evals.terminal import Console

    for path, mutants in session.mutants.items():
        print_mutants(Console(), path, mutants)


def _report(run: "MutationRun", *, as_json: bool) -> None:
    from handoff_evals.reports import mutation_json, print_mutation
    from handoff_evals.terminal import Console

    if as_json:
        print_json(json.dumps(mutation_json(run), indent=2))
    else:
        print_mutation(Console(), run)
