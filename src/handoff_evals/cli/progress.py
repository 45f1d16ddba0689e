"""A progress bar for long work, on standard error."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from handoff_evals.trial import Trial


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
