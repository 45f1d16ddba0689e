"""Both ends of a phone line: what the caller says, and what the caller hears."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

from handoff_evals.audio.clock import BYTES, FRAME, SAMPLE_RATE, AudioClock, Clip, SentFrame
from handoff_evals.audio.speech import ToneBook, Utterance


class ScriptedAudioInput(io.AudioInput):
    """Sends a frame a tick, from the first to the last of the call: speech, else silence."""

    def __init__(self, clock: AudioClock) -> None:
        super().__init__(label="caller")
        self.sent = 0
        """How many frames were sent."""
        self.spoke = 0
        """The tick of the newest frame of speech."""
        self.detached = 0
        """How often livekit took the input away."""
        self._clock = clock
        self._saying: deque[tuple[Clip, int]] = deque()
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()
        clock.drive(self.send)

    @property
    def speaking(self) -> bool:
        """Whether there is more to say."""
        return bool(self._saying)

    def say(self, clip: Clip) -> None:
        """Speak, from the next frame on, or after what is being said."""
        self._saying.extend((clip, part) for part in range(len(clip.frames)))

    def send(self) -> None:
        """Send the next frame. The clock does this once a tick."""
        sent = SentFrame(number=self.sent)
        if self._saying:
            clip, part = self._saying.popleft()
            sent = SentFrame(number=self.sent, clip=clip, part=part)
            self.spoke = self._clock.ticks
        self.sent += 1
        self._frames.put_nowait(sent.frame())

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()

    def on_detached(self) -> None:
        """Count it."""
        self.detached += 1
        super().on_detached()


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One utterance, as far as it was heard without a break."""

    utterance: Utterance
    first: int
    """The tick of its first frame."""
    captured: float
    """When livekit gave the first frame of the segment, by `time.perf_counter`."""
    frames: int = 1
    over: float | None = None
    """When livekit was told that the segment is over, by `time.perf_counter`."""
    interrupted: bool = False

    @property
    def end(self) -> int:
        """The tick after its last frame."""
        return self.first + self.frames


@dataclass(kw_only=True)
class _Segment:
    captured: float
    buffer: bytearray
    played: int = 0
    complete: bool = False
    utterance: Utterance | None = None


class CountingAudioOutput(io.AudioOutput):
    """Plays a frame a tick to nobody, and keeps who was heard when.

    Like the output of a room it can pause, tells livekit when it starts and ends to
    play, and after an interruption which words were out.
    """

    def __init__(self, clock: AudioClock, book: ToneBook) -> None:
        super().__init__(
            label="caller's ear",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=SAMPLE_RATE,
        )
        self.heard: list[Heard] = []
        self.detached = 0
        """How often livekit took the output away."""
        self._clock = clock
        self._book = book
        self._segment: _Segment | None = None
        self._paused = False
        clock.drive(self.play)

    @property
    def frames(self) -> int:
        """How many frames of speech were played."""
        return sum(each.frames for each in self.heard)

    @property
    def gaps(self) -> list[tuple[Heard, Heard, float]]:
        """Every silence: what was heard before it, what after it, and its seconds."""
        return [
            (before, after, (after.first - before.end) * FRAME)
            for before, after in pairwise(self.heard)
            if after.first > before.end
        ]

    @property
    def playing(self) -> bool:
        """Whether there is something to play, also while it is paused."""
        return self._segment is not None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take audio to play."""
        await super().capture_frame(frame)
        if self._segment is None:
            self._segment = _Segment(captured=time.perf_counter(), buffer=bytearray())
        self._segment.buffer += frame.data.cast("B")

    def flush(self) -> None:
        """Learn that the segment is complete."""
        super().flush()
        if self._segment is not None:
            self._segment.complete = True

    def clear_buffer(self) -> None:
        """Stop at once: the caller interrupts."""
        if self._segment is not None:
            self._finish(self._segment, interrupted=True)

    def pause(self) -> None:
        """Hold: the caller may be about to interrupt."""
        super().pause()
        self._paused = True

    def resume(self) -> None:
        """Go on: the caller did not."""
        super().resume()
        self._paused = False

    def play(self) -> None:
        """Play the next frame. The clock does this once a tick."""
        segment = self._segment
        if segment is None or self._paused:
            return
        if len(segment.buffer) >= BYTES:
            self._play(segment)
        elif segment.complete:
            # What is left is the 10 ms of silence that livekit may end a segment with.
            self._finish(segment, interrupted=False)

    def on_detached(self) -> None:
        """Count it."""
        self.detached += 1
        super().on_detached()

    def _play(self, segment: _Segment) -> None:
        if not segment.played:
            self.on_playback_started(created_at=time.time())
        samples = np.frombuffer(bytes(segment.buffer[:BYTES]), dtype="<i2")
        del segment.buffer[:BYTES]
        segment.played += len(samples)
        utterance = self._book.hear(samples)
        if utterance is None:
            return
        segment.utterance = utterance
        last = self.heard[-1] if self.heard else None
        if last and last.utterance is utterance and last.end == self._clock.ticks:
            self.heard[-1] = replace(last, frames=last.frames + 1)
        else:
            self.heard.append(
                Heard(utterance=utterance, first=self._clock.ticks, captured=segment.captured)
            )

    def _finish(self, segment: _Segment, *, interrupted: bool) -> None:
        self._segment = None
        position = segment.played / SAMPLE_RATE
        words = ""
        if segment.utterance is not None:
            self.heard[-1] = replace(
                self.heard[-1], over=time.perf_counter(), interrupted=interrupted
            )
            words = segment.utterance.up_to(position)
        self.on_playback_finished(
            playback_position=position,
            interrupted=interrupted,
            synchronized_transcript=words if interrupted else None,
        )
