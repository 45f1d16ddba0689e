"""A run of the command line, from its first trial to its exit code."""

import contextlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from errno import EBADF
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
from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.event_loop import run_to_end
from handoff_evals.terminal import json_alone, print_json, to_reader
from handoff_evals.watchdog import end_process, when_stuck

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
    stopped = _StoppedRun(folder=folder, output=output)
    try:
        say(output.progress, _without_turns(prepared))
        say(output.progress, judges_not_asked(prepared.request.judge, prepared.suites))
        with output.agents_print():
            not_run = _execute(prepared, folder, stopped)
        summary = summarise(folder.trials(), folder.manifest)
        folder.write_summary(summary)
        print_cassettes(prepared, output.progress)
        lines = (*unmet(prepared.suites, summary), *_uncovered(prepared, folder), *not_run)
        raise typer.Exit(conclude(summary, folder, gates, output, lines))
    except KeyboardInterrupt:
        stopped.by_ctrl_c()
        raise typer.Exit(ExitCode.INTERRUPTED) from None


@dataclass(kw_only=True)
class _StoppedRun:
    """What is said of a run that is stopped before its end: what there is, and how to go on."""

    folder: "RunFolder"
    output: Output
    told: bool = False

    def by_ctrl_c(self) -> None:
        self._tell("interrupted; the finished trials are kept")

    def by_agents(self, why: str) -> None:
        self._tell(
            f"the run was ended: {why}. The finished trials are kept. With --workers 1 such an "
            "agent ends its own conversation alone"
        )

    def _tell(self, line: str) -> None:
        from handoff_evals.results import summarise
        from handoff_evals.terminal import Console

        if self.told:  # another thread does it, because this one was stuck
            return
        self.told = True
        summary = summarise(self.folder.trials(), self.folder.manifest)
        self.folder.write_summary(summary)
        self.output.results(summary, self.folder)
        say(Console(stderr=True), [f"{line}. Go on with: {self.go_on}"])

    def end_by_ctrl_c(self) -> None:
        """End the process, on another thread, when code of the agents does not stop."""
        self.by_ctrl_c()
        end_process(ExitCode.INTERRUPTED)

    def end_by_agents(self, why: str) -> None:
        """End the process, on another thread, when nothing stops code of the agents."""
        self.by_agents(why)
        end_process(ExitCode.ENDED)

    @property
    def go_on(self) -> str:
        return f"handoff-evals resume {shlex.quote(str(self.folder.path))}"


def _execute(prepared: "PreparedRun", folder: "RunFolder", stopped: _StoppedRun) -> tuple[str, ...]:
    """Run it with a progress bar.

    Returns:
        Why some trials were not run, a sentence a reason.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
        UsageError: when a trial can't be written.
        typer.Exit: when code of the agents broke the event loop.
    """
    console = stopped.output.progress
    try:
        with folder.locked():
            ask_planted(prepared.panel, console)
            with (
                conversations(console, len(prepared.planned)) as done,
                when_stuck(stopped.end_by_agents),
            ):
                work = prepared.execute(folder, done)
                not_run = run_to_end(work, stuck=stopped.end_by_ctrl_c)
            judge_all(prepared.panel, folder, prepared.suites, console)
            return not_run
    except HandoffEvalsError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno != EBADF:
            raise UsageError(
                f"{str(folder.path)!r} can't be written to: {error}. The finished trials are "
                f"kept. Go on with: {stopped.go_on}"
            ) from error
        if not isinstance(error, OSError | RuntimeError | ValueError):
            raise
        stopped.by_agents(f"the event loop broke, {type(error).__name__}: {error}")
        raise typer.Exit(ExitCode.ENDED) from error


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
