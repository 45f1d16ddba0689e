"""`handoff-evals compare`."""

from pathlib import Path
from typing import Annotated

import typer


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Hold models side by side: better, worse or can't tell, pair by pair.

    One run of several models, or several runs of the same suites and agents. A difference is
    called one only when its p-value, adjusted for the number of pairs, is at most 0.05.

    [bold]Examples[/bold]

    handoff-evals compare runs/20260101-120000

    handoff-evals compare runs/small runs/large --json
    """
    from pydantic import TypeAdapter
    from rich.console import Console

    from handoff_evals.assembly.compare import Compared, compare_runs
    from handoff_evals.reports.compare_report import print_comparison

    compared = compare_runs(runs)
    if as_json:
        typer.echo(TypeAdapter(Compared).dump_json(compared, indent=2).decode())
        return
    sides = ((side.name, side.summary) for side in compared.sides)
    print_comparison(Console(), sides, compared.pairs)
