"""What the tests made of the mutants."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any, Literal

from handoff_evals.mutation.mutant import Mutant

Status = Literal["killed", "survived", "invalid", "unjudged"]
"""`invalid` is a mutant that fits together no longer, so that any test would notice it."""


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
    """How many mutants there are, without those that were deselected."""
    deselected: int = 0

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
    judged: Sequence[Result] = [each for each in results if each.status in {"killed", "survived"}]
    if not judged:
        return None
    return sum(each.status == "killed" for each in judged) / len(judged)


_FAILED, _NOT_COLLECTED = 1, 2
"""pytest's exit codes after a failure, and where a file can't even be imported."""


def judged(
    mutant: Mutant, ending: Mapping[str, Any], *, limit_s: float, known: Collection[str]
) -> Result:
    """What a run of the tests says of a mutant.

    Args:
        mutant: what was broken.
        ending: how the run ended: an `Ending` of the fork server.
        limit_s: the seconds that it had.
        known: crashes that come without a mutant, too.
    """
    answer: Mapping[str, Any] = ending["answer"] or {"exit_code": None, "failed": ""}
    seconds, code, failed = ending["seconds"], answer["exit_code"], answer["failed"]
    crashes = [each for each in answer.get("crashes", ()) if each not in known]
    if crashes:
        return Result(mutant=mutant, status="invalid", reason=crashes[0], seconds=seconds)
    if ending["overdue"]:
        return Result(
            mutant=mutant,
            status="killed",
            killed_by="timeout",
            reason=f"not done within {limit_s:.0f} s",
            seconds=seconds,
        )
    if code == 0:
        return Result(mutant=mutant, status="survived", seconds=seconds)
    if code in {_FAILED, _NOT_COLLECTED} and failed:
        reason = answer["reason"]
        return Result(
            mutant=mutant, status="killed", killed_by=failed, reason=reason, seconds=seconds
        )
    how = f"pytest ended with {code}" if code is not None else "the process ended"
    if ending["signal"]:
        how = f"ended by {Signals(ending['signal']).name}"
    last = ending["output"].strip().splitlines()[-1:]
    return Result(mutant=mutant, status="unjudged", reason=": ".join([how, *last]), seconds=seconds)
