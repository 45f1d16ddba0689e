"""The time that a call in a test runs on, and recorded speech: 20 ms of audio a frame.

LiveKit has two times. Voice activity is measured in audio (0.55 s of silence ends a
turn, however fast the frames come), timers by the wall. So frames may come faster
than real time, as long as nobody falls behind: this clock ticks when the event
loop has nothing left to do. Work then costs no audio time, and what happens
between two frames is the same on an idle and on a busy machine.
"""

import asyncio
import wave
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from livekit import rtc

FRAME = 0.02
"""Seconds of audio in a frame, and in a tick."""
SAMPLE_RATE = 16_000
"""Samples a second, on the whole line: the rate of Silero VAD, so nothing is resampled."""
SAMPLES = round(FRAME * SAMPLE_RATE)
"""Samples in a frame."""

# A turn from the last word to the first word back takes a few hundred.
_ROUNDS = 100_000


class AudioTimeoutError(AssertionError):
    """Something did not happen within the audio time it was given."""


class AudioClock:
    """Ticks once a frame, at most `speed` times as fast as real time.

    The limit bounds how much audio passes while livekit waits for a timer of the
    wall; there is none on the way of an ordinary turn.
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
        """Call `device` once a tick, after those that were given before."""
        self._devices.append(device)

    def start(self) -> None:
        """Begin to tick; from here the loop itself does the work of its default executor."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_OnTheLoop())
        self._running = asyncio.create_task(self._run(loop), name="audio clock")
        self._running.add_done_callback(lambda _: self._ticked.set())

    async def stop(self) -> None:
        """Tick no more.

        Raises:
            Exception: what a device raised, when the clock stands still because of it.
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
            RuntimeError: when the clock does not tick.
        """
        end = self.now + within
        while not happened():
            if self._running is None:
                raise RuntimeError(f"can't wait for {what}: start() the clock first")
            if self._running.done():
                self._running.result()
            if self.now >= end:
                raise AudioTimeoutError(
                    f"waited {within} s of audio for {what}, and it did not happen"
                )
            self._ticked.clear()
            await self._ticked.wait()

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time()
        while True:
            due = max(due + self._period, loop.time())
            await asyncio.sleep(due - loop.time())
            await _rest(loop)
            self.ticks += 1
            for device in self._devices:
                device()
            await _rest(loop)
            self._ticked.set()


async def _rest(loop: asyncio.AbstractEventLoop) -> None:
    """Wait until nothing else is ready to run."""
    for _ in range(_ROUNDS):
        # asyncio has no callback for an idle loop, and keeps its queue to itself.
        if not loop._ready:  # type: ignore[attr-defined]  # noqa: SLF001
            return
        await asyncio.sleep(0)
    raise RuntimeError(f"the event loop found no rest in {_ROUNDS} rounds: some task spins")


class _OnTheLoop(ThreadPoolExecutor):
    """Does the work at once and in place: an idle loop then has nothing under way elsewhere.

    Silero's inference takes about a millisecond, but a thread may be late to start
    it. The base class is what asyncio accepts as a default executor.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done


BYTES = 2 * SAMPLES
"""Bytes in a frame: 16 bits a sample."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What a caller says: the words, and how they sound."""

    words: str
    frames: tuple[bytes, ...] = field(repr=False)
    """20 ms each: 320 samples of 16 bits, little-endian, mono, 16 kHz."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a WAV file, and its words from the `.txt` beside it.

        The last frame is filled up with silence.

        Raises:
            ValueError: when it is not 16 kHz, mono, 16 bits.
        """
        with wave.open(str(path), "rb") as file:
            shape = (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            if shape != (SAMPLE_RATE, 1, 16):
                raise ValueError(
                    f"{path} is {shape[0]} Hz, {shape[1]} channel(s), {shape[2]} bits; it must be "
                    f"{SAMPLE_RATE} Hz, 1 channel, 16 bits: "
                    f"sox {path.name} -r {SAMPLE_RATE} -c 1 -b 16 new.wav"
                )
            samples = file.readframes(file.getnframes())
        cut = [samples[start : start + BYTES] for start in range(0, len(samples), BYTES)]
        return cls(
            words=path.with_suffix(".txt").read_text(encoding="utf-8").strip(),
            frames=tuple(frame.ljust(BYTES, b"\0") for frame in cut),
        )

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.frames) * FRAME


_SENT = "handoff_evals.sent"


@dataclass(frozen=True, kw_only=True)
class SentFrame:
    """What a frame of the caller is; it travels with the frame."""

    number: int
    """Of all frames of the call, from 0."""
    clip: Clip | None = None
    """What is being said; none for silence."""
    part: int = 0
    """Of the frames of the clip, from 0."""

    def frame(self) -> rtc.AudioFrame:
        """Make it."""
        samples = bytes(BYTES) if self.clip is None else self.clip.frames[self.part]
        return rtc.AudioFrame(samples, SAMPLE_RATE, 1, SAMPLES, userdata={_SENT: self})

    @classmethod
    def of(cls, frame: rtc.AudioFrame) -> Self | None:
        """Tell which frame it is; none for one that livekit put in its place."""
        sent = frame.userdata.get(_SENT)
        return sent if isinstance(sent, cls) else None
