"""`handoff-evals diff`."""

import contextlib
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import ExitCode, by_verdict, epilog, say
from handoff_evals.cli.report_command import check_place, difference_page, write_page
from handoff_evals.errors import UsageError
from handoff_evals.event_loop import run_to_end
from handoff_evals.terminal import json_alone, print_json, to_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handoff_evals.comparison import Difference
    from handoff_evals.diff import DiffRequest, Progress
    from handoff_evals.terminal import Console

_SIDE = "A git ref, `.` (the working tree), a finished run's folder, or a baseline file."
_SIDES = "Sides"
_TRIALS = "Trials"
_VERDICT = "Verdict"
_OUTPUT = "Output"

DIFF_EPILOG = epilog(
    ("diff", "the working tree against where its branch left main"),
    ("diff v1.2 -s evals/triage -m my_models:gpt --trials 3", ""),
    ("diff --a runs/before --b runs/after", ""),
)


def diff(
    ref: Annotated[
        str | None,
        typer.Argument(
            metavar="REF",
            help="What the working tree is compared with. (default: where the branch left main)",
            show_default=False,
        ),
    ] = None,
    a: Annotated[
        str | None, typer.Option("--a", metavar="SIDE", help=_SIDE, rich_help_panel=_SIDES)
    ] = None,
    b: Annotated[
        str,
        typer.Option(
            "--b",
            metavar="SIDE",
            help="The side that is judged; as --a.",
            rich_help_panel=_SIDES,
        ),
    ] = ".",
    suites: Annotated[
        list[str] | None,
        typer.Option(
            "--suites",
            "-s",
            help="Scenario files, or folders of them. Repeatable.",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    caller: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="As for `run`; the same on both sides.",
            rich_help_panel=_TRIALS,
        ),
    ] = "",
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="As for `run`. (default: local)", rich_help_panel=_TRIALS
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pairs of trials per scenario. (default: as many as a kept side has, or 1)",
            show_default=False,
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="The seed that each trial's is from, on both sides.", rich_help_panel=_TRIALS
        ),
    ] = 0,
    fixed: Annotated[
        bool,
        typer.Option(
            "--fixed",
            help="Run all scenarios, also once the verdict is clear.",
            rich_help_panel=_VERDICT,
        ),
    ] = False,
    margin: Annotated[
        float | None,
        typer.Option(
            help="The share of scenarios that you would accept to lose. "
            "(default: `margin` of pyproject.toml, or 0.1)",
            show_default=False,
            rich_help_panel=_VERDICT,
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="The chance of a false verdict.", rich_help_panel=_VERDICT)
    ] = 0.05,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where both sides are kept; with the same folder a diff goes on. "
            "(default: runs/diff-TIME)",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the result, with both sides' conversations, as one HTML file.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=_OUTPUT)
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print no progress and no tables.", rich_help_panel=_OUTPUT
        ),
    ] = False,
) -> None:
    """Say what an edit of your agents did to the handoffs: improved, regressed, or can't tell.

    Both versions run the same scenarios on the same model with the same seeds, in
    pairs: all of them up to 60 scenarios, and above until the verdict is clear.
    Where a model gets the same request on both sides, it is asked once.

    Exit codes: 0 improved, or no difference larger than --margin; 1 regressed;
    3 too much unscored; 4 can't tell.
    """
    from handoff_evals.config import read_config
    from handoff_evals.diff import DiffRequest
    from handoff_evals.diff import as_json as written
    from handoff_evals.reports import print_difference
    from handoff_evals.stats import Terms
    from handoff_evals.terminal import Console

    if ref is not None and a is not None:
        raise UsageError(f"{ref!r} and --a {a!r} both name the side to compare with: leave one out")
    check_place(html)
    config = read_config(Path.cwd())
    margin = config.margin if margin is None else margin
    for name, share in (("--margin", margin), ("--alpha", alpha)):
        if not 0 < share < 1:
            raise UsageError(f"{name} {share:g}: give a share between 0 and 1")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    request = DiffRequest(
        a=ref if a is None else a,
        b=b,
        suites=suites or (),
        model=model,
        caller=caller,
        trials=trials,
        seed=seed,
        terms=Terms(alpha=alpha, margin=margin, fixed=fixed),
        out=out or Path("runs") / f"diff-{stamp}",
        turn_s=config.turn_timeout,
    )
    with json_alone(wanted=as_json):
        found = _run(request, Console(stderr=True, quiet=quiet))
    if found is None:
        again = f"Go on with the same command and --out {shlex.quote(str(request.out))}"
        say(Console(stderr=True), [f"interrupted; the finished trials are kept. {again}"])
        raise typer.Exit(ExitCode.INTERRUPTED)
    if html is not None:
        write_page(difference_page(found), html)
    with to_reader() as console:
        if as_json:
            print_json(written(found))
        elif not quiet:
            print_difference(console, found)
    raise typer.Exit(_exit_code(found, max_unscored=config.max_unscored))


def _exit_code(found: "Difference", *, max_unscored: float) -> ExitCode:
    if found.unscored > max_unscored:
        return ExitCode.INVALID
    return by_verdict(found.judged.verdict)


def _run(request: "DiffRequest", console: "Console") -> "Difference | None":
    from handoff_evals.diff import diff as compare

    try:
        with _progress(console) as done:
            return run_to_end(compare(request, done))
    except KeyboardInterrupt:
        return None


@contextlib.contextmanager
def _progress(console: "Console") -> "Iterator[Callable[[Progress], None]]":
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, counts="")

        def done(progress: "Progress") -> None:
            finished = sum(progress.ways.values())
            counts = " ".join(f"{number} {way}" for way, number in progress.ways.items())
            bar.update(
                task,
                description=progress.what,
                total=progress.total or None,
                completed=finished,
                counts=counts,
            )

        yield done
