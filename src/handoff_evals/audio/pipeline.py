"""Doubles for the whole voice pipeline of a session, at the speed of the event loop's own clock.

Nothing in here ticks: a caller's frame stands for a word, and an utterance plays until a timer
says that it is over. So a call costs little more than its models do, and on a loop whose time
skips waiting it takes none. For real frames and a real VAD there is `AudioCall`.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.agents import vad
from livekit.agents.language import LanguageCode
from livekit.agents.llm import ChatContext
from livekit.agents.voice import io

from handoff_evals.audio.clock import BYTES, SAMPLE_RATE, Clip, SentFrame
from handoff_evals.audio.speech import WORD, FakeSTT, FakeTTS, ToneBook, Utterance

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 0.55
"""Seconds of silence by which Silero's VAD, LiveKit's default, tells that a caller is done."""
# Recognition needs a first and a last frame.
_FEWEST = 2


class UtteranceBook(ToneBook):
    """Writes the number of an utterance into each of its samples: there are enough for any call."""

    def open(self, voice: str) -> tuple[Utterance, int]:
        """Begin an utterance; its number counts from 1."""
        self._utterances.append(Utterance(voice=voice))
        return self._utterances[-1], len(self._utterances)

    def sound(self, tone: int) -> bytes:
        """A word of the utterance."""
        return np.full(round(WORD * SAMPLE_RATE), tone, dtype="<i2").tobytes()

    def hear(self, samples: npt.NDArray[np.int16]) -> Utterance | None:
        """Tell whose samples they are; none for silence."""
        number = int(samples[0]) if len(samples) else 0
        return self._utterances[number - 1] if number else None


class Microphone(io.AudioInput):
    """Sends a frame for each word that the caller says, and one for the pause after them."""

    def __init__(self) -> None:
        super().__init__(label="caller")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()
        self._sent = 0

    async def say(self, words: str) -> None:
        """Speak: each word takes its time."""
        count = max(_FEWEST, len(words.split()))
        clip = Clip(words=words, frames=(bytes(BYTES),) * count)
        for part in range(count):
            self._send(clip, part)
            await asyncio.sleep(WORD)

    async def pause(self) -> None:
        """Be silent for as long as tells the end of a turn."""
        await asyncio.sleep(PAUSE)
        self._send(None, 0)

    def _send(self, clip: Clip | None, part: int) -> None:
        self._frames.put_nowait(SentFrame(number=self._sent, clip=clip, part=part).frame())
        self._sent += 1

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()


class FakeVAD(vad.VAD):
    """Hears each frame of a `Microphone`: a word as speech, and the pause as its end."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=WORD))

    def stream(self) -> vad.VADStream:
        """Open a stream."""
        return _FakeVADStream(self)


class _FakeVADStream(vad.VADStream):
    async def _main_task(self) -> None:
        spoken = 0.0
        async for frame in self._input_ch:
            sent = None if isinstance(frame, self._FlushSentinel) else SentFrame.of(frame)
            if sent is not None and sent.clip is not None:
                if not spoken:
                    self._tell(vad.VADEventType.START_OF_SPEECH, WORD, 0.0)
                spoken += WORD
                self._tell(vad.VADEventType.INFERENCE_DONE, spoken, 0.0)
            elif spoken:
                self._tell(vad.VADEventType.INFERENCE_DONE, spoken, PAUSE)
                self._tell(vad.VADEventType.END_OF_SPEECH, spoken, PAUSE)
                spoken = 0.0

    def _tell(self, kind: vad.VADEventType, spoken: float, silent: float) -> None:
        self._event_ch.send_nowait(
            vad.VADEvent(
                type=kind,
                samples_index=0,
                timestamp=time.time(),
                speech_duration=spoken,
                silence_duration=silent,
                speaking=not silent,
                raw_accumulated_speech=0.0 if silent else spoken,
                raw_accumulated_silence=silent,
            )
        )


class FakeTurnDetector:
    """A turn detector that is sure of it: what the caller has said is all there is to say."""

    model = "fake"
    provider = "handoff-evals"

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:  # noqa: ARG002 - livekit's protocol
        """Below what probability a turn is not over."""
        return 0.5

    async def supports_language(self, language: LanguageCode | None) -> bool:  # noqa: ARG002 - as above
        """Any."""
        return True

    async def predict_end_of_turn(
        self,
        chat_ctx: ChatContext,  # noqa: ARG002 - as above
        *,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - as above
    ) -> float:
        """The probability that the turn is over."""
        return 1.0


class Loudspeaker(io.AudioOutput):
    """Plays what the agents say to nobody, in the time that it takes.

    Like the output of a room it can pause, tells livekit when it starts and ends to play, and
    after an interruption which words were out.
    """

    def __init__(self, book: ToneBook) -> None:
        super().__init__(
            label="caller's ear",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=SAMPLE_RATE,
        )
        self.on_words: Callable[[str], None] | None = None
        """Called after each word with all that was heard of the utterance, while it is set."""
        self._book = book
        self._utterance: Utterance | None = None
        self._pushed = 0.0
        self._played = 0.0
        self._since: float | None = None
        self._complete = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._told = ""

    @property
    def playing(self) -> bool:
        """Whether there is something to play, also while it is paused."""
        return self._pushed > 0

    @property
    def heard(self) -> str:
        """What was heard so far of what is being said."""
        return self._utterance.up_to(self._position()) if self._utterance else ""

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take audio to play."""
        await super().capture_frame(frame)
        first = not self._pushed
        self._settle()
        if self._utterance is None:
            samples = np.frombuffer(frame.data, dtype="<i2")
            self._utterance = self._book.hear(samples)
        self._pushed += frame.duration
        if first:
            self.on_playback_started(created_at=time.time())
        self._wait()

    def flush(self) -> None:
        """Learn that the utterance is complete."""
        super().flush()
        if self._pushed:
            self._complete = True
            self._wait()

    def clear_buffer(self) -> None:
        """Stop at once: the caller interrupts."""
        if self._pushed:
            self._finish(interrupted=True)

    def pause(self) -> None:
        """Be silent for now: the caller may be about to interrupt."""
        super().pause()
        self._settle()
        self._paused = True
        self._wait()

    def resume(self) -> None:
        """Go on: the caller did not."""
        super().resume()
        self._settle()
        self._paused = False
        self._wait()

    def _position(self) -> float:
        """Seconds that were played of what is being said."""
        if self._since is None or self._paused:
            return self._played
        return min(self._pushed, self._played + self._now() - self._since)

    def _settle(self) -> None:
        self._played, self._since = self._position(), self._now()

    def _wait(self) -> None:
        """Wake up for the next thing that happens by itself: a word, or the end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._paused or not self._pushed:
            return
        position = self._position()
        ends = self._pushed if self._complete else None
        if self.on_words is not None and position < self._pushed:
            # A little after the word, so that rounding does not put it before its end.
            word = (int(position / WORD + 1e-6) + 1) * WORD + 1e-4
            ends = word if ends is None else min(word, ends)
        if ends is not None:
            self._timer = asyncio.get_running_loop().call_later(
                max(0.0, ends - position), self._wake
            )

    def _wake(self) -> None:
        self._timer = None
        if self.on_words is not None and self.heard != self._told:
            self._told = self.heard
            self.on_words(self._told)
        if self._complete and self._position() >= self._pushed - 1e-6:
            self._finish(interrupted=False)
        else:
            self._wait()

    def _finish(self, *, interrupted: bool) -> None:
        position, words = self._position(), self.heard
        if self._timer is not None:
            self._timer.cancel()
        self._utterance, self._timer, self._since = None, None, None
        self._pushed = self._played = 0.0
        self._complete, self._told = False, ""
        self.on_playback_finished(
            playback_position=position,
            interrupted=interrupted,
            synchronized_transcript=words if interrupted else None,
        )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class VoicePipeline:
    """One of each, for the session of a call."""

    def __init__(self) -> None:
        self.book = UtteranceBook()
        self.microphone = Microphone()
        self.loudspeaker = Loudspeaker(self.book)
        self.stt = FakeSTT()
        self.vad = FakeVAD()
        self.tts = FakeTTS("fake", self.book)
        self.turn_detector = FakeTurnDetector()

    def in_place_of(self, detection: Any) -> Any:
        """The turn detection for a session that asks for this one: a mode is kept as it is."""
        return detection if detection is None or isinstance(detection, str) else self.turn_detector
