"""Runs the tests against every mutant, and gives each result as it comes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from handoff_evals.agent_source import AgentModule, RuntimeFacts
from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.mutation.mutant import Mutant, Operator
from handoff_evals.mutation.mutant_result import Examined, MutationRun, Result, judged
from handoff_evals.mutation.probe import is_test
from handoff_evals.mutation.selection import OPERATORS, Selected, find
from handoff_evals.processes import ChildProcess

Preload = Literal["all", "livekit", "nothing"]


@dataclass(frozen=True, kw_only=True)
class ForkServerSettings:
    """What the fork server needs to know."""

    folder: str
    paths: list[str]
    """The modules whose tests are run first without a mutant, from the folder."""
    tests: list[list[str]]
    """Of each module."""
    operators: list[str]
    jobs: int
    preload: Preload = "all"
    """Which of the modules that the tests import it imports before it forks."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a module's tests: on a mutant, or (None) on the module as it is."""

    module: int
    mutant: int | None
    limit_s: float


@dataclass(kw_only=True)
class MutatedModule:
    """A module whose mutants are run."""

    path: str
    """From the project's folder."""
    tests: list[str]
    facts: dict[str, list[Any]] = field(default_factory=dict)
    """See `RuntimeFacts`."""
    limit_s: float = 0.0
    """For one mutant."""
    mutants: list[int] = field(default_factory=list)
    """Which of all that there are."""

    def module(self, folder: Path) -> AgentModule:
        """Read it."""
        facts = RuntimeFacts(**{kind: frozenset(each) for kind, each in self.facts.items()})
        return AgentModule.read(folder / self.path, facts=facts)


_STOP_S = 30.0
_LEAST_S = 10.0
_SLOWER = 5
_PRELOADS: tuple[Preload, ...] = ("all", "livekit", "nothing")


class Session:
    """The mutants of some modules, and what the tests made of them so far.

    The tests are run once without a mutant first: they have to pass, and what they show of
    the agents tells what there is to break. That is done when `mutants` or `results` are
    asked for.

    Args:
        selected: the modules, with their tests.
        operators: the ways to break them.
        folder: the project's folder, where the tests are run.
        jobs: how many mutants at once.
        timeout_s: seconds for one mutant; None for five times what the module's
            tests take by themselves, and ten more.
        deselect: mutants whose id has one of these texts in it are left out.
    """

    def __init__(
        self,
        selected: Sequence[Selected],
        *,
        operators: Sequence[Operator],
        folder: Path,
        jobs: int,
        timeout_s: float | None = None,
        deselect: Sequence[str] = (),
    ) -> None:
        self._selected = selected
        self._operators = operators
        self._folder = folder.resolve()
        self._timeout_s = timeout_s
        self._deselect = deselect
        self._process: ChildProcess | None = None
        self._targets: list[MutatedModule] = []
        self._mutants: list[tuple[Mutant, ...]] = []  # of each target
        self._results: list[dict[int, Result]] = []
        self._crashes: set[str] = set()
        self.notes: list[str] = []
        """What a user has to know besides the results."""
        self._settings = ForkServerSettings(
            folder=str(self._folder),
            paths=[str(each.path) for each in selected],
            tests=[list(each.tests) for each in selected],
            operators=[each.name for each in operators],
            jobs=jobs,
        )

    @property
    def total(self) -> int:
        """How many mutants are run."""
        return sum(len(each.mutants) for each in self._targets)

    @property
    def run(self) -> MutationRun:
        """What there is so far, in the order of the mutants."""
        return MutationRun(
            modules=tuple(
                Examined(
                    path=Path(each.path),
                    tests=tuple(each.tests),
                    results=tuple(results[number] for number in sorted(results)),
                    total=len(each.mutants),
                    deselected=len(mutants) - len(each.mutants),
                )
                for each, mutants, results in zip(
                    self._targets, self._mutants, self._results, strict=True
                )
            )
        )

    @property
    def mutants(self) -> dict[Path, tuple[Mutant, ...]]:
        """What is to be broken, by module; after `prepare`."""
        return {
            Path(each.path): tuple(mutants[number] for number in each.mutants)
            for each, mutants in zip(self._targets, self._mutants, strict=True)
        }

    def prepare(self) -> None:
        """Run the tests without a mutant, and find what there is to break.

        Raises:
            UsageError: when the tests fail already without a mutant, or none of
                them imports the module; when a module can't be read, or there is
                nothing to break in it; when nothing is deselected by a text.
            HandoffEvalsError: when the process that runs the tests died.
        """
        for each in self._selected:
            AgentModule.read(self._folder / each.path)
        for preload in _PRELOADS:
            self._start(replace(self._settings, preload=preload))
            endings, problem = self._unbroken()
            if problem is None:
                try:
                    self._plan(endings)
                except UsageError:
                    self.close()
                    raise
                return
            self.close()
            if not problem.forked or preload == _PRELOADS[-1]:
                raise UsageError(problem.text)

    def close(self) -> None:
        """Stop the process that runs the tests; `results` does it by itself."""
        if self._process is not None:
            self._process.stop(within_s=_STOP_S)

    def results(self) -> Iterator[Result]:
        """Run everything.

        Raises:
            UsageError: as `prepare` does, which is called if it has not been.
            HandoffEvalsError: when the process that runs the mutants died.
        """
        if self._process is None:
            self.prepare()
        process = self._process
        assert process is not None  # noqa: S101 - `prepare` has started it
        missing = self.total
        try:
            process.send([asdict(each) for each in self._targets])
            while missing and (event := process.receive()) is not None:
                job, ending = event["job"], event["ending"]
                module, number = job["module"], job["mutant"]
                result = judged(
                    self._mutants[module][number],
                    ending,
                    limit_s=job["limit_s"],
                    known=self._crashes,
                )
                self._results[module][number] = result
                missing -= 1
                yield result
        finally:
            self.close()
        if missing:
            raise HandoffEvalsError(
                f"the process that runs the mutants ended with {missing} of them left: "
                f"{process.printed}"
            )

    def _start(self, settings: ForkServerSettings) -> None:
        self._process = ChildProcess("handoff_evals.mutation.fork_server", folder=self._folder)
        self._process.send(asdict(settings))

    def _unbroken(self) -> tuple[list[Mapping[str, Any]], "_Problem | None"]:
        """The tests of each module without a mutant, and what is wrong with them."""
        process = self._process
        assert process is not None  # noqa: S101 - `prepare` has started it
        endings: dict[int, Mapping[str, Any]] = {}
        while True:
            event = process.receive()
            if event is None:
                self.close()
                raise HandoffEvalsError(
                    f"the process that runs the tests without a mutant ended: {process.printed}"
                )
            if "ready" in event:
                return [endings[index] for index in range(len(self._selected))], None
            index, ending = event["job"]["module"], event["ending"]
            text = _problem(self._selected[index], ending)
            if text:
                # The first one of all runs before anything is imported in its parent.
                forked = bool(endings)
                if index in endings:
                    text += "\n(they pass where the process that they are forked from has "
                    text += "imported nothing yet)"
                return [], _Problem(text=text, forked=forked)
            # What a second run imports is known by the first.
            endings.setdefault(index, ending)
            self._crashes.update(ending["answer"]["crashes"])

    def _plan(self, endings: Sequence[Mapping[str, Any]]) -> None:
        """Find the mutants, in the modules that were selected and in those behind them."""
        targets: dict[str, MutatedModule] = {}
        for each, ending in zip(self._selected, endings, strict=True):
            facts, limit_s = ending["answer"]["facts"], self._limit_s(ending)
            own = str(each.path)
            behind = [
                path
                for path, seen in facts.items()
                if path != own and (seen["agents"] or seen["returns"]) and not is_test(Path(path))
            ]
            targets[own] = MutatedModule(
                path=own, tests=list(each.tests), facts=facts.get(own, {}), limit_s=limit_s
            )
            empty = not self._find(targets[own])
            selected = {str(other.path) for other in self._selected}
            for path in behind if empty or not each.named else ():
                if path in selected:
                    continue
                target = targets.setdefault(path, MutatedModule(path=path, tests=[]))
                target.tests += [test for test in each.tests if test not in target.tests]
                target.limit_s += limit_s
                for kind, values in facts[path].items():
                    target.facts[kind] = sorted({*target.facts.get(kind, ()), *values})
            if empty:
                self._tell_empty(own, [path for path in behind if path in targets])
        self._targets = [each for each in targets.values() if self._find(each)]
        self._mutants = [self._find(each) for each in self._targets]
        self._results = [{} for _ in self._targets]
        self._deselected()
        if not self.total:
            paths = ", ".join(targets)
            names = ", ".join(each.name for each in self._operators)
            raise UsageError(f"nothing to break in {paths} by these operators: {names}")

    def _tell_empty(self, path: str, behind: Sequence[str]) -> None:
        if behind:
            self.notes.append(
                f"nothing to break in {path}: broken are the agents behind it, in "
                f"{', '.join(behind)}"
            )
            return
        if set(self._operators) != set(OPERATORS):
            self.notes.append(f"nothing to break in {path} by the operators that were asked for")
            return
        raise UsageError(
            f"nothing to break in {path}: no agent, no tool and no session was found there or "
            "behind it, by the text or in a run of its tests. Name the file that has the agents"
        )

    def _find(self, target: MutatedModule) -> tuple[Mutant, ...]:
        return find(target.module(self._folder), self._operators)

    def _deselected(self) -> None:
        left = set(self._deselect)
        for target, mutants in zip(self._targets, self._mutants, strict=True):
            for number, mutant in enumerate(mutants):
                matching = {
                    text for text in self._deselect if text in mutant.id_in(Path(target.path))
                }
                left -= matching
                if not matching:
                    target.mutants.append(number)
        for text in sorted(left):
            raise UsageError(
                f"--deselect {text!r} fits no mutant: `mutate --list` prints what there is, and an "
                "id is PATH::SCOPE::OPERATOR::WHAT, of which any part will do"
            )

    def _limit_s(self, ending: Mapping[str, Any]) -> float:
        return self._timeout_s or _LEAST_S + _SLOWER * float(ending["seconds"])


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """Why the tests say nothing of mutants."""

    text: str
    forked: bool
    """Whether it may only be so in a process that was forked from one that imports much."""


def _problem(selected: Selected, ending: Mapping[str, Any]) -> str:
    """What is wrong with a run without a mutant; empty where nothing is."""
    answer, tests = ending["answer"], " ".join(selected.tests)
    if answer is not None and not answer["failed"] and answer["exit_code"] == 0:
        if answer["loaded"] and answer["passed"]:
            return ""
        what = "passes" if answer["loaded"] else f"imports {selected.path}"
        return f"none of the tests {tests} {what}: name others with --tests"
    if ending["overdue"]:
        why = f"they are not done after {ending['seconds']:.0f} s"
    elif answer is not None and answer["failed"]:
        why = f"{answer['failed']} fails: {answer['reason']}"
    else:
        why = f"pytest ended with this: {ending['output'].strip()}"
    return (
        f"the tests of {selected.path} must pass before anything is broken, but {why}\n"
        f"`pytest {tests}` shows more"
    )
