"""What commands print: progress, Markdown, and to a reader who may stop reading."""

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from handoff_evals.errors import UsageError
from handoff_evals.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from handoff_evals.comparison import AgainstBaseline
    from handoff_evals.results import Trial
    from handoff_evals.runs import PreparedRun
    from handoff_evals.stats import Verdict


class ExitCode(IntEnum):
    """For scripts to branch on."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    INVALID = 3
    INCONCLUSIVE = 4
    INTERRUPTED = 130


def by_verdict(verdict: "Verdict") -> ExitCode:
    """The exit code of a verdict, the same in every command."""
    if verdict == "regressed":
        return ExitCode.GATE_FAILED
    return ExitCode.INCONCLUSIVE if verdict == "can't tell" else ExitCode.OK


@contextmanager
def to_reader() -> "Iterator[Console]":
    """A console on standard output, for the last that a command has to say.

    Yields:
        The console; once nobody reads any more, the block ends without an error.
    """
    from rich.console import Console

    try:
        yield Console()
        sys.stdout.flush()
    except SystemExit:
        pass  # rich's own way of saying the same
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def conversations(console: "Console", total: int) -> Iterator[Callable[["Trial"], None]]:
    """Show how many of `total` conversations are held, how they ended, and the time left."""
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
        TextColumn("conversations"),
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


def wanted(path: Path | None) -> bool:
    """Whether anybody reads one: `--markdown` was given, or it runs in GitHub Actions."""
    return path is not None or bool(os.environ.get(_STEP_SUMMARY))


def write_markdown(text: str, path: Path | None) -> None:
    """Write it to the file, and append it to GitHub's summary of the step where there is one.

    Raises:
        UsageError: when the file can't be written.
    """
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text)
        summary = os.environ.get(_STEP_SUMMARY)
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
    except OSError as error:
        raise UsageError(f"the Markdown summary can't be written: {error}") from error


def spoken(code: ExitCode, against: "Sequence[AgainstBaseline]" = ()) -> str:
    """The verdict that the reader sees first."""
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


def tell_of_cassettes(prepared: "PreparedRun", console: "Console", *, prune: bool) -> None:
    """Say what was replayed, what was recorded, and what is there for nothing.

    Args:
        prepared: the run, over by now.
        console: where to say it.
        prune: whether to remove what nothing asked for.
    """
    cassettes = list(prepared.cassettes.values())
    if not cassettes:
        return
    replayed = sum(each.replayed for each in cassettes)
    asked = sum(each.asked for each in cassettes)
    console.print(
        f"cassettes: {replayed} answers replayed, {asked} requests asked a model", highlight=False
    )
    unused = sum(len(each.places) for cassette in cassettes for each in cassette.unused)
    if prune:
        removed = sum(cassette.prune() for cassette in cassettes)
        console.print(f"cassettes: {removed} unused exchanges removed", highlight=False)
    elif unused:
        where = sorted({str(each.file.path) for cassette in cassettes for each in cassette.unused})
        more = f" and {len(where) - 3} more" if len(where) > 3 else ""  # noqa: PLR2004 - a few
        console.print(
            f"cassettes: {unused} exchanges are unused (--prune removes them), in "
            f"{', '.join(where[:3])}{more}",
            highlight=False,
            soft_wrap=True,
        )
