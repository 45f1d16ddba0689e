"""The command line. Nothing here imports livekit before a command needs it."""

import signal
from importlib.metadata import version
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from handoff_evals.cli.calibrate_command import CALIBRATE_EPILOG, LABEL_EPILOG, calibrate, label
from handoff_evals.cli.diff_command import DIFF_EPILOG, diff
from handoff_evals.cli.graph_command import GRAPH_EPILOG, graph
from handoff_evals.cli.init_command import INIT_EPILOG, init
from handoff_evals.cli.judge_command import JUDGE_EPILOG, judge
from handoff_evals.cli.mutate_command import MUTATE_EPILOG, mutate
from handoff_evals.cli.output import EXIT_CODES, ExitCode
from handoff_evals.cli.plan_command import PLAN_EPILOG, plan
from handoff_evals.cli.recordings_commands import IMPORT_EPILOG, PRUNE_EPILOG, import_, prune
from handoff_evals.cli.report_command import REPORT_EPILOG, report
from handoff_evals.cli.results_commands import (
    BASELINE_EPILOG,
    COMPARE_EPILOG,
    SHOW_EPILOG,
    baseline,
    compare,
    show,
)
from handoff_evals.cli.run_commands import (
    MODELS_EPILOG,
    RESUME_EPILOG,
    RUN_EPILOG,
    RunCommand,
    models,
    resume,
    run,
)
from handoff_evals.cli.schema_command import SCHEMA_EPILOG, schema
from handoff_evals.display import visible
from handoff_evals.errors import EngineError, HandoffEvalsError
from handoff_evals.event_loop import exit_with
from handoff_evals.terminal import echo
from handoff_evals.user_code import last_user_line

# Click's `UsageError`, by whichever of its names this version of typer has it.
_WrongWords: Any = typer.BadParameter.__mro__[1]


class _Commands(TyperGroup):
    """The commands; what stops one of them becomes one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            typer.Exit: after Ctrl-C, or an error that the harness raises on purpose.
        """
        try:
            return super().invoke(ctx)
        except _WrongWords as error:
            error.message = visible(error.message)
            raise
        except HandoffEvalsError as error:
            echo(f"error: {error}", err=True)
            code = ExitCode.INVALID if isinstance(error, EngineError) else ExitCode.USAGE
        except KeyboardInterrupt:
            echo("interrupted", err=True)
            code = ExitCode.INTERRUPTED
        except SystemExit as error:
            if isinstance(error.__context__, BrokenPipeError):
                # Rich, which prints the help: who read it, as `head`, has read enough.
                raise typer.Exit from error
            # No command exits by it: 0 is only for one that came to its end.
            echo(
                f"error: code of the agents or the models called sys.exit({error.code!r})"
                f"{last_user_line(error)}, so the command did not finish: remove that call",
                err=True,
            )
            code = ExitCode.ENDED
        raise typer.Exit(code)


_MODELS = "Models and mutants"
_RUNS = "Finished runs"
_JUDGES = "Judges"
_RECORDINGS = "Recordings and files"

app = typer.Typer(
    name="handoff-evals",
    cls=_Commands,
    help="Tell whether a LiveKit agent hands the caller to the right agent, at the right moment, "
    "with the right context.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
_cassettes = typer.Typer(
    help="Maintain the recorded answers of models.", no_args_is_help=True, rich_markup_mode="rich"
)
_cassettes.command(epilog=PRUNE_EPILOG)(prune)

app.command(cls=RunCommand, epilog=RUN_EPILOG)(run)
app.command(epilog=RESUME_EPILOG)(resume)
app.command(epilog=DIFF_EPILOG)(diff)
app.command(epilog=PLAN_EPILOG)(plan)
app.command(epilog=GRAPH_EPILOG)(graph)
app.command(epilog=INIT_EPILOG)(init)
app.command(epilog=SHOW_EPILOG, rich_help_panel=_RUNS)(show)
app.command(epilog=REPORT_EPILOG, rich_help_panel=_RUNS)(report)
app.command(epilog=JUDGE_EPILOG, rich_help_panel=_RUNS)(judge)
app.command(epilog=COMPARE_EPILOG, rich_help_panel=_RUNS)(compare)
app.command(epilog=BASELINE_EPILOG, rich_help_panel=_RUNS)(baseline)
app.command(epilog=CALIBRATE_EPILOG, rich_help_panel=_JUDGES)(calibrate)
app.command(epilog=LABEL_EPILOG, rich_help_panel=_JUDGES)(label)
app.command("import", epilog=IMPORT_EPILOG, rich_help_panel=_RECORDINGS)(import_)
app.add_typer(_cassettes, name="cassettes", rich_help_panel=_RECORDINGS)
app.command(epilog=MODELS_EPILOG, rich_help_panel=_MODELS)(models)
app.command(epilog=MUTATE_EPILOG, rich_help_panel=_MODELS)(mutate)
app.command(epilog=SCHEMA_EPILOG, rich_help_panel=_RECORDINGS)(schema)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        echo(f"handoff-evals {version('handoff-evals')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Keep `handoff-evals` a group of commands."""


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, _as_by_ctrl_c)
    exit_with(_code())


def _code() -> int:
    try:
        app()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(bool(error.code))
    return ExitCode.OK


def _as_by_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    """End in order when told to, as CI and `timeout` do: what is finished is kept and printed."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job of the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
