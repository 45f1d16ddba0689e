"""`handoff-evals import` and `cassettes prune`: commands over recordings."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import conversations, epilog, say
from handoff_evals.errors import ScenarioFileError, UsageError
from handoff_evals.event_loop import run_to_end
from handoff_evals.files import write_atomically
from handoff_evals.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handoff_evals.results import Trial
    from handoff_evals.runs import PreparedRun
    from handoff_evals.terminal import Console

IMPORT_EPILOG = epilog(
    ("import session_report.json", "to standard output"),
    ("import calls/*.json --agent my_agents:Triage --out draft.yaml", ""),
)
PRUNE_EPILOG = epilog(
    ("cassettes prune", "what the local model answered to all suites"),
    ("cassettes prune evals/triage -m my_models:gpt --trials 3", ""),
    ("cassettes prune --dry-run", "only say what is unused"),
)


def import_(
    reports: Annotated[
        list[Path],
        typer.Argument(metavar="REPORT", help="JSON of session reports, or of chat histories."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The scenario file to write. (default: standard output)",
            show_default=False,
        ),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="The agent under test.")
    ] = None,
) -> None:
    """Make scenarios of recorded calls: what was said, who was active, what was called.

    A report is LiveKit's `ctx.make_session_report().to_dict()`, a chat history
    `session.history.to_dict()`. A recording says what happened, not what should
    have: read the file and correct it. Comments name what a recording can't say.
    """
    from handoff_evals.importer import draft, draft_file, read_recording
    from handoff_evals.scenarios import load_suite

    if out is not None and out.exists():
        raise UsageError(f"{str(out)!r} is there already: name another --out, or remove it first")
    drafts = [draft(read_recording(report)) for report in reports]
    text = draft_file(drafts, agent=agent)
    if out is None:
        echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, text)
    except OSError as error:
        raise UsageError(f"{str(out)!r} can't be written: {error}") from error
    turns = sum(len(each.turns) for each in drafts)
    echo(f"{out}: scenarios {len(drafts)}, turns {turns}. Read and correct them.", err=True)
    try:
        load_suite(out)
    except ScenarioFileError as error:
        echo(f"It does not load yet:\n{error}", err=True)


def prune(
    suites: Annotated[
        list[str] | None,
        typer.Argument(metavar="SUITE", help="Scenario files, or folders of them."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="As for `run`. Repeatable. (default: local)"),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="As for `run`.")] = 1,
    seed: Annotated[int, typer.Option(help="As for `run`.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing; say what is unused.")
    ] = False,
) -> None:
    """Remove the recorded exchanges that no request asks for any more.

    It replays the suites from their cassettes, offline, with no model. Where a
    trial can't be replayed to its end, all that it recorded is kept.
    """
    from handoff_evals.cassettes import Mode
    from handoff_evals.runs import RunRequest, prepare
    from handoff_evals.terminal import Console

    request = replace(
        RunRequest.of_project(Path.cwd()),
        suites=suites or (),
        models=model or ("local",),
        trials=trials,
        seed=seed,
        cassettes=Mode.REPLAY,
    )
    console = Console(stderr=True)
    prepared = prepare(request)
    if not prepared.cassettes:
        raise UsageError(f"no cassettes are kept of {', '.join(request.models)}: name a model")
    trials_run = _replayed(prepared, console)
    for path, number in sorted(_unused(prepared).items()):
        echo(f"{path}: unused exchanges {number}")
    removed = 0 if dry_run else sum(each.prune() for each in prepared.cassettes.values())
    echo(f"removed exchanges {removed}")
    say(console, _not_replayed(trials_run))


def _replayed(prepared: "PreparedRun", console: "Console") -> "list[Trial]":
    found: list[Trial] = []
    with conversations(console, len(prepared.planned)) as done:

        def keep(trial: "Trial") -> None:
            found.append(trial)
            done(trial)

        run_to_end(prepared.execute(None, keep))
    return found


def _unused(prepared: "PreparedRun") -> "Counter[str]":
    """How many exchanges are unused, by file."""
    found: Counter[str] = Counter()
    for cassette in prepared.cassettes.values():
        for unused in cassette.unused:
            found[str(unused.file.path)] += len(unused.places)
    return found


def _not_replayed(trials: "Sequence[Trial]") -> "Iterator[str]":
    from handoff_evals.checks import NOTHING_EXPECTED

    unscored = [trial for trial in trials if trial.cause not in {None, NOTHING_EXPECTED}]
    if unscored:
        yield (
            f"{len(unscored)} of {len(trials)} trials can't be replayed, so nothing of theirs was "
            "removed: record them by `handoff-evals run --cassettes auto`, with the same --model, "
            "--trials and --seed"
        )
