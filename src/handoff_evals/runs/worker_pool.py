"""Worker processes that run trials; one that dies costs nothing but the trial that ended it.

The scheduling stays where it is, in `Runner`: pace, retries, breaker and budget hold over all
workers, and one process writes the run folder. Of a model's limits a minute each has its share.
"""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from handoff_evals.cassettes import Cassette
from handoff_evals.checks import decisions, score
from handoff_evals.command_process import CommandProcess, ProcessEndedError, how_it_ended
from handoff_evals.errors import HandoffEvalsError, UsageError
from handoff_evals.results import Trial, TrialKey, trial_of_line
from handoff_evals.runs.lane import Planned
from handoff_evals.runs.request import RunRequest
from handoff_evals.transcript import AgentRef, Fault, Owner, Transcript, Turn
from handoff_evals.user_code import is_user_file

STUCK = 71
"""The exit code of a worker whose event loop nothing could interrupt."""
_GRACE_S = 6.0
"""A worker that has not answered for a turn's time and this long is ended."""
_PING_S = 1.0
_STOP_S = 1.0
_OWN = frozenset(
    {
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGABRT,
        signal.SIGSYS,
        signal.SIGINT,  # by which Python ends after a KeyboardInterrupt; no terminal reaches it
    }
)
"""What a process brings upon itself."""


@dataclass(frozen=True, kw_only=True)
class _WorkerEnd:
    """How a worker ended while a trial ran in it."""

    owner: Owner
    cause: str
    detail: str

    @classmethod
    def of(cls, error: ProcessEndedError, *, silent: bool) -> "_WorkerEnd":
        """Tell what the agents' code did from what somebody else did.

        Args:
            error: how it ended.
            silent: whether it was ended because it answered no more.
        """
        code, said = error.code, error.printed.rsplit("\n", 1)[-1]
        if silent:
            where = users_lines(error.printed)
            return cls(
                owner="agent",
                cause="blocked_loop",
                detail="the event loop stood still" + (f" in {where}" if where else ""),
            )
        if code == STUCK:
            return cls(owner="agent", cause="blocked_loop", detail=said)
        detail = f"the worker process {how_it_ended(code)}"
        if code is None or code >= 0 or -code in _OWN:
            where = users_lines(error.printed)
            words = f" in {where}" if where else f": {said}"
            return cls(owner="agent", cause="ended_process", detail=detail + words)
        return cls(owner="infrastructure", cause="worker_killed", detail=detail)

    def trial(self, planned: Planned, *, began: datetime, deaths: int) -> Trial:
        """The trial that it ended."""
        detail = f"{self.detail} ({deaths} times, the last time alone)"
        fault = Fault(owner=self.owner, cause=self.cause, detail=detail, turn=0, ended=True)
        nobody = AgentRef(id="nobody")
        opening = Turn(user=None, events=(), model_calls=(), active=nobody)
        transcript = Transcript(turns=(opening,), faults=(fault,))
        return Trial(
            key=planned.key,
            seed=planned.seed,
            transcript=transcript,
            scores=score(planned.scenario, transcript),
            decisions=decisions(planned.scenario, transcript),
            started_at=began.isoformat(),
            duration_s=(datetime.now(UTC) - began).total_seconds(),
        )


_FRAME = re.compile(r'File "([^"]+)", line (\d+) in (\w+)')


def users_lines(printed: str) -> str:
    """The user's lines of a stack that `faulthandler` printed, innermost last."""
    found = [
        f"{name} ({Path(file).name}, line {line})"
        for file, line, name in _FRAME.findall(printed)
        if is_user_file(file)
    ]
    return " > ".join(found[::-1])


@dataclass(kw_only=True)
class _WorkerPlace:
    """The place of one worker, which is started anew when it has died."""

    number: int
    running: int = 0
    suspects: int = 0
    """Trials that a worker died with, and that have this place to themselves, one at a time."""
    child: CommandProcess | None = None
    silent: bool = False
    """Whether the worker was ended because it answered no more."""
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)


@dataclass(kw_only=True)
class WorkerPool:
    """So many worker processes; `opened` starts the first."""

    request: RunRequest
    cassettes: Mapping[tuple[str, str], Cassette]
    """Which take in what the workers' cassettes did."""
    _places: list[_WorkerPlace] = field(default_factory=list)
    _freed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        request: RunRequest,
        *,
        cassettes: Mapping[tuple[str, str], Cassette],
    ) -> AsyncIterator[Self]:
        """Have workers for as long as the block takes.

        Yields:
            The pool; its workers start when there is something to do for them.
        """
        pool = cls(request=request, cassettes=cassettes)
        pool._places = [_WorkerPlace(number=number) for number in range(request.workers)]
        try:
            yield pool
        finally:
            await asyncio.gather(*(place.closing.aclose() for place in pool._places))

    async def check_agents(self, folder: Path) -> None:
        """See in a worker that the run goes on with the agents that it was begun with.

        Agents that can't even be opened are left to the trials, each of which says so.

        Raises:
            UsageError: when they are not what they were.
        """
        place = self._places[0]
        with suppress(ProcessEndedError):
            child = await self._child(place)
            await child.ask("check", folder=str(folder))

    async def run_trial(self, planned: Planned) -> Trial:
        """Run one trial in the worker that has the least to do."""
        began = datetime.now(UTC)
        place = await self._free()
        try:
            trial = await self._ask(place, planned)
        finally:
            await self._leave(place)
        if isinstance(trial, Trial):
            return trial
        place.suspects += 1
        try:
            return await self._alone(place, planned, began=began)
        finally:
            place.suspects -= 1
            async with self._freed:
                self._freed.notify_all()

    async def _alone(self, place: _WorkerPlace, planned: Planned, *, began: datetime) -> Trial:
        """Run a trial that a worker died with by itself, in a new one, to see whether it did it."""
        deaths = 1
        async with place.alone:
            while True:
                ended = await self._ask(place, planned)
                if isinstance(ended, Trial):
                    return ended
                deaths += 1
                # What blocks is named by its stack; what exits has to do so twice, alone.
                if deaths > 2 or ended.cause != "ended_process":  # noqa: PLR2004 - twice alone
                    return ended.trial(planned, began=began, deaths=deaths)

    async def _free(self) -> _WorkerPlace:
        """Wait for a place that no suspect has to itself; the one with the least to do."""
        async with self._freed:
            await self._freed.wait_for(lambda: any(not each.suspects for each in self._places))
            free = [each for each in self._places if not each.suspects]
            place = min(free, key=lambda each: each.running)
            place.running += 1
            return place

    async def _leave(self, place: _WorkerPlace) -> None:
        async with self._freed:
            place.running -= 1
            self._freed.notify_all()

    async def _ask(self, place: _WorkerPlace, planned: Planned) -> "Trial | _WorkerEnd":
        try:
            child = await self._child(place)
            answer = await child.ask("trial", key=_KEY.dump_python(planned.key, mode="json"))
        except ProcessEndedError as error:
            return _WorkerEnd.of(error, silent=place.silent)
        cassette = self.cassettes.get((planned.key.suite, planned.key.model))
        if cassette is not None and answer["cassette"]:
            cassette.add(answer["cassette"])
        return trial_of_line(answer["trial"].encode("utf-8", "surrogatepass"))

    async def _child(self, place: _WorkerPlace) -> CommandProcess:
        """The worker of a place; a new one where there is none that lives.

        Raises:
            UsageError: when it can't be prepared.
            ProcessEndedError: when it ends before it is.
        """
        async with place.starting:
            if place.child is not None and place.child.error is None:
                return place.child
            await place.closing.aclose()
            place.closing, place.child, place.silent = AsyncExitStack(), None, False
            try:
                child = await place.closing.enter_async_context(
                    CommandProcess.started(
                        f"worker {place.number + 1}",
                        "handoff_evals.runs.trial_process",
                        folder=Path.cwd(),
                    )
                )
            except OSError as error:
                raise UsageError(f"a worker process can't be started: {error}") from error
            child.stop_s = _STOP_S
            share = self.request.share.part(place.number, self.request.workers)
            await child.ask(
                "prepare",
                request=_REQUEST.dump_python(replace(self.request, share=share), mode="json"),
            )
            watch = asyncio.create_task(self._watch(place, child))
            place.closing.callback(watch.cancel)
            place.child = child
            return child

    async def _watch(self, place: _WorkerPlace, child: CommandProcess) -> None:
        """End a worker that answers no more: something keeps the interpreter's lock in it."""
        limit = self.request.limits.turn_s + _GRACE_S
        with suppress(HandoffEvalsError):
            while True:
                try:
                    await asyncio.wait_for(child.ask("ping"), limit)
                except TimeoutError:
                    place.silent = True
                    await child.kill()
                    return
                await asyncio.sleep(_PING_S)


_KEY: TypeAdapter[TrialKey] = TypeAdapter(TrialKey)
_REQUEST = TypeAdapter(RunRequest)
