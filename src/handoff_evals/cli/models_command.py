"""`handoff-evals models`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from handoff_evals.cli.output import ExitCode


def models(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Check these instead.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Ask every model that is ready for a word.")
    ] = False,
) -> None:
    """List the models that `--model` can name, and what is missing to use the others.

    [bold]Examples[/bold]

    handoff-evals models

    handoff-evals models --check openai/gpt-4.1-mini http://127.0.0.1:8080/v1#qwen
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from handoff_evals.models import Listed, listing
    from handoff_evals.models import check as ask

    folder = Path.cwd()
    listed = [Listed(name=name, what="") for name in names] if names else listing(folder)
    ready = [each.name for each in listed if each.checkable and not each.lacks]
    answers = asyncio.run(ask(ready, folder=folder)) if check or names else {}
    table = Table(box=SIMPLE_HEAD)
    for column in ("model", "what", "state"):
        table.add_column(column, overflow="fold")
    for each in listed:
        state = answers.get(each.name) or (f"needs {each.lacks}" if each.lacks else "ready")
        table.add_row(Text(each.name), Text(each.what), Text(state))
    Console().print(table)
    if any(answer.startswith("fails") for answer in answers.values()):
        raise typer.Exit(ExitCode.GATE_FAILED)
