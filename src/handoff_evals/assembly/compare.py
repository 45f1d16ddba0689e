"""Runs, opened and held side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handoff_evals.compare import Comparison, Record, compare_all, record
from handoff_evals.errors import UsageError
from handoff_evals.store import Manifest, ModelSummary, RunFolder, summarise


@dataclass(frozen=True, kw_only=True)
class Side:
    """One model of one run, under the name that the comparison gives it."""

    name: str
    summary: ModelSummary


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Models side by side, and each pair of them."""

    sides: tuple[Side, ...]
    pairs: tuple[Comparison, ...]
    schema: int = 1


def compare_runs(paths: Sequence[Path]) -> Compared:
    """Compare all models of one run, or of several runs of the same suites and agents.

    Raises:
        UsageError: when there is nothing to compare, or the runs differ in what was
            tested; it says in what.
    """
    folders = [RunFolder.open(path) for path in paths]
    first = folders[0].manifest
    for folder in folders[1:]:
        differing = list(differences(first, folder.manifest))
        if differing:
            raise UsageError(
                f"{str(folders[0].path)!r} and {str(folder.path)!r} can't be compared: "
                f"{'; '.join(differing)}"
            )
    sides: list[Side] = []
    records: list[Record] = []
    for folder in folders:
        summary = summarise(folder.trials(), folder.manifest)
        for label, found in summary.models.items():
            name = label if len(folders) == 1 else f"{folder.path.name}:{label}"
            sides.append(Side(name=name, summary=found))
            mine = (trial for trial in folder.trials() if trial.key.model == label)
            records.append(record(name, mine))
    if len(records) < 2:  # noqa: PLR2004 - a comparison takes two
        raise UsageError(
            f"{str(folders[0].path)!r} holds one model, {records[0].name!r}; name a second run, or "
            "run with several --model"
        )
    return Compared(sides=tuple(sides), pairs=compare_all(records))


def differences(a: Manifest, b: Manifest) -> Iterator[str]:
    """In what two runs differ that makes their trials no pairs."""
    suites_a = {suite.name: suite for suite in a.suites}
    suites_b = {suite.name: suite for suite in b.suites}
    for name in sorted(suites_a.keys() ^ suites_b.keys()):
        yield f"only one of them has the suite {name!r}"
    for name in sorted(suites_a.keys() & suites_b.keys()):
        one, other = suites_a[name], suites_b[name]
        if one.sha256 != other.sha256:
            yield f"the scenarios of {name!r} are not the same"
        if one.agent_sha256 != other.agent_sha256:
            yield f"the code of its agent {one.agent!r} is not the same"
