"""`handoff-evals import`."""

from pathlib import Path
from typing import Annotated

import typer

from handoff_evals.errors import ScenarioFileError, UsageError
from handoff_evals.files import write_atomically


def import_(
    reports: Annotated[
        list[Path],
        typer.Argument(metavar="REPORT...", help="JSON of session reports, or of chat histories."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The scenario file to write. (default: standard output)"),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="The agent under test.")
    ] = None,
) -> None:
    """Make scenarios of recorded calls: what was said, who was active, what was called.

    A report is LiveKit's `ctx.make_session_report().to_dict()`, a chat history
    `session.history.to_dict()`. A recording says what happened, not what should have: read the
    file and correct it. What can't be known stands in it as a comment.

    [bold]Examples[/bold]

    handoff-evals import session_report.json

    handoff-evals import calls/*.json --agent my_agents:Triage --out evals/calls/scenarios.yaml
    """
    from handoff_evals.importer import draft, draft_file, read_recording
    from handoff_evals.scenarios import load_suite

    if out is not None and out.exists():
        raise UsageError(f"{str(out)!r} is there already: name another --out, or remove it first")
    drafts = [draft(read_recording(report)) for report in reports]
    text = draft_file(drafts, agent=agent)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, text)
    except OSError as error:
        raise UsageError(f"{str(out)!r} can't be written: {error}") from error
    turns = sum(len(each.turns) for each in drafts)
    typer.echo(f"{out}: scenarios {len(drafts)}, turns {turns}. Read and correct them.", err=True)
    try:
        load_suite(out)
    except ScenarioFileError as error:
        typer.echo(f"It does not load yet:\n{error}", err=True)
