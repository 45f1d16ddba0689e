"""`handoff-evals judge`: a kept run, judged anew."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from handoff_evals.cli.asked_judges import ask_planted, judge_all, judges_not_asked
from handoff_evals.cli.execution import Gates, Output, conclude
from handoff_evals.cli.output import epilog, say

JUDGE_EPILOG = epilog(
    ("judge runs/after", "by its scenario files as they are today"),
    ("judge runs/after --suite evals/shop --min-passed 0.9", ""),
    ("judge runs/after --judge rule", "and by its scenarios' judges"),
)


def judge(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    suite: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="A scenario file, or a folder of them. Repeatable. (default: those of the run)",
            show_default=False,
        ),
    ] = None,
    judge_model: Annotated[
        str,
        typer.Option(
            "--judge",
            metavar="MODEL|rule",
            help="Ask the scenarios' judges too: of a model, as --model names it, or by rule.",
        ),
    ] = "",
    min_passed: Annotated[
        str | None,
        typer.Option(metavar="SHARE[:lower]", help="As for `run`.", rich_help_panel="Gates"),
    ] = None,
    min_accuracy: Annotated[
        str | None,
        typer.Option(metavar="SHARE[:lower]", help="As for `run`.", rich_help_panel="Gates"),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="As for `run`.", rich_help_panel="Gates"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The new run's folder. (default: runs/TIME)",
            show_default=False,
            rich_help_panel="Output",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON.", rich_help_panel="Output")
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Print only why the exit code is not 0.",
            rich_help_panel="Output",
        ),
    ] = False,
) -> None:
    """Judge the conversations of a finished run anew.

    No agent is run, and no model asked but that of --judge.
    By what the scenario files expect today; exit codes and gates are those of
    `run`. It writes a run of its own, and leaves RUN as it is. What the run
    can't show, as a conversation in which the caller said other words, is
    unscored.
    """
    from handoff_evals.cli.gates import unmet
    from handoff_evals.results import RunFolder, summarise
    from handoff_evals.runs import Judging

    gates = Gates.read(passed=min_passed, accuracy=min_accuracy, baseline=baseline)
    output = Output(as_json=as_json, quiet=quiet)
    source = RunFolder.open(run)
    judging = Judging.of(
        source, paths=suite or (), folder=Path.cwd(), command=sys.argv, judge=judge_model
    )
    gates.check(judging.manifest)
    parent, name = (Path("runs"), None) if out is None else (out.parent, out.name)
    folder = RunFolder.create(parent, judging.manifest, name=name)
    with folder.locked():
        ask_planted(judging.panel, output.progress)
        for trial in judging.trials():
            folder.append(trial)
        judge_all(judging.panel, folder, judging.suites, output.progress)
    summary = summarise(folder.trials(), folder.manifest)
    folder.write_summary(summary)
    say(output.progress, judging.left_out)
    say(output.progress, judges_not_asked(judge_model, judging.suites))
    lines = tuple(unmet(judging.suites, summary))
    raise typer.Exit(conclude(summary, folder, gates, output, lines))
