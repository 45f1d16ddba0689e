"""`handoff-evals run`."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.exit_code import ExitCode
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from handoff_evals.assembly.run import PreparedRun
    from handoff_evals.store import RunFolder, Summary
    from handoff_evals.trial import Trial

_EPILOG = """\
[bold]Examples[/bold]

  handoff-evals run                                      all suites under evals/, on the local model

  handoff-evals run evals/triage -m local -m never       two models side by side

  handoff-evals run -m my_models:gpt --trials 5 --min-accuracy 0.9

  handoff-evals run -m local:small --only "charged twice" --tag difficulty=hard
"""


def run(
    suites: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SUITE]...", help="Scenario files, or folders that hold some."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="local[:NAME], gguf:PATH, module:function, never, always:AGENT, "
            "oracle. Repeatable.",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Conversations per scenario and model.")] = 1,
    seed: Annotated[int, typer.Option(help="The run's seed; each trial's is derived.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder. [default: runs/TIME]", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Scenarios whose label contains this. Repeatable.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Scenarios with this tag. Repeatable.")
    ] = None,
    min_accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit 1 when a model's accuracy is below.")
    ] = None,
    max_unscored: Annotated[
        float, typer.Option(min=0, max=1, help="Exit 3 when more of a model's trials are unscored.")
    ] = 0.05,
    turn_timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one turn.")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no tables.")] = False,
) -> None:
    """Hold every scenario's conversation and judge the handoffs."""
    from rich.console import Console

    from handoff_evals.assembly.run import RunRequest, prepare
    from handoff_evals.livekit.call import Limits
    from handoff_evals.store import summarise

    request = RunRequest(
        suites=suites or (),
        models=model or ("local",),
        trials=trials,
        seed=seed,
        only=only or (),
        tags=_tags(tag or []),
        limits=Limits(turn_s=turn_timeout),
    )
    noise = Console(stderr=True, quiet=quiet)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        prepared = prepare(request, command=sys.argv)
        folder = _folder(out, prepared)
        _list_simulated(prepared, noise)
        interrupted = _execute(prepared, folder, noise)
    summary = summarise(folder.trials())
    folder.write_summary(summary)
    _report(summary, folder, as_json=as_json, quiet=quiet)
    _warn_unmet(prepared, summary, noise)
    if interrupted:
        noise.print(f"interrupted; finished trials are kept in {folder.path}", style="yellow")
        raise typer.Exit(ExitCode.INTERRUPTED)
    code = verdict(summary, min_accuracy=min_accuracy, max_unscored=max_unscored, say=noise.print)
    raise typer.Exit(code)


run.__doc__ = f"{run.__doc__}\n\n{_EPILOG}"


def verdict(
    summary: "Summary",
    *,
    min_accuracy: float | None,
    max_unscored: float,
    say: Callable[[str], None],
) -> ExitCode:
    """Turn a summary into an exit code, and say why it is not 0."""
    code = ExitCode.OK
    for name, model in summary.models.items():
        trials, accuracy = model.trials, model.accuracy
        if accuracy.value is None:
            say(f"{name}: invalid, nothing was scored ({_causes(trials.causes)})")
            code = ExitCode.INVALID
        elif trials.unscored > max_unscored * trials.total:
            say(
                f"{name}: invalid, {trials.unscored} of {trials.total} trials are unscored "
                f"({_causes(trials.causes)}), more than --max-unscored {max_unscored:g}"
            )
            code = ExitCode.INVALID
        elif min_accuracy is not None and accuracy.value < min_accuracy:
            say(f"{name}: accuracy {accuracy.value:.3f} is below --min-accuracy {min_accuracy:g}")
            code = max(code, ExitCode.GATE_FAILED)
    if not summary.models:
        say("invalid: no trial was finished")
        return ExitCode.INVALID
    return code


def _causes(causes: "dict[str, int] | object") -> str:
    shown = causes.items() if isinstance(causes, dict) else ()
    return ", ".join(f"{cause} {number}" for cause, number in shown) or "no decisions"


def _tags(written: list[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--tag {each!r}: write K=V, as in `--tag difficulty=hard`")
        tags[name] = value
    return tags


def _folder(out: Path | None, prepared: "PreparedRun") -> "RunFolder":
    from handoff_evals.store import RunFolder

    if out is None:
        return RunFolder.create(Path("runs"), prepared.manifest)
    return RunFolder.create(out.parent, prepared.manifest, name=out.name)


def _execute(prepared: "PreparedRun", folder: "RunFolder", console: "Console") -> bool:
    """Run it with a progress bar.

    Returns:
        Whether it was interrupted.
    """
    try:
        with _progress(console, len(prepared.planned)) as done:
            asyncio.run(prepared.execute(folder, done))
    except KeyboardInterrupt:
        return True
    finally:
        prepared.close()
    return False


@contextlib.contextmanager
def _progress(console: "Console", total: int) -> Iterator[Callable[["Trial"], None]]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    counts = {"passed": 0, "failed": 0, "unscored": 0}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("conversations", total=total, counts="")

        def done(trial: "Trial") -> None:
            counts[trial.status] += 1
            shown = " ".join(f"{number} {status}" for status, number in counts.items() if number)
            progress.update(task, advance=1, counts=shown)

        yield done


def _report(summary: "Summary", folder: "RunFolder", *, as_json: bool, quiet: bool) -> None:
    from rich.console import Console

    from handoff_evals.reports.run_report import print_run

    if as_json:
        typer.echo((folder.path / "summary.json").read_text(), nl=False)
    elif not quiet:
        print_run(Console(), summary, notes=[*folder.manifest.notes, f"run folder: {folder.path}"])


def _list_simulated(prepared: "PreparedRun", console: "Console") -> None:
    for suite in prepared.suites:
        if suite.simulated:
            console.print(
                f"{suite.path}: {len(suite.simulated)} scenarios have no `turns` and need a "
                f"simulated caller; not run: {', '.join(suite.simulated)}",
                style="yellow",
            )


def _warn_unmet(prepared: "PreparedRun", summary: "Summary", console: "Console") -> None:
    """Name the expected agents that no trial met: most often a slip of the pen."""
    met_ids = sorted({label.partition("[")[0] for label in summary.met})
    for suite in prepared.suites:
        expected = {
            turn.expect.agent.label
            for scenario in suite.scenarios
            for turn in scenario.turns
            if turn.expect.agent is not None
        }
        for label in sorted(expected):
            if not any(_same(label, met) for met in summary.met):
                close = get_close_matches(label, [*summary.met, *met_ids], n=1, cutoff=0.5)
                hint = f"; the nearest that was met is {close[0]!r}" if close else ""
                console.print(
                    f"{suite.path}: no trial ever met the expected agent {label!r}{hint}",
                    style="yellow",
                )


def _same(label: str, met: str) -> bool:
    from handoff_evals.scenario import Target
    from handoff_evals.transcript import AgentRef

    active = Target.parse(met)
    return Target.parse(label).matches(AgentRef(id=active.id, attributes=active.where))
