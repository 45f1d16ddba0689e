"""`handoff-evals diff`."""

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import ExitCode, by_verdict, to_reader
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from handoff_evals.comparison import Difference
    from handoff_evals.diff import DiffRequest, Progress


_MAX_UNSCORED = 0.05
_SIDE = "A git ref, `.` (the working tree), a finished run's folder, or a baseline file."


def diff(
    ref: Annotated[
        str | None,
        typer.Argument(
            metavar="REF",
            help="What the working tree is compared with. (default: where the branch left main)",
            show_default=False,
        ),
    ] = None,
    a: Annotated[str | None, typer.Option("--a", metavar="SIDE", help=_SIDE)] = None,
    b: Annotated[
        str, typer.Option("--b", metavar="SIDE", help="As --a; the one that is judged.")
    ] = ".",
    suites: Annotated[
        list[str] | None,
        typer.Option("--suites", "-s", help="Scenario files, or folders. Repeatable."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="As `run` takes it. (default: local)"),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pairs of conversations per scenario. (default: as many as a kept side has, or 1)",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the trials, the same on both sides.")] = 0,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Run everything, and look at it once.")
    ] = False,
    margin: Annotated[
        float, typer.Option(help="The share of scenarios that you would accept to lose.")
    ] = 0.1,
    alpha: Annotated[float, typer.Option(help="The chance of a false verdict.")] = 0.05,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where both sides are kept; a second diff goes on. (default: runs/diff-TIME)",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no tables.")] = False,
) -> None:
    """Say what an edit of your agents did to the handoffs: improved, regressed, or can't tell.

    Both versions run the same scenarios on the same model and the same seeds, in pairs: all of
    them up to 60 scenarios, and above until it is clear. Where a model receives the same on both
    sides it is asked once.

    Exit codes: 0 improved, or no difference larger than --margin; 1 regressed; 3 too much
    unscored; 4 can't tell.

    [bold]Examples[/bold]

    handoff-evals diff  [dim]the working tree against where its branch left main[/dim]

    handoff-evals diff v1.2 -s evals/triage -m my_models:gpt --trials 3

    handoff-evals diff --a runs/before --b runs/after
    """
    from rich.console import Console

    from handoff_evals.diff import DiffRequest
    from handoff_evals.diff import as_json as written
    from handoff_evals.reports import print_difference
    from handoff_evals.stats import Terms

    if ref is not None and a is not None:
        raise UsageError(f"{ref!r} and --a {a!r} both name the side to compare with: leave one out")
    for name, share in (("--margin", margin), ("--alpha", alpha)):
        if not 0 < share < 1:
            raise UsageError(f"{name} {share:g}: give a share between 0 and 1")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    request = DiffRequest(
        a=ref if a is None else a,
        b=b,
        suites=suites or (),
        model=model,
        trials=trials,
        seed=seed,
        terms=Terms(alpha=alpha, margin=margin, fixed=fixed),
        out=out or Path("runs") / f"diff-{stamp}",
    )
    noise = Console(stderr=True, quiet=quiet)
    found = _held(request, noise)
    if found is None:
        noise.print(f"interrupted; what is finished is kept: --out {request.out}", style="yellow")
        raise typer.Exit(ExitCode.INTERRUPTED)
    with to_reader() as console:
        if as_json:
            typer.echo(written(found), nl=False)
        elif not quiet:
            print_difference(console, found)
    raise typer.Exit(exit_code(found))


def exit_code(found: "Difference") -> ExitCode:
    """What a script has to know of it."""
    if found.unscored > _MAX_UNSCORED:
        return ExitCode.INVALID
    return by_verdict(found.judged.verdict)


def _held(request: "DiffRequest", console: "Console") -> "Difference | None":
    from handoff_evals.diff import diff as compare

    try:
        with _shown(console) as heard:
            return asyncio.run(compare(request, heard))
    except KeyboardInterrupt:
        return None


@contextlib.contextmanager
def _shown(console: "Console") -> "Iterator[Callable[[Progress], None]]":
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, counts="")

        def heard(progress: "Progress") -> None:
            run = sum(progress.ways.values())
            counts = " ".join(f"{number} {way}" for way, number in progress.ways.items())
            bar.update(
                task,
                description=progress.what,
                total=progress.total or None,
                completed=run,
                counts=counts,
            )

        yield heard
