"""The caller's end of the line."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Self

from livekit import rtc
from livekit.agents.voice import io

from handoff_evals.livekit.audio.clip import BYTES, Clip
from handoff_evals.livekit.audio.clock import SAMPLE_RATE, SAMPLES, AudioClock

_SENT = "handoff_evals.sent"


@dataclass(frozen=True, kw_only=True)
class Sent:
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
        sent = Sent(number=self.sent)
        if self._saying:
            clip, part = self._saying.popleft()
            sent = Sent(number=self.sent, clip=clip, part=part)
            self.spoke = self._clock.ticks
        self.sent += 1
        self._frames.put_nowait(sent.frame())

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()

    def on_detached(self) -> None:
        """Count it."""
        self.detached += 1
        super().on_detached()
