"""The time that a call in a test runs on: 20 ms of audio a tick, on both sides of the line.

LiveKit has two times. Voice activity is told by audio (0.55 s of silence ends a
turn, however fast the frames come), timers by the wall. So frames may come faster
than real time, as long as nobody falls behind: this clock ticks when the event
loop has nothing left to do. Work then costs no audio time, and what happens
between two frames is the same on an idle and on a busy machine.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

FRAME = 0.02
"""Seconds of audio in a frame, and in a tick."""
SAMPLE_RATE = 16_000
"""Samples a second, on the whole line: the rate of Silero VAD, so nothing is resampled."""
SAMPLES = round(FRAME * SAMPLE_RATE)
"""Samples in a frame."""


class AudioTimeoutError(AssertionError):
    """Something did not happen within the audio time it was given."""


class AudioClock:
    """Ticks once a frame, at most `speed` times as fast as real time.

    The limit bounds how much audio passes while livekit waits for a timer of the
    wall, of which there is none on the way of an ordinary turn.
    """

    def __init__(self, *, speed: float = 20.0) -> None:
        self.ticks = 0
        self._period = FRAME / speed
        self._devices: list[Callable[[], None]] = []
        self._ticked = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def now(self) -> float:
        """Seconds of audio since the start."""
        return self.ticks * FRAME

    def drive(self, device: Callable[[], None]) -> None:
        """Call this once a tick, in the order of driving."""
        self._devices.append(device)

    def start(self) -> None:
        """Begin to tick; from here the default executor of the loop works on the loop itself."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_OnTheLoop())
        self._running = asyncio.create_task(self._run(loop), name="audio clock")

    async def stop(self) -> None:
        """Tick no more.

        Raises:
            Exception: what a device raised, if that is why the clock stands still.
        """
        if self._running is None:
            return
        self._running.cancel()
        await asyncio.wait([self._running])
        if not self._running.cancelled():
            self._running.result()

    async def until(self, happened: Callable[[], bool], what: str, *, within: float = 30.0) -> None:
        """Wait for something that is looked at after each tick.

        Args:
            happened: Says whether it has.
            what: What is waited for, for the error.
            within: Seconds of audio.

        Raises:
            AudioTimeoutError: when it has not happened in time.
        """
        end = self.now + within
        while not happened():
            if self.now >= end:
                raise AudioTimeoutError(f"waited {within} s of audio for {what}, in vain")
            if self._running is not None and self._running.done():
                self._running.result()
            self._ticked.clear()
            await self._ticked.wait()

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time()
        while True:
            due = max(due + self._period, loop.time())
            await asyncio.sleep(due - loop.time())
            await _idle(loop)
            self.ticks += 1
            for device in self._devices:
                device()
            await _idle(loop)
            self._ticked.set()


async def _idle(loop: asyncio.AbstractEventLoop) -> None:
    # asyncio keeps this to itself, and has no callback for an idle loop.
    while loop._ready:  # type: ignore[attr-defined]  # noqa: SLF001
        await asyncio.sleep(0)


class _OnTheLoop(ThreadPoolExecutor):
    """Works at once and in place, so that a loop with nothing to do has nothing under way.

    Silero's inference (under 1 ms) would else be done by a thread that a busy
    machine runs late. The base is what asyncio accepts as a default executor.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done
