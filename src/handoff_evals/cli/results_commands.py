"""`handoff-evals show`, `compare` and `baseline`: commands over finished runs."""

import json
import shlex
from difflib import get_close_matches
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.gates import BaselineGate, verdict
from handoff_evals.cli.output import (
    ExitCode,
    append_step_summary,
    epilog,
    headline,
    say,
    step_summary_wanted,
    write_file,
)
from handoff_evals.errors import UsageError
from handoff_evals.terminal import echo, print_json, to_reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handoff_evals.results import RunFolder, Summary, Trial

SHOW_EPILOG = epilog(
    ("show runs/after", "its tables and trials"),
    ('show runs/after "Charged twice" --received', "one conversation"),
    ('show runs/before runs/after "Charged twice"', "side by side"),
    ("show runs/after --markdown summary.md", ""),
)
COMPARE_EPILOG = epilog(
    ("compare runs/20260101-120000", "the models of one run"),
    ("compare runs/small runs/large --json", ""),
)
BASELINE_EPILOG = epilog(
    ("baseline runs/20260101-120000 fixtures/baseline.json", ""),
    ("run --baseline fixtures/baseline.json", "a later run"),
)


_WHOLE = "Without a LABEL"


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] LABEL",
            help="A second run, to see both side by side; a scenario, or a part of its label.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Of this model only.")] = None,
    received: Annotated[
        bool, typer.Option("--received", help="Also print what each model received.")
    ] = False,
    markdown: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a summary for a pull request.", rich_help_panel=_WHOLE
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also compare the run with a baseline.", rich_help_panel=_WHOLE
        ),
    ] = None,
) -> None:
    """Show a finished run, or its conversations with their events.

    Without a LABEL it prints the run's tables and its trials. With a second RUN
    it prints the same conversation of both side by side, marked where they part.
    A run that is invalid exits with 3.
    """
    from handoff_evals.results import RunFolder

    folder = RunFolder.open(run)
    other, label = _second(words or [])
    if label is not None and (markdown or baseline):
        raise UsageError("--markdown and --baseline are about a whole run: leave out the LABEL")
    if label is None:
        _overview(folder, markdown=markdown, gate=BaselineGate.opened(baseline))
    elif other is None:
        for trial in _chosen(folder, label, model):
            _print_trial(trial, received=received)
    else:
        _print_both(folder, RunFolder.open(other), label, model)


def _second(words: list[str]) -> tuple[Path | None, str | None]:
    """The second run and the label, each of which may be left out."""
    match words:
        case []:
            return None, None
        case [label] if not (Path(label) / "manifest.json").is_file():
            return None, label
        case [run, label]:
            return Path(run), label
        case [run]:
            raise UsageError(f"{run!r} is a second run: which conversation? Add a LABEL")
    raise UsageError(f"{words!r}: write `show RUN [RUN] [LABEL]`, a label in quotes")


def _chosen(folder: "RunFolder", label: str, model: str | None) -> list["Trial"]:
    """The trials of a scenario that is named, or of all whose label contains it.

    Raises:
        UsageError: when there are none.
    """
    found = [
        trial
        for trial in folder.trials()
        if label.casefold() in trial.key.scenario.casefold()
        and (model is None or trial.key.model == model)
    ]
    exact = [trial for trial in found if trial.key.scenario == label]
    if not found:
        there = [trial.key for trial in folder.trials()]
        if not there:
            raise UsageError(f"{str(folder.path)!r} has no finished trial")
        models = sorted({key.model for key in there})
        if model is not None and model not in models:
            raise UsageError(
                f"{str(folder.path)!r} has no trial of --model {model!r}; there are "
                f"{', '.join(models)}"
            )
        labels = sorted({key.scenario for key in there})
        close = get_close_matches(label, labels, n=3, cutoff=0.3) or labels[:3]
        shown = ", ".join(repr(each) for each in close)
        raise UsageError(
            f"{str(folder.path)!r} has no scenario {label!r} among its {len(labels)}; near are "
            f"{shown}"
        )
    return exact or found


def _print_both(a: "RunFolder", b: "RunFolder", label: str, model: str | None) -> None:
    from handoff_evals.reports import first_request, side_by_side
    from handoff_evals.terminal import Console

    # Models may go by another name on the other side: the only one of each run is meant.
    others = {_place(trial): trial for trial in _chosen(b, label, model)}
    pairs = [
        (trial, others[_place(trial)])
        for trial in _chosen(a, label, model)
        if _place(trial) in others
    ]
    if not pairs:
        raise UsageError(
            f"{str(a.path)!r} and {str(b.path)!r} have no trial of {label!r} in common"
        )
    for one, other in pairs:
        key = one.key
        echo(
            f"{key.suite} / {key.scenario}  ·  {key.model}  ·  trial {key.number + 1}, "
            f"seed {one.seed}",
            bold=True,
        )
        Console().print(side_by_side(one, other, names=(str(a.path), str(b.path))))
        echo(f"{first_request(one.transcript, other.transcript)}\n")


def _place(trial: "Trial") -> tuple[str, str, int]:
    return (*trial.key.scenario_key, trial.key.number)


def _print_trial(trial: "Trial", *, received: bool) -> None:
    from handoff_evals.reports import conversation

    key = trial.key
    marked = {index for score in trial.scores if score.status == "failed" for index in score.events}
    echo(
        f"{key.suite} / {key.scenario}  ·  {key.model}  ·  trial {key.number + 1}, "
        f"seed {trial.seed}: {trial.status}",
        bold=True,
    )
    echo(conversation(trial.transcript, marked=marked))
    for score in trial.scores:
        if score.status != "passed":
            turn = "" if score.turn is None else f" (turn {score.turn})"
            echo(f"  {score.status} {score.name}{turn}: {score.reason}")
            if score.traceback:
                echo(indent(score.traceback.rstrip(), "    "))
    if received:
        from handoff_evals.reports import received_text

        echo(received_text(trial.transcript))
    echo("")


def _overview(folder: "RunFolder", *, markdown: Path | None, gate: BaselineGate | None) -> None:
    from handoff_evals.reports import (
        print_against,
        print_driver_differences,
        print_run,
        run_markdown,
    )
    from handoff_evals.terminal import Console

    summary, code, reasons = _validity(folder)
    notes = (*folder.manifest.notes, *summary.notes)
    against = gate.compare(folder) if gate else ()
    if markdown is not None:
        text = run_markdown(
            summary,
            verdict=headline(code, against),
            reasons=reasons,
            against=against,
            notes=notes,
        )
        write_file(text, markdown, option="--markdown")
    with to_reader() as console:
        print_run(console, summary, notes=notes)
        print_driver_differences(console, folder)
        print_against(console, against)
        for trial in folder.trials():
            key = trial.key
            echo(f"{trial.status:9} {key.model}  {key.suite} / {key.scenario} #{key.number + 1}")
    say(Console(stderr=True), reasons)
    if code is ExitCode.INVALID:
        raise typer.Exit(code)


def _validity(folder: "RunFolder") -> tuple["Summary", ExitCode, tuple[str, ...]]:
    """The run in numbers, whether it is valid, and why not."""
    from handoff_evals.config import read_config
    from handoff_evals.results import summarise

    summary = summarise(folder.trials(), folder.manifest)
    limit = read_config(Path.cwd()).max_unscored
    return (summary, *verdict(summary, max_unscored=limit))


def baseline(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The baseline to write, or to add to.")
    ],
) -> None:
    """Make a finished run a baseline, for `run --baseline` and pytest to compare with.

    In a FILE that is there already, the run takes the place of the same suites
    and models; the others stay. An invalid or unfinished run is refused with exit
    code 3, and FILE is left as it is.
    """
    from handoff_evals.comparison import against_baseline
    from handoff_evals.config import read_config
    from handoff_evals.reports import print_against
    from handoff_evals.results import Baseline, RunFolder
    from handoff_evals.stats import Terms
    from handoff_evals.terminal import Console

    folder = RunFolder.open(run)
    with folder.locked():
        refused = tuple(_not_fit(folder))
        made = None if refused else Baseline.of(folder.trials(), folder.manifest.suites)
    if made is None:
        say(Console(stderr=True), (*refused, f"{file} was not written"))
        raise typer.Exit(ExitCode.INVALID)
    asked = folder.manifest.asked
    before = Baseline.read(file) if file.exists() else None
    made.write_into(file, partial=bool(asked.only or asked.tags))
    with to_reader() as console:
        certain = folder.manifest.deterministic
        terms = Terms(margin=read_config(Path.cwd()).margin)
        against = (
            against_baseline(before, made, terms=terms, deterministic=certain) if before else ()
        )
        print_against(console, against)
        echo(f"{file}: wrote {len(made.trials)} trials of {', '.join(made.models)}")


def _not_fit(folder: "RunFolder") -> "Iterator[str]":
    """Why a run can't be a baseline."""
    summary, code, reasons = _validity(folder)
    missing = sum(model.trials.not_run for model in summary.models.values())
    if missing:
        again = f"handoff-evals resume {shlex.quote(str(folder.path))}"
        yield f"{folder.path}: {missing} trials were not run. Finish it first: {again}"
    elif code is ExitCode.INVALID:
        yield from reasons


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs.")],
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a summary for a pull request.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Compare models pair by pair: improved, regressed, no difference, or can't tell.

    Give one run of several models, or several runs of the same suites and agents.
    The verdict is that of the interval beside it, at 95% for all pairs together,
    and the margin is that of pyproject.toml, or 0.1. It exits with 4 if it can't
    tell for a pair.
    """
    from handoff_evals.comparison import compare_runs
    from handoff_evals.config import read_config
    from handoff_evals.reports import comparison_json, comparison_markdown, print_comparison
    from handoff_evals.stats import Terms

    compared = compare_runs(runs, terms=Terms(margin=read_config(Path.cwd()).margin))
    sides = [(side.name, side.summary) for side in compared.sides]
    if markdown is not None or step_summary_wanted():
        text = comparison_markdown(sides, compared.pairs)
        append_step_summary(text)
        if markdown is not None:
            write_file(text, markdown, option="--markdown")
    with to_reader() as console:
        if as_json:
            print_json(json.dumps(comparison_json(sides, compared.pairs), indent=2))
        else:
            print_comparison(console, sides, compared.pairs)
    if any(pair.verdict == "can't tell" for pair in compared.pairs):
        raise typer.Exit(ExitCode.INCONCLUSIVE)
