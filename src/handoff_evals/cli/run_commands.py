"""`handoff-evals run`, `resume` and `models`: what asks models."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from handoff_evals.cli.execution import Gates, Output, Started, carry_out
from handoff_evals.cli.output import ExitCode, epilog
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from handoff_evals.cassettes import Mode
    from handoff_evals.runs import RunRequest

_TRIALS = "Trials"
_LIMITS = "Cassettes and limits"
_GATES = "Gates"
_OUTPUT = "Output"

RUN_EPILOG = epilog(
    ("run", "every suite under evals/, on the local model"),
    ("run evals/triage -m local -m never", "two models side by side"),
    ("run -m my_models:gpt --trials 5 --min-accuracy 0.9", ""),
    ("run -m oracle --driver text --driver spoken", "both"),
    ('run --only "charged twice" --tag difficulty=hard', ""),
    ("run evals/simulated --caller local", "a model plays the callers"),
    ("run --judge rule", "and ask the scenarios' judges"),
    ("run --cassettes replay --baseline kept.json", "offline"),
)
RESUME_EPILOG = epilog(
    ("resume runs/20260101-120000", ""),
    ("resume runs/20260101-120000 --min-accuracy 0.9 --json", ""),
)
MODELS_EPILOG = epilog(
    ("models --check", "ask all that are ready"),
    ("models openai/gpt-4.1-mini http://127.0.0.1:8080/v1#qwen", ""),
)

_Concurrency = Annotated[
    int,
    typer.Option(
        "--concurrency", "-j", min=1, help="Conversations at once.", rich_help_panel=_LIMITS
    ),
]
_Workers = Annotated[
    str | None,
    typer.Option(
        "--workers",
        "-n",
        metavar="N|auto",
        help="Run conversations in so many processes; `auto` takes one a core. Agents that exit or "
        "block then end their worker alone. (default: none, all in this process)",
        show_default=False,
        rich_help_panel=_LIMITS,
    ),
]
_MaxCost = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Start no more trials at this cost, where a price is known.",
        rich_help_panel=_LIMITS,
    ),
]
_MinPassed = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE[:lower]",
        help="Exit 1 when a model passes a smaller share of its scenarios; `:lower` takes the "
        "lower bound of the interval.",
        rich_help_panel=_GATES,
    ),
]
_MinAccuracy = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE[:lower]",
        help="As --min-passed, for the share of correct handoff decisions.",
        rich_help_panel=_GATES,
    ),
]
_Baseline = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Exit 1 when a model has regressed against this baseline.",
        rich_help_panel=_GATES,
    ),
]
_Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Also write the run as one HTML file; see `report`.",
        rich_help_panel=_OUTPUT,
    ),
]
_Json = Annotated[
    bool, typer.Option("--json", help="Print the summary as JSON.", rich_help_panel=_OUTPUT)
]
_Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print only why the exit code is not 0.",
        rich_help_panel=_OUTPUT,
    ),
]


class RunCommand(TyperCommand):
    """`run`, which names the new spelling of the options that it no longer has."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after `run`.

        Raises:
            UsageError: when one of them is an option of an older version.
        """
        for word in args:
            name = word.partition("=")[0]
            if name == "--":
                break
            if name in _MOVED:
                raise UsageError(f"{name} is now {_MOVED[name]}")
        return super().parse_args(ctx, args)


def _setting(line: str) -> str:
    return f"`{line}` under [tool.handoff-evals] of pyproject.toml"


_MOVED = {
    "--resume": "a command: `handoff-evals resume RUN`",
    "--prune": "a command: `handoff-evals cassettes prune`",
    "--update-baseline": "a command, after the run: `handoff-evals baseline RUN FILE`",
    "--markdown": "an option of `show`, after the run: `handoff-evals show RUN --markdown FILE`",
    "--tapes": _setting('cassettes = "FOLDER"'),
    "--turn-timeout": _setting("turn_timeout = SECONDS"),
    "--trial-timeout": _setting("trial_timeout = SECONDS"),
    "--retries": _setting("retries = NUMBER"),
    "--max-unscored": _setting("max_unscored = SHARE"),
    "--max-tokens": _setting("max_tokens = NUMBER"),
}


def run(
    suites: Annotated[
        list[str] | None,
        typer.Argument(metavar="SUITE", help="Scenario files, or folders of them."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A model; `handoff-evals models` lists them. Repeatable. (default: local)",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    driver: Annotated[
        list[str] | None,
        typer.Option(
            metavar="text|spoken",
            help="How the agents are called; twice to compare. (default: the file's `driver`, "
            "or text)",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option(min=1, help="Trials per scenario and model.", rich_help_panel=_TRIALS),
    ] = 1,
    seed: Annotated[
        int, typer.Option(help="The seed that each trial's is from.", rich_help_panel=_TRIALS)
    ] = 0,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Only scenarios with this in their label. Repeatable.",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="K=V", help="Only scenarios with this tag. Repeatable.", rich_help_panel=_TRIALS
        ),
    ] = None,
    cassettes: Annotated[
        str,
        typer.Option(
            metavar="off|auto|replay|record",
            help="Answer from recordings; auto records what is missing, replay asks no model.",
            rich_help_panel=_LIMITS,
        ),
    ] = "off",
    concurrency: _Concurrency = 16,
    workers: _Workers = None,
    max_cost: _MaxCost = None,
    caller: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A model that plays the callers of scenarios without turns; any that -m names.",
            rich_help_panel=_TRIALS,
        ),
    ] = "",
    judge: Annotated[
        str,
        typer.Option(
            metavar="MODEL|rule",
            help="Ask the scenarios' judges: of a model, as --model names it, or by rule.",
            rich_help_panel=_TRIALS,
        ),
    ] = "",
    min_passed: _MinPassed = None,
    min_accuracy: _MinAccuracy = None,
    baseline: _Baseline = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The run's folder. (default: runs/TIME)",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    html: _Html = None,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    r"""Run every scenario and judge the handoffs.

    Timeouts, retries and other limits stand in pyproject.toml, under
    \[tool.handoff-evals].
    """
    from handoff_evals.runs import RunRequest

    request = replace(
        RunRequest.of_project(Path.cwd()),
        suites=suites or (),
        models=model or ("local",),
        drivers=driver or (),
        trials=trials,
        seed=seed,
        only=only or (),
        tags=_tags(tag or []),
        concurrency=concurrency,
        workers=_number(workers),
        max_cost=max_cost,
        cassettes=_mode(cassettes),
        caller=caller,
        judge=judge,
    )
    gates = Gates.read(passed=min_passed, accuracy=min_accuracy, baseline=baseline)
    output = Output(as_json=as_json, quiet=quiet, html=html)
    carry_out(lambda: _new(request, out, gates), gates, output)


def resume(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    concurrency: _Concurrency = 16,
    workers: _Workers = None,
    max_cost: _MaxCost = None,
    min_passed: _MinPassed = None,
    min_accuracy: _MinAccuracy = None,
    baseline: _Baseline = None,
    html: _Html = None,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Go on with a run that was stopped: run only the trials that are missing.

    Suites, models, seeds and cassettes are those of the run. Trials without an
    answer are run again.
    """
    from handoff_evals.runs import RunRequest

    request = replace(
        RunRequest.of_project(Path.cwd()),
        concurrency=concurrency,
        workers=_number(workers),
        max_cost=max_cost,
    )
    gates = Gates.read(passed=min_passed, accuracy=min_accuracy, baseline=baseline)
    output = Output(as_json=as_json, quiet=quiet, html=html)
    carry_out(lambda: _resumed(request, run, gates), gates, output)


def _number(workers: str | None) -> int:
    """How many worker processes; 0 for none.

    Raises:
        UsageError: when it is neither a number from 1 up nor `auto`.
    """
    if workers is None:
        return 0
    if workers == "auto":
        return len(os.sched_getaffinity(0))
    if workers.isdecimal() and int(workers):
        return int(workers)
    raise UsageError(f"--workers {workers!r}: write a number from 1 up, or `auto` for one a core")


def _mode(written: str) -> "Mode":
    from handoff_evals.cassettes import Mode

    try:
        return Mode(written)
    except ValueError:
        modes = ", ".join(Mode)
        raise UsageError(f"--cassettes {written!r}: choose one of {modes}") from None


def _tags(written: list[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--tag {each!r}: write K=V, as in `--tag difficulty=hard`")
        tags[name] = value
    return tags


def _new(request: "RunRequest", out: Path | None, gates: Gates) -> Started:
    from handoff_evals.results import RunFolder
    from handoff_evals.runs import prepare

    prepared = prepare(request, command=sys.argv)
    gates.check(prepared.manifest)
    parent, name = (Path("runs"), None) if out is None else (out.parent, out.name)
    return prepared, RunFolder.create(parent, prepared.manifest, name=name)


def _resumed(request: "RunRequest", run: Path, gates: Gates) -> Started:
    from handoff_evals.results import RunFolder
    from handoff_evals.runs import resume as prepare_rest

    folder = RunFolder.open(run)
    prepared = prepare_rest(folder, request, command=sys.argv)
    gates.check(prepared.manifest)
    return prepared, folder


def models(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Ask only these, as --check does."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Ask each model that is ready for one word.")
    ] = False,
) -> None:
    """List the models that --model can name, and what is missing to use the others.

    Exits with 1 when a model that was asked fails.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from handoff_evals.models import Listed, listing
    from handoff_evals.models import check as ask
    from handoff_evals.terminal import Console, Text

    folder = Path.cwd()
    listed = [Listed(name=name, what="") for name in names] if names else listing(folder)
    ready = [each.name for each in listed if each.checkable and not each.lacks]
    answers = asyncio.run(ask(ready, folder=folder)) if check or names else {}
    table = Table("model", "what", "state", box=SIMPLE_HEAD)
    for column in table.columns:
        column.overflow = "fold"
    for each in listed:
        state = answers.get(each.name) or (f"needs {each.lacks}" if each.lacks else "ready")
        table.add_row(Text(each.name), Text(each.what), Text(state))
    Console().print(table)
    if any(answer.startswith("fails") for answer in answers.values()):
        raise typer.Exit(ExitCode.GATE_FAILED)
