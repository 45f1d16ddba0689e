"""Speech recognition that knows what was said."""

from livekit.agents import stt
from livekit.agents.language import LanguageCode
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)
from livekit.agents.utils import AudioBuffer

from handoff_evals.livekit.audio.caller import Sent
from handoff_evals.livekit.audio.clip import Clip


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
        self.streams.append(_FakeStream(self, conn_options=conn_options))
        return self.streams[-1]

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError("it streams: use stream()")


class _FakeStream(stt.RecognizeStream):
    def __init__(self, fake: FakeSTT, *, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=fake, conn_options=conn_options)
        self._fake = fake

    async def _run(self) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel) or (sent := Sent.of(frame)) is None:
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
