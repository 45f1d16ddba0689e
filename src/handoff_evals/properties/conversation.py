"""One watched conversation, turn by turn, with everything that the invariants ask about."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from handoff_evals.livekit.call import Call
from handoff_evals.livekit.quiet import quiet
from handoff_evals.properties.observed import Observed
from handoff_evals.properties.subject import Subject
from handoff_evals.properties.watched import WatchedEntry, Watcher, follow


class Conversation:
    """A call that may be interrupted, and that goes on after the model's errors.

    Args:
        subject: the agent under test.
        model: answers for every agent, an `llm.LLM`.
    """

    def __init__(self, subject: Subject, model: Any) -> None:
        self._limits = subject.limits
        self._watcher = Watcher(subject.watch)
        self._said: list[str] = []
        entry = WatchedEntry(
            build=subject.entry.build, name=subject.entry.name, watcher=self._watcher
        )
        self._call = Call(entry, model, limits=subject.limits, watch=subject.watch)

    @property
    def over(self) -> bool:
        """Whether no turn can follow."""
        return self._call.over

    @property
    def active(self) -> str | None:
        """Who has the call, as scenario files write it; None when it is over."""
        return None if self.over else self._call.active.label

    @property
    def seen(self) -> Observed:
        """All that is known by now."""
        return Observed(
            said=tuple(self._said),
            heard=self._watcher.heard,
            records=self._watcher.records,
            active=None if self._call.over else self._watcher.active,
            activations=tuple(self._watcher.activations),
            entrances=tuple(self._watcher.entrances),
            faults=tuple(self._call.faults),
        )

    async def open(self, *, interrupt_after: int | None = None) -> None:
        """Take the call; `interrupt_after` so many rounds of the event loop."""
        follow(self._watcher)
        await self._turn(self._call.start(), interrupt_after)

    async def say(self, text: str, *, interrupt_after: int | None = None) -> None:
        """Speak as the caller, and perhaps interrupt the reply, the tool or the handoff."""
        self._said.append(text)
        await self._turn(self._call.say(text), interrupt_after)

    async def close(self) -> None:
        """Hang up."""
        await self._call.close()

    async def _turn(self, turn: Coroutine[Any, Any, Any], interrupt_after: int | None) -> None:
        interrupting = asyncio.create_task(self._interrupt(interrupt_after))
        try:
            await turn
        finally:
            interrupting.cancel()
        await self._go_on()

    async def _interrupt(self, after: int | None) -> None:
        if after is None:
            return
        for _ in range(after):
            await asyncio.sleep(0)
        # It refuses before the session is there, and where it must not be interrupted.
        with suppress(RuntimeError):
            self._call.interrupt()

    async def _go_on(self) -> None:
        """Leave it to the session whether a model's error ends the call.

        A trial ends there, since there is nothing left to score. A session does not,
        and the caller's next words must find it in order.
        """
        faults = self._call.faults
        if not any(fault.ended and fault.cause == "model_raised" for fault in faults):
            return
        faults[:] = [
            replace(fault, ended=False) if fault.cause == "model_raised" else fault
            for fault in faults
        ]
        # `run` raises before all is quiet.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.turn_s):
                await quiet(self._call.session)
