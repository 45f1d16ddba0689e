"""`handoff-evals compare`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from handoff_evals.cli.reader import to_reader


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
    from handoff_evals.assembly.compare import compare_runs
    from handoff_evals.cli.markdown import wanted, write_markdown
    from handoff_evals.reports.compare_report import comparison_json, print_comparison
    from handoff_evals.reports.markdown import comparison_markdown

    compared = compare_runs(runs)
    sides = [(side.name, side.summary) for side in compared.sides]
    if wanted(markdown):
        write_markdown(comparison_markdown(sides, compared.pairs), markdown)
    with to_reader() as console:
        if as_json:
            typer.echo(json.dumps(comparison_json(sides, compared.pairs), indent=2))
        else:
            print_comparison(console, sides, compared.pairs)
