"""Where a Markdown summary goes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from handoff_evals.cli.exit_code import ExitCode
from handoff_evals.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handoff_evals.compare import AgainstBaseline, Movement

# What GitHub Actions shows on the page of a workflow's run.
_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def wanted(path: Path | None) -> bool:
    """Whether anybody reads one: `--markdown` was given, or it runs in GitHub Actions."""
    return path is not None or bool(os.environ.get(_STEP_SUMMARY))


def write_markdown(text: str, path: Path | None) -> None:
    """Write it to the file, and append it to GitHub's summary of the step where there is one.

    Raises:
        UsageError: when the file can't be written.
    """
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        summary = os.environ.get(_STEP_SUMMARY)
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
    except OSError as error:
        raise UsageError(f"the Markdown summary can't be written: {error}") from error


def spoken(code: ExitCode, against: "Sequence[AgainstBaseline]" = ()) -> str:
    """The verdict that the reader sees first."""
    if code is ExitCode.INVALID:
        return "invalid"
    movements = {each.movement for each in against}
    ranked: tuple[Movement, ...] = ("regressed", "can't tell", "improved", "no difference")
    moved = next((each for each in ranked if each in movements), None)
    if moved:
        return moved if code is ExitCode.OK or moved == "regressed" else f"{moved}, a gate failed"
    return "a gate failed" if code is ExitCode.GATE_FAILED else "valid"
