"""What became of each mutant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from handoff_evals.mutation.mutant import Mutant

Status = Literal["killed", "survived", "unjudged"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One mutant, and what the tests made of it."""

    mutant: Mutant
    status: Status
    killed_by: str = ""
    """The test that failed, or how else it ended."""
    reason: str = ""
    """The failure in one line, or why there is no verdict."""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One module's mutants, as far as they were run."""

    path: Path
    tests: tuple[str, ...]
    results: tuple[Result, ...]
    total: int
    """How many mutants there are."""

    @property
    def score(self) -> float | None:
        """The share that was killed of those with a verdict; None without any."""
        return score(self.results)

    @property
    def survivors(self) -> tuple[Result, ...]:
        """Those that no test noticed."""
        return tuple(each for each in self.results if each.status == "survived")


@dataclass(frozen=True, kw_only=True)
class MutationRun:
    """All modules."""

    modules: tuple[Examined, ...]

    @property
    def results(self) -> tuple[Result, ...]:
        """Of all modules."""
        return tuple(each for module in self.modules for each in module.results)

    @property
    def score(self) -> float | None:
        """The share that was killed over all modules; None without any verdict."""
        return score(self.results)

    @property
    def is_complete(self) -> bool:
        """Whether every mutant was run."""
        return all(len(module.results) == module.total for module in self.modules)


def score(results: Iterable[Result]) -> float | None:
    """The share that was killed of those with a verdict; None without any."""
    judged: Sequence[Result] = [each for each in results if each.status != "unjudged"]
    if not judged:
        return None
    return sum(each.status == "killed" for each in judged) / len(judged)
