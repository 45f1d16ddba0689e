"""`handoff-evals calibrate` and `label`: how far a judge can be trusted, and what it is held to."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.output import ExitCode, epilog, say
from handoff_evals.errors import UsageError
from handoff_evals.terminal import echo

if TYPE_CHECKING:
    from handoff_evals.judges import (
        Calibration,
        Excerpt,
        JudgeModel,
        Label,
        LabelFile,
        LabelledCall,
        Question,
    )
    from handoff_evals.terminal import Console

CALIBRATE_EPILOG = epilog(
    ("calibrate", "list the judges"),
    ("calibrate greeted_anew labels.jsonl --judge rule", ""),
    ("calibrate greeted_anew fixtures/judge_labels -j my:gpt", ""),
)
LABEL_EPILOG = epilog(
    ("label runs/before --question greeted_anew --by Ann", ""),
    ("label runs/before --by Ann --labels labels.jsonl", ""),
)

_Labels = Path("labels.jsonl")


def calibrate(
    judge_name: Annotated[
        str, typer.Argument(metavar="[JUDGE]", help="The judge; without it they are listed.")
    ] = "",
    labels: Annotated[
        Path | None,
        typer.Argument(metavar="[LABELS]", help="A file of labels, or a folder of them."),
    ] = None,
    judge: Annotated[
        str,
        typer.Option(
            "--judge", "-j", metavar="MODEL|rule", help="Who is asked, as in `run --judge`."
        ),
    ] = "local",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The calibration. (default: in `calibrations` of pyproject.toml)",
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=0, help="How often it is asked again in the same order.")
    ] = 1,
    stopped_too: Annotated[
        bool,
        typer.Option(
            "--stopped-too", help="Measure it even where it gets planted conversations wrong."
        ),
    ] = False,
    sample: Annotated[
        int, typer.Option(min=0, help="Only so many of the labels, drawn at random; 0 for all.")
    ] = 0,
) -> None:
    """Measure a judge against labels, and write down how far it can be trusted.

    In a run its scores count where kappa is at least 0.8 on 50 labels or more,
    by the lower bound of its 95% interval; else they are only shown. A
    calibration is of one model, one prompt and one version. Exits with 0 where
    its scores will count, with 1 where not, and with 3 where it gets the planted
    conversations wrong or gives no verdict.
    """
    from handoff_evals.checks import load_checks
    from handoff_evals.config import read_config
    from handoff_evals.judges import (
        calibration_path,
        failed_planted,
        labelled_for,
        labellers_agree,
        question_named,
        read_labels,
    )
    from handoff_evals.runs import judge_model
    from handoff_evals.terminal import Console

    folder, console = Path.cwd(), Console(stderr=True)
    load_checks(folder)
    if not judge_name:
        _list_judges()
        return
    question = question_named(judge_name)
    if labels is None:
        raise UsageError("name the labels: `handoff-evals calibrate JUDGE LABELS`")
    calls = read_labels(labels)
    labelled, differing = labelled_for(question.name, calls)
    if not labelled:
        named = sorted({name for call in calls for name in call.labels})
        raise UsageError(f"{str(labels)!r} has no label for {question.name!r}: it has {named}")
    for one, other, both in labellers_agree(question.name, calls):
        say(console, [f"labellers {one} and {other}: {_kappa(both)}"])
    if differing:
        say(console, [f"{differing} conversations are left out: their labellers differ"])
    model = judge_model(judge, folder=folder)
    why = asyncio.run(failed_planted(question, model))
    if why is not None:
        kept = "" if stopped_too else ". No calibration is written; --stopped-too measures it"
        say(console, [f"judge {question.name}: stopped, {why}{kept}"])
        if not stopped_too:
            raise typer.Exit(ExitCode.INVALID)
    found = _measured(question, _drawn(labelled, sample), model, repeats, console)
    found = replace(found, stopped=why or "")
    path = out or calibration_path(folder / read_config(folder).calibrations, question, model)
    found.write(path)
    raise typer.Exit(_conclude(found, path))


def _list_judges() -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from handoff_evals.judges import questions
    from handoff_evals.terminal import Console, Text

    table = Table("judge", "question", "by rule", box=SIMPLE_HEAD)
    for name, each in questions().items():
        table.add_row(Text(name), Text(each.asks), "yes" if each.rule else "no")
    Console().print(table)


def _drawn(
    labelled: "Sequence[tuple[LabelledCall, Label]]", number: int
) -> "Sequence[tuple[LabelledCall, Label]]":
    """So many of them, drawn at random, the same each time."""
    if not 0 < number < len(labelled):
        return labelled
    return Random(0).sample(labelled, number)  # noqa: S311 - no secret


def _measured(
    question: "Question",
    labelled: "Sequence[tuple[LabelledCall, Label]]",
    model: "JudgeModel",
    repeats: int,
    console: "Console",
) -> "Calibration":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from handoff_evals.judges import calibrate as measure

    columns = (TextColumn("judged"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(labelled) * (2 + repeats))
        return asyncio.run(
            measure(
                question,
                labelled,
                model,
                repeats=repeats,
                done=lambda: progress.update(task, advance=1),
            )
        )


def _conclude(found: "Calibration", path: Path) -> ExitCode:
    from handoff_evals.reports import calibration_table, judged_by_label_table
    from handoff_evals.terminal import Console

    console = Console()
    console.print(calibration_table(found))
    console.print(judged_by_label_table(found.errors))
    console.print(f"calibration: {path}", style="dim")
    weakness = found.weakness
    if weakness is None:
        console.print("Its scores count in runs with this model.")
        return ExitCode.OK
    say(Console(stderr=True), [f"its scores are shown in runs and do not count: {weakness}"])
    usable = found.errors.total and not found.stopped
    return ExitCode.GATE_FAILED if usable else ExitCode.INVALID


def _kappa(both: object) -> str:
    from handoff_evals.stats import Confusion, kappa_interval

    assert isinstance(both, Confusion)  # noqa: S101 - `stats` is loaded late
    found = kappa_interval(both)
    if found is None:
        return f"kappa has no meaning, {both.total} conversations"
    return (
        f"kappa {found.value:.2f} [{found.low:.2f}, {found.high:.2f}], {both.total} conversations"
    )


def label(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    by: Annotated[str, typer.Option(help="Whose labels they are.")],
    question: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JUDGE",
            help="The question. Repeatable. (default: those of the run's scenarios)",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        Path, typer.Option(metavar="FILE", help="Where they are kept, a line each.")
    ] = _Labels,
) -> None:
    """Label the conversations of a run, one key each, for judges to be measured by.

    What a judge has said is not shown. Each answer is kept at once, and the next
    time it goes on where it stopped.
    """
    from handoff_evals.checks import load_checks
    from handoff_evals.judges import LabelFile, labellers_agree
    from handoff_evals.results import RunFolder

    if not by.strip():
        raise UsageError("--by is empty: give the labeller's name, so that two can be compared")
    load_checks(Path.cwd())
    folder = RunFolder.open(run)
    file = LabelFile(labels, by.strip())
    listed = _to_label(folder, question or ())
    left = [(each, one) for each, one in listed if one.digest not in file.done(each.name)]
    echo(f"{len(listed) - len(left)} of {len(listed)} are labelled by {file.labeller}.")
    code = ExitCode.OK
    try:
        _ask_all(left, file)
    except (KeyboardInterrupt, EOFError):
        code = ExitCode.INTERRUPTED
    echo(f"Labels: {labels}")
    for name in dict.fromkeys(each.name for each, _ in listed):
        for one, other, both in labellers_agree(name, file.calls):
            echo(f"{name}: {one} and {other}: {_kappa(both)}")
    raise typer.Exit(code)


def _to_label(folder: object, named: Sequence[str]) -> "list[tuple[Question, Excerpt]]":
    """Each question with each different conversation of a run that it can be asked about."""
    from handoff_evals.errors import ScenarioFileError
    from handoff_evals.judges import Excerpt, judges_of, question_named
    from handoff_evals.results import RunFolder
    from handoff_evals.runs import Judging

    assert isinstance(folder, RunFolder)  # noqa: S101 - `results` is loaded late
    try:
        scenarios = Judging.of(folder, folder=Path.cwd()).scenarios
    except ScenarioFileError:
        raise
    except UsageError:
        scenarios = {}  # the files are gone, and so are the expectations
    found: dict[tuple[str, str], tuple[Question, Excerpt]] = {}
    for trial in folder.trials():
        scenario = scenarios.get(trial.key.scenario_key)
        expected = "" if scenario is None else scenario.agent_expectations
        excerpt = Excerpt.of(trial.transcript, expectations=expected)
        names = named or (() if scenario is None else judges_of(scenario))
        for question in map(question_named, names):
            if trial.transcript.unscored_because is None and question.lacks(excerpt) is None:
                found.setdefault((question.name, excerpt.digest), (question, excerpt))
    if not found:
        raise UsageError(
            "there is nothing to label: name a question by --question (`handoff-evals calibrate` "
            "lists them), and a run that has conversations it can be asked about"
        )
    return list(found.values())


def _ask_all(left: "Sequence[tuple[Question, Excerpt]]", file: "LabelFile") -> None:
    """Ask about one after the other; undo goes back by one."""
    place = 0
    answered: list[bool] = []
    while place < len(left) or answered:
        if place < len(left):
            question, excerpt = left[place]
            _show(question, excerpt, f"{place + 1} of {len(left)}")
            key = _key("pfsuq")
        else:
            echo("\nThat was the last one.\n  u  undo    q  quit")
            key = _key("uq")
        if key == "q":
            return
        if key == "u":
            if not answered:
                echo("There is nothing to undo.")
                continue
            place -= 1
            if answered.pop():
                file.take_back()
            continue
        if key in {"p", "f"}:
            file.add(question.name, excerpt, "pass" if key == "p" else "fail")
        answered.append(key != "s")
        place += 1


def _show(question: "Question", excerpt: "Excerpt", place: str) -> None:
    echo(f"\n{place}\n")
    for line in excerpt.lines:
        echo(f"  {line.shown}")
    if question.needs == "expectations":
        echo(f"\n  Expected of the agents: {excerpt.expectations}")
    echo(f"\n{question.asks}", bold=True)
    echo(f"  p  pass: {question.passes}\n  f  fail: {question.fails}")
    echo("  s  skip    u  undo    q  quit")


def _key(valid: str) -> str:
    """Wait for a key that means something."""
    while True:
        key = typer.getchar().casefold()
        if key in {"", "\x03", "\x04"}:  # nobody is there to press one, or Ctrl-C, or Ctrl-D
            raise KeyboardInterrupt
        if key in valid:
            return key
        echo(f"{key!r} is no answer: press one of {', '.join(valid)}")
