"""Runs the tests against every mutant, and gives each result as it comes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import Signals
from typing import Any, Literal

from handoff_evals.agent_source import AgentModule
from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.mutation.mutant import Mutant, Operator
from handoff_evals.mutation.operators import find
from handoff_evals.mutation.selection import Selected
from handoff_evals.processes import ChildProcess


@dataclass(frozen=True, kw_only=True)
class ForkServerSettings:
    """What the fork server needs to know."""

    folder: str
    modules: list[str]
    tests: list[list[str]]
    """Of each module."""
    operators: list[str]
    jobs: int
    timeout_s: float | None
    """For one mutant; None for a multiple of what the module's tests take by themselves."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a module's tests: on a mutant, or (None) on the module as it is."""

    module: int
    mutant: int | None
    limit_s: float


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


_STOP_S = 30.0
_FAILED, _NOT_COLLECTED = 1, 2
"""pytest's exit codes after a failure, and where a file can't even be imported."""


class Session:
    """The mutants of some modules, and what the tests made of them so far.

    Args:
        selected: the modules, with their tests.
        operators: the ways to break them.
        folder: the project's folder, where the tests are run.
        jobs: how many mutants at once.
        timeout_s: seconds for one mutant; None for five times what the module's
            tests take by themselves, and ten more.

    Raises:
        UsageError: when a module can't be read, or there is nothing to break.
    """

    def __init__(
        self,
        selected: Sequence[Selected],
        *,
        operators: Sequence[Operator],
        folder: Path,
        jobs: int,
        timeout_s: float | None = None,
    ) -> None:
        self._selected = selected
        self.mutants: list[tuple[Mutant, ...]] = [  # of each module
            find(AgentModule.read(folder / each.path), operators) for each in selected
        ]
        if not any(self.mutants):
            paths = ", ".join(str(each.path) for each in selected)
            raise UsageError(f"nothing to break in {paths}: no agent and no tool was found there")
        self._printed = ""
        self._results: list[dict[int, Result]] = [{} for _ in selected]
        self._settings = ForkServerSettings(
            folder=str(folder),
            modules=[str(each.path) for each in selected],
            tests=[list(each.tests) for each in selected],
            operators=[each.name for each in operators],
            jobs=jobs,
            timeout_s=timeout_s,
        )

    @property
    def total(self) -> int:
        """How many mutants there are."""
        return sum(map(len, self.mutants))

    @property
    def run(self) -> MutationRun:
        """What there is so far, in the order of the mutants."""
        return MutationRun(
            modules=tuple(
                Examined(
                    path=each.path,
                    tests=each.tests,
                    results=tuple(results[number] for number in sorted(results)),
                    total=len(mutants),
                )
                for each, mutants, results in zip(
                    self._selected, self.mutants, self._results, strict=True
                )
            )
        )

    def results(self) -> Iterator[Result]:
        """Run everything.

        Raises:
            UsageError: when the tests fail already without a mutant, or none of
                them imports the module.
            HandoffEvalsError: when the process that runs the mutants died.
        """
        missing = self.total
        for event in self._events():
            job, ending = event["job"], event["ending"]
            if job["mutant"] is None:
                self._check_baseline(self._selected[job["module"]], ending)
                continue
            module, number = job["module"], job["mutant"]
            result = _judged(self.mutants[module][number], ending, limit_s=job["limit_s"])
            self._results[module][number] = result
            missing -= 1
            yield result
        if missing:
            raise HandoffEvalsError(
                f"the process that runs the mutants ended with {missing} of them left: "
                f"{self._printed}"
            )

    def _check_baseline(self, selected: Selected, ending: Mapping[str, Any]) -> None:
        answer, tests = ending["answer"], " ".join(selected.tests)
        if answer is not None and not answer["failed"] and answer["exit_code"] == 0:
            if answer["loaded"] and answer["passed"]:
                return
            what = "passes" if answer["loaded"] else f"imports {selected.path}"
            raise UsageError(f"none of the tests {tests} {what}: name others with --tests")
        if ending["overdue"]:
            why = f"they are not done after {ending['seconds']:.0f} s"
        elif answer is not None and answer["failed"]:
            why = f"{answer['failed']} fails: {answer['reason']}"
        else:
            why = f"pytest ended with this: {ending['output'].strip()}"
        raise UsageError(
            f"the tests of {selected.path} must pass before anything is broken, but {why}\n"
            f"`pytest {tests}` shows more"
        )

    def _events(self) -> Iterator[Mapping[str, Any]]:
        process = ChildProcess(
            "handoff_evals.mutation.fork_server", folder=Path(self._settings.folder)
        )
        try:
            process.send(asdict(self._settings))
            while (event := process.receive()) is not None:
                yield event
        finally:
            process.stop(within_s=_STOP_S)
            self._printed = process.printed


def _judged(mutant: Mutant, ending: Mapping[str, Any], *, limit_s: float) -> Result:
    answer: Mapping[str, Any] = ending["answer"] or {"exit_code": None, "failed": ""}
    seconds, code, failed = ending["seconds"], answer["exit_code"], answer["failed"]
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
