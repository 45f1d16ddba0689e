"""The caller's end of the line."""

import asyncio
from collections import deque
from dataclasses import dataclass

from livekit import rtc
from livekit.agents.voice import io

from handoff_evals.livekit.audio.clip import Clip
from handoff_evals.livekit.audio.clock import SAMPLE_RATE, SAMPLES, AudioClock

_SILENCE = bytes(2 * SAMPLES)
_SENT = "handoff_evals.sent"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a frame of the caller is; it travels with the frame."""

    number: int
    """Of all frames of the call, from 0."""
    clip: Clip | None = None
    """What is being said, or silence."""
    part: int = 0
    """Of the frames of the clip, from 0."""

    @classmethod
    def of(cls, frame: rtc.AudioFrame) -> "Sent | None":
        """Tell which frame it is; none for what livekit put in its place."""
        return frame.userdata.get(_SENT)


class ScriptedAudioInput(io.AudioInput):
    """Sends a frame a tick, from the first to the last of the call: speech, else silence."""

    def __init__(self, clock: AudioClock) -> None:
        super().__init__(label="caller")
        self.sent = 0
        self.detached = 0
        """How often livekit took the input away."""
        self._saying: deque[tuple[Clip, int, bytes]] = deque()
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()
        clock.drive(self.send)

    @property
    def speaking(self) -> bool:
        """Whether there is more to say."""
        return bool(self._saying)

    def say(self, clip: Clip) -> None:
        """Speak, from the next frame on, or after what is being said."""
        self._saying.extend((clip, part, frame) for part, frame in enumerate(clip.frames))

    def send(self) -> None:
        """Send the next frame. The clock does this once a tick."""
        if self._saying:
            clip, part, samples = self._saying.popleft()
            sent = Sent(number=self.sent, clip=clip, part=part)
        else:
            samples, sent = _SILENCE, Sent(number=self.sent)
        self.sent += 1
        self._frames.put_nowait(
            rtc.AudioFrame(samples, SAMPLE_RATE, 1, SAMPLES, userdata={_SENT: sent})
        )

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()

    def on_detached(self) -> None:
        """Count it."""
        self.detached += 1
        super().on_detached()
