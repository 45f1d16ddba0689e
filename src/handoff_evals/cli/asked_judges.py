"""Judges in a run of the command line."""

import asyncio
from typing import TYPE_CHECKING

from handoff_evals.cli.output import conversations, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handoff_evals.judges import Panel
    from handoff_evals.results import RunFolder
    from handoff_evals.scenarios import Suite
    from handoff_evals.terminal import Console


def judges_not_asked(judge: str, suites: "Sequence[Suite]") -> tuple[str, ...]:
    """What a reader must be told where judges are named and not asked, or the other way round."""
    from handoff_evals.runs import not_asked

    return not_asked(judge, suites)


def ask_planted(panel: "Panel | None", console: "Console") -> None:
    """Ask the judges about planted conversations, before anything is run."""
    if panel is not None:
        asyncio.run(panel.test())
        say(console, panel.lines)


def judge_all(
    panel: "Panel | None", folder: "RunFolder", suites: "Sequence[Suite]", console: "Console"
) -> None:
    """Ask the judges about a run's trials, with a progress bar."""
    from handoff_evals.runs import judge_run, unjudged

    if panel is not None:
        with conversations(console, unjudged(folder, suites), what="judged") as done:
            asyncio.run(judge_run(panel, folder, suites, done))
