"""One random conversation, turn by turn, with everything that the invariants ask about."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace

from handoff_evals.livekit.call import Call
from handoff_evals.livekit.quiet import quiet
from handoff_evals.properties.model import Answer, DrawnModel
from handoff_evals.properties.observed import Observed
from handoff_evals.properties.subject import Subject
from handoff_evals.properties.watched import Watcher, WatchedEntry, follow


@dataclass(frozen=True, kw_only=True)
class Held:
    """One turn that was held: what the caller did and what the model did."""

    user: str | None
    """None for the opening."""
    answers: tuple[Answer, ...]
    interrupted_after: int | None
    """How many rounds of the event loop into the turn the caller interrupted."""


class Conversation:
    """A call with a watched agent, which goes on after the model's errors."""

    def __init__(self, subject: Subject, model: DrawnModel) -> None:
        self.turns: list[Held] = []
        self._subject = subject
        self._model = model
        self._watcher = Watcher(subject.watch)
        self._call = Call(
            WatchedEntry(
                build=subject.entry.build, name=subject.entry.name, watcher=self._watcher
            ),
            model.port(),
            limits=subject.limits,
            watch=subject.watch,
        )

    @property
    def over(self) -> bool:
        """Whether no turn can follow."""
        return self._call.over

    @property
    def seen(self) -> Observed:
        """All that is known by now."""
        return Observed(
            said=tuple(turn.user for turn in self.turns if turn.user is not None),
            heard=self._watcher.heard,
            records=self._watcher.records,
            active=None if self._call.over else self._watcher.active,
            activations=tuple(self._watcher.activations),
            entrances=tuple(self._watcher.entrances),
            faults=tuple(self._call.faults),
        )

    async def open(self, *, interrupt_after: int | None = None) -> None:
        """Take the call."""
        follow(self._watcher)
        await self._turn(None, interrupt_after)

    async def say(self, text: str, *, interrupt_after: int | None = None) -> None:
        """Speak as the caller, and perhaps interrupt the reply, the tool or the handoff."""
        await self._turn(text, interrupt_after)

    async def close(self) -> None:
        """Hang up."""
        await self._call.close()

    async def _turn(self, text: str | None, interrupt_after: int | None) -> None:
        self._model.answers = []
        interrupting = asyncio.create_task(self._interrupt(interrupt_after))
        try:
            await (self._call.start() if text is None else self._call.say(text))
            await self._go_on()
        finally:
            interrupting.cancel()
            self.turns.append(
                Held(
                    user=text,
                    answers=tuple(self._model.answers),
                    interrupted_after=interrupt_after,
                )
            )

    async def _interrupt(self, after: int | None) -> None:
        if after is None:
            return
        for _ in range(after):
            await asyncio.sleep(0)
        # It refuses before the session is there, and what must not be interrupted.
        with suppress(RuntimeError):
            self._call.session.interrupt()

    async def _go_on(self) -> None:
        """Have the session's own endurance decide whether a failed model ends the call."""
        failed = [fault for fault in self._call.faults if fault.cause == "model_raised"]
        if not any(fault.ended for fault in failed):
            return
        self._call.faults[:] = [
            replace(fault, ended=False) if fault in failed else fault for fault in self._call.faults
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._subject.limits.turn_s):
                await quiet(self._call.session)
