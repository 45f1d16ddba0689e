"""What commands print: help, progress, Markdown, and their exit codes."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from handoff_evals.errors import UsageError
from handoff_evals.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handoff_evals.comparison import AgainstBaseline
    from handoff_evals.results import Trial
    from handoff_evals.runs import PreparedRun
    from handoff_evals.stats import Verdict
    from handoff_evals.terminal import Console


class ExitCode(IntEnum):
    """For scripts to branch on; `EXIT_CODES` says the same in each `--help`."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    INVALID = 3
    """Nothing was scored, too much was unscored, or the local model can't be had."""
    INCONCLUSIVE = 4
    ENDED = 5
    """The agents' code ended the run, or stopped it for good."""
    INTERRUPTED = 130


def by_verdict(verdict: "Verdict") -> ExitCode:
    """The exit code of a verdict, the same in every command."""
    if verdict == "regressed":
        return ExitCode.GATE_FAILED
    return ExitCode.INCONCLUSIVE if verdict == "can't tell" else ExitCode.OK


EXIT_CODES = (
    f"[bold]Exit codes:[/bold] {ExitCode.OK} valid, {ExitCode.GATE_FAILED} a gate failed, "
    f"{ExitCode.USAGE} bad input, {ExitCode.INVALID} invalid, "
    f"{ExitCode.INCONCLUSIVE} can't tell, {ExitCode.ENDED} ended by the agents' code, "
    f"{ExitCode.INTERRUPTED} interrupted."
)


def epilog(*examples: tuple[str, str]) -> str:
    """The end of a command's `--help`: examples, each with a comment or none, and exit codes.

    An example and its comment fit on a terminal of 80 columns together.
    """
    lines = [
        f"  handoff-evals {words}" + (f"  [dim]{comment}[/dim]" if comment else "")
        for words, comment in examples
    ]
    return "\n".join(["[bold]Examples[/bold]", *lines, "", EXIT_CODES])


def say(console: "Console", lines: "Iterable[str]") -> None:
    """Print what a reader must be told besides the results, a line each."""
    for line in lines:
        console.print(line, style="yellow", soft_wrap=True)


@contextlib.contextmanager
def conversations(
    console: "Console", total: int, *, what: str = "conversations"
) -> Iterator[Callable[["Trial"], None]]:
    """Show how many of `total` conversations are finished, how they ended, and the time left."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    counts: Counter[str] = Counter()
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total, counts="")

        def done(trial: "Trial") -> None:
            counts[trial.status] += 1
            shown = " ".join(f"{number} {status}" for status, number in sorted(counts.items()))
            progress.update(task, advance=1, counts=shown)

        yield done


# What GitHub Actions shows on the page of a workflow's run.
_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def step_summary_wanted() -> bool:
    """Whether this runs in GitHub Actions."""
    return bool(os.environ.get(_STEP_SUMMARY))


def append_step_summary(text: str) -> None:
    """Append Markdown to the summary of the step, where this runs in GitHub Actions.

    Raises:
        UsageError: when it can't be written.
    """
    path = os.environ.get(_STEP_SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise UsageError(f"${_STEP_SUMMARY} can't be written: {error}") from error


def write_file(text: str, path: Path, *, option: str) -> None:
    """Write what an option asked for to its file, with its folders.

    Raises:
        UsageError: when it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"{option} {str(path)!r} can't be written: {error}") from error


def headline(code: ExitCode, against: "Sequence[AgainstBaseline]" = ()) -> str:
    """The verdict, as the first line of a summary."""
    if code is ExitCode.INVALID:
        return "invalid"
    from handoff_evals.comparison import verdict_words
    from handoff_evals.stats import VERDICTS

    found = {each.verdict: verdict_words(each.verdict, each.terms) for each in against}
    worst = next((found[each] for each in VERDICTS if each in found), None)
    if worst:
        gated = code is ExitCode.GATE_FAILED and worst != "regressed"
        return f"{worst}, a gate failed" if gated else worst
    return "a gate failed" if code is ExitCode.GATE_FAILED else "valid"


def print_cassettes(prepared: "PreparedRun", console: "Console") -> None:
    """Say what was replayed, what was recorded, and what is unused."""
    cassettes = list(prepared.cassettes.values())
    if not cassettes:
        return
    replayed = sum(each.replayed for each in cassettes)
    asked = sum(each.asked for each in cassettes)
    console.print(
        f"cassettes: {replayed} answers replayed, {asked} requests asked a model", highlight=False
    )
    unused = sum(len(each.places) for cassette in cassettes for each in cassette.unused)
    if unused:
        console.print(
            f"cassettes: {unused} exchanges are unused, in {_files(prepared)}; "
            "`handoff-evals cassettes prune` removes them",
            highlight=False,
            soft_wrap=True,
        )


def _files(prepared: "PreparedRun") -> str:
    cassettes = prepared.cassettes.values()
    files = sorted({str(each.file.path) for cassette in cassettes for each in cassette.unused})
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return f"{', '.join(files[:_NAMED])}{more}"


_NAMED = 3
"""Files that a message names."""
