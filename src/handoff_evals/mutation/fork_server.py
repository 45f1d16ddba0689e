"""The process that every mutant's tests are forked from, so that livekit is imported once.

It takes its settings, and gives an event for each child that ends. When it forks, it has
imported what the tests import, but has run none of it: no event loop, no room and no model
exists in it. It ends, with all its children, when its parent does.

The children are forks and no `ChildProcess`: what they have to have is what is imported here.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from handoff_evals.agent_source import AgentModule
from handoff_evals.mutation.mutant import Mutant, mutated, removed_names
from handoff_evals.mutation.mutant_tests import run_tests
from handoff_evals.mutation.mutation_run import ForkServerSettings, Job, MutatedModule
from handoff_evals.mutation.selection import chosen_operators, find
from handoff_evals.processes import ParentProcess

_TAIL = 2000
_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class ProcessEnd:
    """How a child ended."""

    answer: dict[str, Any] | None
    """What it gave; None when it gave nothing."""
    overdue: bool
    signal: int
    """The signal that ended it, or 0."""
    seconds: float
    output: str
    """The end of what it printed."""


@dataclass(kw_only=True)
class Child:
    """A child in a process group and a scratch folder of its own."""

    pid: int
    pipe: int
    """Where its answer comes from."""
    limit_s: float
    scratch: Path
    began: float = field(default_factory=time.monotonic)
    received: bytes = b""

    @classmethod
    def fork(cls, work: Callable[[], dict[str, Any]], *, limit_s: float) -> "Child":
        """Start `work` in a copy of this process."""
        scratch = Path(tempfile.mkdtemp(prefix="handoff-evals-mutant-"))
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            _work(work, write, scratch)
        os.close(write)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # as the child does: whoever comes first
        return cls(pid=pid, pipe=read, limit_s=limit_s, scratch=scratch)

    @property
    def left_s(self) -> float:
        """Seconds until its time is up; never below 0."""
        return max(0.0, self.began + self.limit_s - time.monotonic())

    def receive(self) -> bool:
        """Take what has arrived of the answer.

        Returns:
            Whether the answer is whole, or will never be.
        """
        chunk = os.read(self.pipe, _CHUNK)
        self.received += chunk
        return not chunk or chunk.endswith(b"\n")

    def end(self) -> ProcessEnd:
        """Kill what is left of it, wait for it, and clean up after it."""
        overdue = not self.received and not self.left_s
        self.kill()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pipe)
        output = (self.scratch / "output").read_text(errors="replace")
        shutil.rmtree(self.scratch, ignore_errors=True)
        answered = self.received.endswith(b"\n")
        return ProcessEnd(
            answer=json.loads(self.received) if answered else None,
            overdue=overdue,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) and not answered else 0,
            seconds=time.monotonic() - self.began,
            output=output[-_TAIL:],
        )

    def kill(self) -> None:
        """End it and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def _work(work: Callable[[], dict[str, Any]], pipe: int, scratch: Path) -> None:
    """Do the work, answer, and never return: the parent's code must not run twice."""
    try:
        os.setpgid(0, 0)
        output = os.open(scratch / "output", os.O_WRONLY | os.O_CREAT)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
        answer = json.dumps(work()).encode() + b"\n"
        while answer:
            answer = answer[os.write(pipe, answer) :]
    except BaseException:  # noqa: BLE001 - SystemExit too: nothing may leave this function
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


_BASELINE_S = 600.0
_KEPT: dict[str, tuple[str, ...]] = {
    "all": ("",),
    "livekit": ("livekit.agents", "handoff_evals"),
    "nothing": (),
}
"""By how much is imported before a fork, how the names of those modules begin."""


class ParentEndedError(Exception):
    """Nobody waits for the results any more."""


class ForkServer:
    """Forks a child for each job, so many at once."""

    def __init__(self, settings: ForkServerSettings, parent: ParentProcess) -> None:
        self._settings = settings
        self._parent = parent
        self._folder = Path(settings.folder)
        self._targets = [
            MutatedModule(path=path, tests=tests)
            for path, tests in zip(settings.paths, settings.tests, strict=True)
        ]
        self._modules = [AgentModule.read(self._folder / each.path) for each in self._targets]
        self._mutants: list[Sequence[Mutant]] = [() for _ in self._targets]
        self._killers: list[list[tuple[str, str]]] = [[] for _ in self._targets]
        """Of each module: operators and the tests that noticed them, the last one first."""
        self._durations: dict[str, float] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(parent, selectors.EVENT_READ)

    def run(self) -> Iterator[tuple[Job, ProcessEnd]]:
        """The tests without a mutant, and then, if all of them passed, the mutants.

        What the tests of the first module import is imported here before all others.
        """
        jobs = [
            Job(module=index, mutant=None, limit_s=_BASELINE_S)
            for index in range(len(self._targets))
        ]
        # One that has run when something was still to be imported says nothing of this process.
        doubtful: set[int] = set()
        for batch in (jobs[:1], jobs[1:]):
            imported: list[str] = []
            for job, ending in self._each(batch):
                yield job, ending
                answer = ending.answer
                if answer is None or answer["exit_code"] != 0:
                    return
                imported += answer["imported"]
                self._durations |= answer["durations"]
            if self._import(imported):
                doubtful |= {job.module for job in jobs if job in batch or batch == jobs[1:]}
        for job, ending in self._each([each for each in jobs if each.module in doubtful]):
            yield job, ending
            if ending.answer is None or ending.answer["exit_code"] != 0:
                return
        self._parent.send({"ready": True})
        plan = self._parent.receive()
        if plan is not None:
            yield from self._each(self._planned([MutatedModule(**each) for each in plan]))

    def _planned(self, targets: list[MutatedModule]) -> list[Job]:
        operators = chosen_operators(self._settings.operators)
        self._targets = targets
        self._modules = [each.module(self._folder) for each in targets]
        self._mutants = [find(module, operators) for module in self._modules]
        self._killers = [[] for _ in targets]
        for each in targets:
            # The quick files first: most mutants die at the first test that meets them.
            each.tests.sort(key=lambda file: self._durations.get(file, 0.0))
        return [
            Job(module=index, mutant=number, limit_s=each.limit_s)
            for index, each in enumerate(targets)
            for number in each.mutants
        ]

    def _import(self, names: Sequence[str]) -> bool:
        """Import what children had imported, for the children to come to find it there.

        Returns:
            Whether anything was missing here.
        """
        kept = _KEPT[self._settings.preload]
        missing = [name for name in names if name not in sys.modules and name.startswith(kept)]
        for name in missing:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        gc.collect()
        gc.freeze()  # or each child's collector would touch, and so copy, every page
        return bool(missing)

    def _each(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, ProcessEnd]]:
        waiting = list(reversed(jobs))
        running: dict[int, tuple[Job, Child]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._settings.jobs:
                    job = waiting.pop()
                    child = Child.fork(partial(self._work, job), limit_s=job.limit_s)
                    running[child.pipe] = job, child
                    self._selector.register(child.pipe, selectors.EVENT_READ)
                for pipe in self._ready(running):
                    job, child = running.pop(pipe)
                    self._selector.unregister(pipe)
                    ending = child.end()
                    self._learn(job, ending)
                    yield job, ending
        finally:
            for _, child in running.values():
                child.kill()
                child.end()

    def _ready(self, running: dict[int, tuple[Job, Child]]) -> list[int]:
        """Wait for children that are done or overdue."""
        soonest = min(child.left_s for _, child in running.values())
        ready = [key.fd for key, _ in self._selector.select(timeout=soonest)]
        if self._parent.fileno() in ready:
            raise ParentEndedError
        done = [pipe for pipe in ready if running[pipe][1].receive()]
        return done + [
            pipe for pipe, (_, child) in running.items() if pipe not in done and not child.left_s
        ]

    def _work(self, job: Job) -> dict[str, Any]:
        module = self._modules[job.module]
        mutant = None if job.mutant is None else self._mutants[job.module][job.mutant]
        edits = mutant.edits if mutant is not None else {}
        verdict = run_tests(
            Path(self._targets[job.module].path),
            mutated(module.tree, edits),
            self._targets[job.module].tests,
            folder=self._folder,
            first=self._likely(job),
            removed=removed_names(edits) if mutant is not None else None,
        )
        return asdict(verdict)

    def _learn(self, job: Job, ending: ProcessEnd) -> None:
        if job.mutant is not None and ending.answer is not None and ending.answer["failed"]:
            operator = self._mutants[job.module][job.mutant].operator.name
            self._killers[job.module].insert(0, (operator, ending.answer["failed"]))

    def _likely(self, job: Job) -> list[str]:
        """The tests that killed mutants of the module, those of the same operator first.

        With them in front, most mutants cost one test or two; which tests are run, and so
        which mutants survive, is the same in any order.
        """
        if job.mutant is None:
            return []
        name = self._mutants[job.module][job.mutant].operator.name
        killers = sorted(self._killers[job.module], key=lambda each: each[0] != name)
        return list(dict.fromkeys(test for _, test in killers))


def main() -> None:
    """Run all jobs for the parent process."""
    warnings.simplefilter("ignore")  # that a library's idle threads don't survive a fork
    parent = ParentProcess()
    server = ForkServer(ForkServerSettings(**parent.receive()), parent)
    with contextlib.suppress(ParentEndedError, BrokenPipeError):
        for job, ending in server.run():
            parent.send({"job": asdict(job), "ending": asdict(ending)})


if __name__ == "__main__":
    main()
