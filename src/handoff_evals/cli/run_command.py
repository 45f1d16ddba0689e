"""`handoff-evals run`."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handoff_evals.cli.gates import Gate, unmet, verdict
from handoff_evals.cli.output import ExitCode, conversations, to_reader
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from handoff_evals.cassettes import Mode
    from handoff_evals.cli.gates import BaselineGate
    from handoff_evals.comparison import AgainstBaseline
    from handoff_evals.results import RunFolder, Summary
    from handoff_evals.runs import PreparedRun, RunRequest


_MODELS = (
    "local[:NAME], gguf:PATH, provider/model, http://HOST/v1#MODEL, module:function, a name of "
    "pyproject.toml, own, never, always:AGENT, random, oracle. Repeatable."
)
_CASSETTES = (
    "Answer from recorded exchanges: auto (record what is missing), replay (a miss is an error; "
    "no model is needed), record (all anew)."
)

_HELD = "What is held"
_LIMITS = "Limits"
_GATES = "Gates"
_TAPES = "Cassettes"
_OUTPUT = "Output"


def run(
    suites: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SUITE]...", help="Scenario files, or folders that hold some."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help=_MODELS, rich_help_panel=_HELD)
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Conversations per scenario and model. (default: 1)",
            rich_help_panel=_HELD,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The run's seed; each trial's is derived. (default: 0)", rich_help_panel=_HELD
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The run's folder. (default: runs/TIME)",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Scenarios whose label contains this. Repeatable.", rich_help_panel=_HELD
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="K=V", help="Scenarios with this tag. Repeatable.", rich_help_panel=_HELD
        ),
    ] = None,
    min_passed: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE[:lower]",
            help="Exit 1 when a model passes a smaller share of its scenarios; with `:lower`, "
            "when the lower bound of the interval is below.",
            rich_help_panel=_GATES,
        ),
    ] = None,
    min_accuracy: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE[:lower]",
            help="As --min-passed, for the share of correct handoff decisions.",
            rich_help_panel=_GATES,
        ),
    ] = None,
    max_unscored: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Exit 3 when more of a model's trials are unscored.",
            rich_help_panel=_GATES,
        ),
    ] = 0.05,
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency", "-j", min=1, help="Conversations at once.", rich_help_panel=_LIMITS
        ),
    ] = 16,
    retries: Annotated[
        int,
        typer.Option(
            min=0,
            help="How often a trial without an answer is held again.",
            rich_help_panel=_LIMITS,
        ),
    ] = 2,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            min=1, help="Start no more trials once so many are used.", rich_help_panel=_LIMITS
        ),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            min=0, help="As --max-tokens, where a price is known.", rich_help_panel=_LIMITS
        ),
    ] = None,
    turn_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for one turn.", rich_help_panel=_LIMITS)
    ] = 120.0,
    trial_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for one conversation.", rich_help_panel=_LIMITS)
    ] = 1800.0,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Take up a run: do only what is missing of it.",
            rich_help_panel=_HELD,
        ),
    ] = None,
    cassettes: Annotated[
        str,
        typer.Option(metavar="off|auto|replay|record", help=_CASSETTES, rich_help_panel=_TAPES),
    ] = "off",
    tapes: Annotated[
        Path,
        typer.Option(
            help="The folder of the cassettes.", show_default=False, rich_help_panel=_TAPES
        ),
    ] = Path("fixtures/cassettes"),
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove what no request asked a cassette for.", rich_help_panel=_TAPES
        ),
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Exit 1 when it has regressed against this kept run.",
            rich_help_panel=_GATES,
        ),
    ] = None,
    update_baseline: Annotated[
        bool,
        typer.Option(
            "--update-baseline", help="Make this run the --baseline.", rich_help_panel=_GATES
        ),
    ] = False,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A summary for a pull request.", rich_help_panel=_OUTPUT),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON.", rich_help_panel=_OUTPUT)
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="No progress, no tables; only why the exit code is not 0.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
) -> None:
    """Hold every scenario's conversation and judge the handoffs.

    [bold]Examples[/bold]

    handoff-evals run  [dim]all suites under evals/, on the local model[/dim]

    handoff-evals run evals/triage -m local -m never  [dim]two models side by side[/dim]

    handoff-evals run -m my_models:gpt --trials 5 --min-accuracy 0.9

    handoff-evals run -m local:small --only "charged twice" --tag difficulty=hard
    """
    from rich.console import Console

    from handoff_evals.cli.gates import BaselineGate
    from handoff_evals.cli.output import spoken, tell_of_cassettes, wanted, write_markdown
    from handoff_evals.drivers import Limits
    from handoff_evals.reports import print_against, run_markdown
    from handoff_evals.results import summarise
    from handoff_evals.runs import RetryPolicy, RunRequest

    if resume is not None and (suites or model or only or tag or out or trials or seed is not None):
        raise UsageError(
            "--resume goes on with what the run was: leave out suites, --model, --trials, --seed, "
            "--only, --tag and --out"
        )
    request = RunRequest(
        suites=suites or (),
        models=model or ("local",),
        trials=trials or 1,
        seed=seed or 0,
        only=only or (),
        tags=_tags(tag or []),
        limits=Limits(turn_s=turn_timeout, call_s=trial_timeout),
        concurrency=concurrency,
        retry_policy=RetryPolicy(retries=retries),
        max_tokens=max_tokens,
        max_cost=max_cost,
        cassettes=_mode(cassettes),
        tapes=(tapes,),
    )
    gates = (Gate.read("passed", min_passed), Gate.read("accuracy", min_accuracy))
    noise = Console(stderr=True, quiet=quiet)
    gate = BaselineGate.opened(baseline, update=update_baseline)
    # An agent that prints must not get into the JSON.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        prepared, folder = _prepare(request, out=out, resumed=resume, gate=gate)
        _list_simulated(prepared, noise)
        undone = _execute(prepared, folder, noise)
    tell_of_cassettes(prepared, noise, prune=prune and undone is not None)
    summary = summarise(folder.trials(), folder.manifest)
    folder.write_summary(summary)
    if undone is None:
        _report(summary, folder, as_json=as_json, quiet=quiet)
        again = f"handoff-evals run --resume {folder.path}"
        noise.print(f"interrupted; what is finished is kept: {again}", style="yellow")
        raise typer.Exit(ExitCode.INTERRUPTED)
    code, reasons = verdict(summary, gates=gates, max_unscored=max_unscored)
    against = gate.hold(folder, prepared, valid=code is not ExitCode.INVALID) if gate else ()
    if gate is not None:
        code, reasons = gate.rule(against, code, reasons)
    if wanted(markdown):
        text = run_markdown(
            summary,
            verdict=spoken(code, against),
            reasons=(*undone, *reasons),
            against=against,
            notes=folder.manifest.notes,
        )
        write_markdown(text, markdown)
    # Last: whoever reads may go away, and nothing hangs on it.
    _report(summary, folder, as_json=as_json, quiet=quiet, against=() if as_json else against)
    if as_json:
        print_against(noise, against)
    for line in (*unmet(prepared.suites, summary), *undone):
        noise.print(line, style="yellow", markup=False, soft_wrap=True)
    for line in reasons:  # why it does not exit with 0: --quiet wants to know that too
        Console(stderr=True).print(line, style="yellow", markup=False, soft_wrap=True)
    raise typer.Exit(code)


def _mode(written: str) -> "Mode":
    from handoff_evals.cassettes import Mode

    try:
        return Mode(written)
    except ValueError:
        modes = ", ".join(Mode)
        raise UsageError(f"--cassettes {written!r}: there are {modes}") from None


def _tags(written: list[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--tag {each!r}: write K=V, as in `--tag difficulty=hard`")
        tags[name] = value
    return tags


def _prepare(
    request: "RunRequest",
    *,
    out: Path | None,
    resumed: Path | None,
    gate: "BaselineGate | None" = None,
) -> tuple["PreparedRun", "RunFolder"]:
    from handoff_evals.results import RunFolder
    from handoff_evals.runs import prepare, resume

    if resumed is not None:
        folder = RunFolder.open(resumed)
        prepared = resume(folder, request, command=sys.argv)
        if gate is not None:
            gate.check(prepared)
        return prepared, folder
    prepared = prepare(request, command=sys.argv)
    if gate is not None:
        gate.check(prepared)
    parent, name = (Path("runs"), None) if out is None else (out.parent, out.name)
    return prepared, RunFolder.create(parent, prepared.manifest, name=name)


def _execute(
    prepared: "PreparedRun", folder: "RunFolder", console: "Console"
) -> tuple[str, ...] | None:
    """Run it with a progress bar.

    Returns:
        What was left undone, in words; None when it was interrupted.
    """
    try:
        with folder.locked(), conversations(console, len(prepared.planned)) as done:
            return asyncio.run(prepared.execute(folder, done))
    except KeyboardInterrupt:
        return None
    except OSError as error:
        raise UsageError(
            f"{str(folder.path)!r} can't be written to: {error}. What is finished is kept: "
            f"handoff-evals run --resume {folder.path}"
        ) from error


def _report(
    summary: "Summary",
    folder: "RunFolder",
    *,
    as_json: bool,
    quiet: bool,
    against: "Sequence[AgainstBaseline]" = (),
) -> None:
    from handoff_evals.reports import print_against, print_run

    with to_reader() as console:
        if as_json:
            typer.echo((folder.path / "summary.json").read_text(), nl=False)
        elif not quiet:
            notes = [*folder.manifest.notes, f"run folder: {folder.path}"]
            print_run(console, summary, notes=notes)
            print_against(console, against)


def _list_simulated(prepared: "PreparedRun", console: "Console") -> None:
    for suite in prepared.suites:
        if suite.simulated:
            console.print(
                f"{suite.path}: {len(suite.simulated)} scenarios have no `turns` and need a "
                f"simulated caller; not run: {', '.join(suite.simulated)}",
                style="yellow",
                markup=False,
            )
