"""Voices that can be told apart by ear."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from livekit.agents import tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions
from livekit.agents.utils import shortuuid

from handoff_evals.livekit.audio.clock import SAMPLE_RATE, SAMPLES

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

    def hear(self, samples: npt.NDArray[np.int16]) -> Utterance | None:
        """Tell whose frame it is, by its loudest tone; none for silence.

        Args:
            samples: One frame, shape (320,).
        """
        if not samples.any():
            return None
        return self._utterances[int(np.abs(np.fft.rfft(samples)).argmax()) - _FIRST]


class FakeTTS(tts.TTS[str]):
    """Sings each utterance on its tone, word by word as the text comes in."""

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

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Say a text that is complete."""
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        """Say a text as it comes."""
        return _FakeStream(self, conn_options=conn_options)


class _FakeStream(tts.SynthesizeStream):
    def __init__(self, fake: FakeTTS, *, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=fake, conn_options=conn_options)
        self._fake = fake

    @cached_property
    def _opened(self) -> tuple[Utterance, bytes]:
        utterance, tone = self._fake.book.open(self._fake.voice)
        periods = np.arange(_WORD) * tone / SAMPLES
        return utterance, (_LOUDNESS * np.sin(2 * np.pi * periods)).astype("<i2").tobytes()

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
            self._sing(text, output_emitter)
        if segment:
            output_emitter.end_segment()

    def _sing(self, text: str, output_emitter: tts.AudioEmitter) -> None:
        utterance, word = self._opened
        before = len(utterance.text.split())
        utterance.text += text
        for _ in range(len(utterance.text.split()) - before):
            output_emitter.push(word)
