"""Speech recognition that knows what was said, and voices that a test can tell apart."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from livekit.agents import stt, tts
from livekit.agents.language import LanguageCode
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)
from livekit.agents.utils import AudioBuffer, shortuuid

from handoff_evals.audio.clock import SAMPLE_RATE, SAMPLES, Clip, SentFrame


class FakeSTT(stt.STT[str]):
    """Streams the words of a clip: half of them midway, all of them with its last frame.

    A clip without words is noise: it is received and comes to nothing.

    It recognises the frames of `ScriptedAudioInput`, and keeps the numbers of
    those that reached it: silence that livekit sends in their place has no number.
    """

    def __init__(self) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, offline_recognize=False
            )
        )
        self.received: list[int] = []
        """The numbers of the caller's frames, in the order of arrival."""
        self.streams: list[stt.RecognizeStream] = []
        """The streams that were opened, oldest first."""

    @property
    def model(self) -> str:
        """The name that reports show."""
        return "fake"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,  # noqa: ARG002 - livekit's signature
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        """Open a stream."""
        self.streams.append(_FakeSTTStream(self, conn_options=conn_options))
        return self.streams[-1]

    def update_options(self, **options: Any) -> None:
        """Take options as a plugin's STT does; they change nothing here."""

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError("it streams: use stream()")


class _FakeSTTStream(stt.RecognizeStream):
    def __init__(self, fake: FakeSTT, *, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=fake, conn_options=conn_options)
        self._fake = fake

    async def _run(self) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel) or (sent := SentFrame.of(frame)) is None:
                continue
            self._fake.received.append(sent.number)
            if sent.clip is not None and sent.clip.words:
                self._hear(sent.clip, sent.part)

    def _hear(self, clip: Clip, part: int) -> None:
        kinds = stt.SpeechEventType
        words = clip.words.split()
        if part == 0:
            self._event_ch.send_nowait(stt.SpeechEvent(kinds.START_OF_SPEECH))
        if part == len(clip.frames) // 2:
            self._tell(kinds.INTERIM_TRANSCRIPT, " ".join(words[: len(words) // 2]))
        if part == len(clip.frames) - 1:
            self._tell(kinds.FINAL_TRANSCRIPT, clip.words)
            self._event_ch.send_nowait(stt.SpeechEvent(kinds.END_OF_SPEECH))

    def _tell(self, kind: stt.SpeechEventType, text: str) -> None:
        heard = stt.SpeechData(language=LanguageCode("en"), text=text, confidence=1.0)
        self._event_ch.send_nowait(stt.SpeechEvent(kind, alternatives=[heard]))


_WORD = 12 * SAMPLES
WORD = _WORD / SAMPLE_RATE
"""Seconds that a word takes, a little less than a person needs."""

# A frame holds a whole number of periods of each tone, at 50 Hz a step. The first
# is 200 Hz, the last is far enough from half the sample rate to be a clean peak.
_FIRST, _LAST = 4, 150
_LOUDNESS = 8_000.0


@dataclass(kw_only=True, eq=False)
class Utterance:
    """What one voice says in one go."""

    voice: str
    text: str = ""

    def up_to(self, seconds: float) -> str:
        """The words that are over when this much has been played."""
        return " ".join(self.text.split()[: int(seconds / WORD + 1e-6)])


class ToneBook:
    """Gives each utterance a tone of its own: whoever hears the tone knows who says what."""

    def __init__(self) -> None:
        self._utterances: list[Utterance] = []

    def open(self, voice: str) -> tuple[Utterance, int]:
        """Begin an utterance; its tone is given in steps of 50 Hz.

        Raises:
            ValueError: when there are no more tones.
        """
        tone = _FIRST + len(self._utterances)
        if tone > _LAST:
            raise ValueError(
                f"a call can tell {_LAST - _FIRST + 1} utterances apart, and this is one more: "
                "make it two calls"
            )
        self._utterances.append(Utterance(voice=voice))
        return self._utterances[-1], tone

    def sound(self, tone: int) -> bytes:
        """How a word of an utterance sounds: samples of 16 bits."""
        periods = np.arange(_WORD) * tone / SAMPLES
        return (_LOUDNESS * np.sin(2 * np.pi * periods)).astype("<i2").tobytes()

    def hear(self, samples: npt.NDArray[np.int16]) -> Utterance | None:
        """Tell whose frame it is, by its loudest tone; none for silence.

        Args:
            samples: One frame, shape (320,).
        """
        if not samples.any():
            return None
        return self._utterances[int(np.abs(np.fft.rfft(samples)).argmax()) - _FIRST]


class FakeTTS(tts.TTS[str]):
    """Plays each utterance as its tone, word by word as the text comes in."""

    def __init__(self, voice: str, book: ToneBook) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self.voice = voice
        self.book = book

    @property
    def model(self) -> str:
        """The name that reports show."""
        return f"fake {self.voice}"

    def update_options(self, **options: Any) -> None:
        """Take options as a plugin's TTS does; they change nothing here."""

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Say a text that is complete."""
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        """Say a text as it comes."""
        return _FakeTTSStream(self, conn_options=conn_options)


class _FakeTTSStream(tts.SynthesizeStream):
    def __init__(self, fake: FakeTTS, *, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=fake, conn_options=conn_options)
        self._fake = fake

    @cached_property
    def _opened(self) -> tuple[Utterance, bytes]:
        book = self._fake.book
        utterance, tone = book.open(self._fake.voice)
        return utterance, book.sound(tone)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=shortuuid("fake_"),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        segment = False
        async for text in self._input_ch:
            if isinstance(text, self._FlushSentinel):
                continue
            if not segment:
                self._mark_started()
                output_emitter.start_segment(segment_id=shortuuid("segment_"))
                segment = True
            self._play(text, output_emitter)
        if segment:
            output_emitter.end_segment()

    def _play(self, text: str, output_emitter: tts.AudioEmitter) -> None:
        utterance, word = self._opened
        before = len(utterance.text.split())
        utterance.text += text
        for _ in range(len(utterance.text.split()) - before):
            output_emitter.push(word)
