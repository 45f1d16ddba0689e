"""The command line. Nothing here imports livekit before a command needs it."""

import signal
import sys
from types import FrameType

import typer

from handoff_evals.cli.diff_command import diff
from handoff_evals.cli.import_command import import_
from handoff_evals.cli.models_command import models
from handoff_evals.cli.mutate_command import mutate
from handoff_evals.cli.plan_command import plan
from handoff_evals.cli.results_commands import compare, show
from handoff_evals.cli.run_command import run
from handoff_evals.errors import EngineError, HandoffEvalsError

app = typer.Typer(
    name="handoff-evals",
    help="Tell whether a LiveKit agent hands the caller to the right agent, at the right moment, "
    "with the right context.",
    epilog="Exit codes: 0 valid, 1 a gate failed, 2 usage or bad input, 3 invalid (nothing scored, "
    "or too much unscored), 4 inconclusive, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(show)
app.command()(compare)
app.command()(plan)
app.command()(diff)
app.command()(models)
app.command()(mutate)
app.command("import")(import_)


@app.callback()
def _options() -> None:
    """Keep `handoff-evals` a group of commands."""


def main() -> None:
    """Run the command line; what the harness raises on purpose becomes one clear message."""
    signal.signal(signal.SIGTERM, _as_by_ctrl_c)
    try:
        app()
    except HandoffEvalsError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(3 if isinstance(error, EngineError) else 2) from None


def _as_by_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    """End in order when told to, as CI and `timeout` do: what is finished is kept and printed."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job of the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
