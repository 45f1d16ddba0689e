"""A run of the command line, from its first trial to its exit code."""

import asyncio
import contextlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from handoff_evals.cli.asked_judges import ask_planted, judge_all, judges_not_asked
from handoff_evals.cli.gates import BaselineGate, Gate, unmet, verdict
from handoff_evals.cli.output import (
    ExitCode,
    append_step_summary,
    conversations,
    headline,
    print_cassettes,
    say,
    step_summary_wanted,
)
from handoff_evals.cli.report_command import check_place, run_page, write_page
from handoff_evals.errors import UsageError
from handoff_evals.terminal import json_alone, print_json, to_reader

if TYPE_CHECKING:
    from handoff_evals.comparison import AgainstBaseline
    from handoff_evals.results import Manifest, RunFolder, Summary
    from handoff_evals.runs import PreparedRun
    from handoff_evals.terminal import Console

Started = tuple["PreparedRun", "RunFolder"]


@dataclass(frozen=True, kw_only=True)
class Gates:
    """What a run has to pass for exit code 0."""

    shares: tuple[Gate | None, ...] = ()
    """Of passed scenarios, and of correct decisions."""
    baseline: BaselineGate | None = None

    @classmethod
    def read(cls, *, passed: str | None, accuracy: str | None, baseline: Path | None) -> "Gates":
        """Read what was typed.

        Raises:
            UsageError: when it is no share, or no baseline.
        """
        shares = (Gate.read("passed", passed), Gate.read("accuracy", accuracy))
        return cls(shares=shares, baseline=BaselineGate.opened(baseline))

    def check(self, manifest: "Manifest") -> None:
        """See that the run can be compared with the baseline, before a model is asked.

        Raises:
            UsageError: when the baseline is of other models or suites.
        """
        if self.baseline is not None:
            self.baseline.check(manifest)


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a run's results are printed."""

    as_json: bool
    quiet: bool
    html: Path | None = None
    """The page to write besides."""

    @property
    def progress(self) -> "Console":
        """For everything but the results."""
        from handoff_evals.terminal import Console

        return Console(stderr=True, quiet=self.quiet)

    def agents_print(self) -> contextlib.AbstractContextManager[Any]:
        """Keep what an agent prints out of the JSON."""
        return json_alone(wanted=self.as_json)

    def results(
        self, summary: "Summary", folder: "RunFolder", against: "Sequence[AgainstBaseline]" = ()
    ) -> None:
        """Print the results, for a reader who may go away meanwhile."""
        from handoff_evals.reports import print_against, print_driver_differences, print_run

        with to_reader() as console:
            if self.as_json:
                print_json((folder.path / "summary.json").read_bytes())
            elif not self.quiet:
                notes = [
                    *folder.manifest.notes,
                    *summary.notes,
                    f"run folder: {folder.path}",
                ]
                print_run(console, summary, notes=notes)
                print_driver_differences(console, folder)
                print_against(console, against)
        if self.as_json:
            print_against(self.progress, against)


def carry_out(start: Callable[[], Started], gates: Gates, output: Output) -> None:
    """Run what `start` prepares, print the results, and exit with the run's code.

    Raises:
        typer.Exit: always, with the exit code.
    """
    from handoff_evals.results import summarise

    check_place(output.html)
    with output.agents_print():
        prepared, folder = start()
    with _resumable(folder):
        say(output.progress, _without_turns(prepared))
        say(output.progress, judges_not_asked(prepared.request.judge, prepared.suites))
        with output.agents_print():
            not_run = _execute(prepared, folder, output.progress)
        summary = summarise(folder.trials(), folder.manifest)
        folder.write_summary(summary)
        print_cassettes(prepared, output.progress)
        if not_run is None:
            output.results(summary, folder)
            raise KeyboardInterrupt
        lines = (*unmet(prepared.suites, summary), *_uncovered(prepared, folder), *not_run)
        raise typer.Exit(conclude(summary, folder, gates, output, lines))


@contextlib.contextmanager
def _resumable(folder: "RunFolder") -> Iterator[None]:
    """Turn Ctrl-C into exit code 130 and a line that says how to go on."""
    from handoff_evals.terminal import Console

    try:
        yield
    except KeyboardInterrupt:
        line = f"interrupted; the finished trials are kept. Go on with: {_resume(folder)}"
        say(Console(stderr=True), [line])
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _resume(folder: "RunFolder") -> str:
    return f"handoff-evals resume {shlex.quote(str(folder.path))}"


def _execute(
    prepared: "PreparedRun", folder: "RunFolder", console: "Console"
) -> tuple[str, ...] | None:
    """Run it with a progress bar.

    Returns:
        Why some trials were not run, a sentence a reason; None when it was interrupted.
    """
    try:
        with folder.locked():
            ask_planted(prepared.panel, console)
            with conversations(console, len(prepared.planned)) as done:
                not_run = asyncio.run(prepared.execute(folder, done))
            judge_all(prepared.panel, folder, prepared.suites, console)
            return not_run
    except KeyboardInterrupt:
        return None
    except OSError as error:
        raise UsageError(
            f"{str(folder.path)!r} can't be written to: {error}. The finished trials are kept. "
            f"Go on with: {_resume(folder)}"
        ) from error


def conclude(
    summary: "Summary",
    folder: "RunFolder",
    gates: Gates,
    output: Output,
    lines: Sequence[str],
) -> ExitCode:
    """Print the results of a finished run, and why its exit code is not 0.

    Args:
        summary: the run in numbers.
        folder: where its trials are.
        gates: what it has to pass.
        output: how to print.
        lines: what a reader must be told besides.
    """
    from handoff_evals.config import read_config
    from handoff_evals.reports import run_markdown
    from handoff_evals.terminal import Console

    limit = read_config(Path.cwd()).max_unscored
    code, reasons = verdict(summary, gates=gates.shares, max_unscored=limit)
    against: tuple[AgainstBaseline, ...] = ()
    if gates.baseline is not None:
        against = gates.baseline.compare(folder)
        code, reasons = gates.baseline.rule(against, code, reasons)
    if step_summary_wanted():
        text = run_markdown(
            summary,
            verdict=headline(code, against),
            reasons=(*reasons, *lines),
            against=against,
            notes=(*folder.manifest.notes, *summary.notes),
        )
        append_step_summary(text)
    if output.html is not None:
        page = run_page(
            folder,
            summary=summary,
            against=against,
            ruled=(code, (*reasons, *lines)),
            gated=gates.baseline is not None or any(gates.shares),
        )
        write_page(page, output.html)
    # Last: whoever reads may go away, and nothing depends on it.
    output.results(summary, folder, against)
    say(output.progress, lines)
    say(Console(stderr=True), reasons)
    return code


def _uncovered(prepared: "PreparedRun", folder: "RunFolder") -> Iterator[str]:
    """The edges that no scenario takes, where all scenarios of the suites were run."""
    from handoff_evals.runs import uncovered

    asked = folder.manifest.asked
    if not asked.only and not asked.tags:
        yield from uncovered(prepared.suites, prepared.entries, folder.trials())


def _without_turns(prepared: "PreparedRun") -> Iterator[str]:
    for suite in prepared.suites:
        if suite.simulated:
            yield (
                f"{suite.path}: {len(suite.simulated)} scenarios have no `turns` and need a "
                "model that plays their caller: add --caller MODEL, or write `turns`, or `lines` "
                f"under `caller`; not run: {', '.join(suite.simulated)}"
            )
