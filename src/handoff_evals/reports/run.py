"""A run to look at from Python: in a notebook, in the terminal, or value by value."""

from collections.abc import Iterator
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Self

from rich.console import Group, RenderableType

from handoff_evals.errors import UsageError
from handoff_evals.reports.conversation import conversation
from handoff_evals.reports.run_report import run_tables
from handoff_evals.results import Manifest, RunFolder, Summary, Trial, summarise
from handoff_evals.terminal import Console, Inert, Text

_WIDTH = 110
"""Columns of the tables where no terminal says how many there are."""
_HTML = (
    '<pre style="white-space: pre; overflow-x: auto; line-height: 1.2; '
    "font-family: Menlo, 'DejaVu Sans Mono', Consolas, monospace\">{code}</pre>"
)


class Run:
    """A finished run, read from its folder.

    ```python
    run = Run.open("runs/20260101-120000")
    run.summary.models["local"].accuracy.value
    [trial for trial in run.trials if trial.status == "failed"]
    ```

    It shows its tables as the last value of a notebook's cell, by `print(run)`, and
    by rich's `print`.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read the run of that folder.

        Raises:
            RunFolderError: when it is none, or of a schema that this version can't read.
        """
        run = cls(RunFolder.open(Path(path)))
        _ = run.manifest
        return run

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._folder.path

    @cached_property
    def manifest(self) -> Manifest:
        """What was run: suites, models, seed, versions."""
        return self._folder.manifest

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """The finished trials with their transcripts, in the order in which they ended."""
        return tuple(self._folder.trials())

    @cached_property
    def summary(self) -> Summary:
        """The run in numbers, computed from the trials."""
        return summarise(self.trials, self.manifest)

    def trial(self, scenario: str, *, model: str | None = None, number: int = 0) -> Trial:
        """One trial, to read its conversation.

        Args:
            scenario: its label, whole or in part.
            model: the model's label; None for the only one, or the first.
            number: which of the scenario's trials, from 0.

        Raises:
            UsageError: when there is no such trial.
        """
        for trial in self.trials:
            key = trial.key
            if (
                scenario.casefold() in key.scenario.casefold()
                and key.number == number
                and model in {None, key.model}
            ):
                return trial
        labels = ", ".join(sorted({repr(trial.key.scenario) for trial in self.trials}))
        of_model = "" if model is None else f" on model {model!r} (models: {self.manifest.models})"
        raise UsageError(
            f"no trial {number} of a scenario {scenario!r}{of_model}; scenarios: {labels or 'none'}"
        )

    def conversation(self, scenario: str, *, model: str | None = None, number: int = 0) -> str:
        """The conversation of one trial as text; see `trial`."""
        found = self.trial(scenario, model=model, number=number)
        marked = {
            index for score in found.scores if score.status == "failed" for index in score.events
        }
        return conversation(found.transcript, marked=marked)

    def __repr__(self) -> str:
        models = ", ".join(self.manifest.models)
        return f"<Run {str(self.path)!r}: trials={len(self.trials)}, models={models}>"

    def __str__(self) -> str:
        console = Console(file=StringIO(), width=_WIDTH, color_system=None)
        with console.capture() as captured:
            console.print(self)
        return captured.get().rstrip("\n")

    def __rich__(self) -> RenderableType:
        return Inert(Group(*self._tables()))

    def _repr_html_(self) -> str:
        """The tables for a notebook; rich escapes what agents and models said."""
        console = Console(file=StringIO(), width=_WIDTH, record=True, force_jupyter=False)
        console.print(self)
        return console.export_html(inline_styles=True, code_format=_HTML)

    def _tables(self) -> Iterator[RenderableType]:
        yield from run_tables(self.summary)
        for note in (*self.manifest.notes, *self.summary.notes, f"run folder: {self.path}"):
            yield Text(note, style="dim")
