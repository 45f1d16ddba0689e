"""The phone line for tests: clock, caller, recognition, voices, output, and what they measure."""

import asyncio
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, function_tool, stt
from livekit.agents.vad import VAD
from livekit.plugins import silero

from handoff_evals import ScriptedLLM, tool_call
from handoff_evals.audio.audio_call import AudioCall
from handoff_evals.audio.clock import (
    BYTES,
    SAMPLE_RATE,
    SAMPLES,
    AudioClock,
    AudioTimeoutError,
    Clip,
    SentFrame,
)
from handoff_evals.audio.line import CountingAudioOutput, ScriptedAudioInput
from handoff_evals.audio.speech import WORD, FakeSTT, FakeTTS, ToneBook

if TYPE_CHECKING:
    from livekit.agents.voice.io import PlaybackFinishedEvent

MANAGER = Clip.read(Path(__file__).parents[2] / "fixtures" / "audio" / "manager.wav")
CLIP = Clip(words="one two three four", frames=tuple(bytes([n]) * BYTES for n in range(1, 9)))


async def test_the_clock_ticks_when_all_that_a_frame_set_off_is_done() -> None:
    clock = AudioClock()
    done: list[int] = []

    async def work(tick: int) -> None:
        for _ in range(200):
            await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, done.append, tick)

    tasks: list[asyncio.Task[None]] = []
    behind: list[int] = []

    def device() -> None:
        behind.append(clock.ticks - 1 - len(done))
        tasks.append(asyncio.create_task(work(clock.ticks)))

    clock.drive(device)
    clock.start()
    await clock.until(lambda: clock.ticks == 5, "five ticks")
    await clock.stop()

    assert behind == [0, 0, 0, 0, 0]
    assert done == [1, 2, 3, 4, 5]


async def test_the_clock_says_what_it_waited_for_in_vain() -> None:
    clock = AudioClock()
    clock.start()
    with pytest.raises(AudioTimeoutError, match=r"0\.1 s of audio for the moon"):
        await clock.until(lambda: False, "the moon", within=0.1)
    await clock.stop()


async def test_the_clock_passes_on_what_a_device_raises() -> None:
    clock = AudioClock()

    def broken() -> None:
        raise ValueError("broken")

    clock.drive(broken)
    clock.start()
    with pytest.raises(ValueError, match="broken"):
        await clock.until(lambda: False, "a tick")
    with pytest.raises(ValueError, match="broken"):
        await clock.stop()


async def test_the_clock_does_not_wait_when_it_was_not_started() -> None:
    with pytest.raises(RuntimeError, match=r"start\(\) the clock"):
        await AudioClock().until(lambda: False, "a tick")


async def test_the_clock_passes_on_what_the_work_of_an_executor_raises() -> None:
    clock = AudioClock()
    clock.start()
    with pytest.raises(ZeroDivisionError):
        await asyncio.get_running_loop().run_in_executor(None, divmod, 1, 0)
    await clock.stop()


def test_a_clip_is_cut_into_frames_and_filled_up(tmp_path: Path) -> None:
    path = write_wav(tmp_path, samples=SAMPLES + 1)
    clip = Clip.read(path)
    assert [len(frame) for frame in clip.frames] == [BYTES, BYTES]
    assert clip.words == "some words"
    assert clip.seconds == pytest.approx(0.04)


def test_a_clip_of_another_rate_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    path = write_wav(tmp_path, samples=10, rate=8000)
    with pytest.raises(ValueError, match=r"8000 Hz.*sox clip\.wav -r 16000"):
        Clip.read(path)


async def test_the_caller_sends_silence_before_and_after_the_words() -> None:
    caller = ScriptedAudioInput(AudioClock())
    caller.send()
    caller.say(CLIP)
    for _ in range(9):
        caller.send()
    frames = [await anext(caller) for _ in range(10)]

    sent = [SentFrame.of(frame) for frame in frames]
    assert [each.number for each in sent if each] == list(range(10))
    assert [each.clip for each in sent if each] == [None, *[CLIP] * 8, None]
    assert bytes(frames[3].data.cast("B")) == CLIP.frames[2]
    assert not caller.speaking


async def test_recognition_streams_half_of_the_words_midway_and_all_at_the_end() -> None:
    fake = FakeSTT()
    events = await recognise(fake, spoken(CLIP))

    kinds = stt.SpeechEventType
    assert [(event.type, transcript(event)) for event in events] == [
        (kinds.START_OF_SPEECH, ""),
        (kinds.INTERIM_TRANSCRIPT, "one two"),
        (kinds.FINAL_TRANSCRIPT, "one two three four"),
        (kinds.END_OF_SPEECH, ""),
    ]
    assert fake.received == list(range(8))


async def test_recognition_receives_noise_and_makes_nothing_of_it() -> None:
    fake, noise = FakeSTT(), Clip(words="", frames=CLIP.frames)
    assert await recognise(fake, spoken(noise)) == []
    assert fake.received == list(range(8))


async def test_recognition_does_not_count_what_livekit_puts_in_the_place_of_a_frame() -> None:
    fake = FakeSTT()
    silence = rtc.AudioFrame(bytes(BYTES), SAMPLE_RATE, 1, SAMPLES)
    await recognise(fake, [*spoken(CLIP)[:1], silence])
    assert fake.received == [0]


async def test_each_frame_of_a_voice_tells_who_says_what() -> None:
    book = ToneBook()
    athena, apollo = FakeTTS("athena", book), FakeTTS("apollo", book)
    texts = ((athena, "One two."), (apollo, "Three."), (athena, "Four."))
    heard = [{book.hear(each) for each in await frames(*said)} for said in texts]
    assert [[(each.voice, each.text) for each in some if each] for some in heard] == [
        [("athena", "One two.")],
        [("apollo", "Three.")],
        [("athena", "Four.")],
    ]


async def test_voices_speak_before_the_text_is_complete() -> None:
    async with FakeTTS("athena", ToneBook()).stream() as stream:
        stream.push_text("One two ")
        first = await anext(stream)
        assert first.frame.duration > 0
        stream.push_text("three.")
        stream.end_input()
        rest = [each.frame.duration async for each in stream]
    # livekit may add a mark of 10 ms at the end.
    assert first.frame.duration + sum(rest) == pytest.approx(3 * WORD, abs=0.011)


async def test_voices_run_out_of_tones() -> None:
    book = ToneBook()
    for _ in range(147):
        book.open("athena")
    with pytest.raises(ValueError, match="147 utterances"):
        book.open("athena")


def test_silence_is_nobodys_voice() -> None:
    assert ToneBook().hear(np.zeros(SAMPLES, dtype=np.int16)) is None


async def test_the_output_plays_a_frame_a_tick_and_notes_the_gap() -> None:
    line = Line()
    await line.say("One.")
    line.tick(15)
    await line.say("Two.")
    line.tick(13)

    first, second = line.output.heard
    assert (first.first, first.frames, first.end) == (1, 12, 13)
    assert (second.first, second.frames) == (16, 12)
    ((before, after, seconds),) = line.output.gaps
    assert (before, after) == (first, second)
    assert seconds == pytest.approx(0.06)
    assert line.output.frames == 24
    assert [each.interrupted for each in line.finished] == [False, False]
    assert [each.playback_position for each in line.finished] == pytest.approx([WORD, WORD])
    assert line.started == 2


async def test_the_output_waits_for_a_segment_that_is_still_coming() -> None:
    line = Line()
    await line.say("One.", flush=False)
    line.tick(20)
    assert line.output.playing
    assert not line.finished
    line.output.flush()
    line.tick(1)
    assert not line.output.playing


async def test_the_output_holds_in_a_pause_and_goes_on_after_it() -> None:
    line = Line()
    await line.say("One.")
    line.tick(4)
    line.output.pause()
    line.tick(10)
    line.output.resume()
    line.tick(9)
    before, after = line.output.heard
    assert (before.frames, after.frames, after.first) == (4, 8, 15)
    assert before.utterance is after.utterance
    assert [each.interrupted for each in line.finished] == [False]


async def test_the_output_tells_which_words_were_out_when_it_is_cut() -> None:
    line = Line()
    await line.say("One two three.")
    line.tick(29)
    line.output.flush()
    line.output.clear_buffer()
    (event,) = line.finished
    assert event.interrupted
    assert event.playback_position == pytest.approx(0.58)
    assert event.synchronized_transcript == "One two"
    assert line.output.heard[0].interrupted
    line.output.clear_buffer()
    assert len(line.finished) == 1


class Greeter(Agent):
    """Says hello, and hands over to the agent that the test gives it."""

    def __init__(
        self,
        *,
        successor: Agent | None = None,
        recognition: FakeSTT | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(instructions="Greet.", stt=recognition or NOT_GIVEN)
        self._successor = successor
        self._meanwhile = meanwhile

    async def on_enter(self) -> None:
        """Greet."""
        self.session.say("Hello.")

    @function_tool
    async def hand_over(self) -> Agent | None:
        """Hand over to the next agent."""
        self._meanwhile()
        return self._successor


async def test_a_call_measures_a_handoff_that_nothing_went_wrong_in(vad: VAD) -> None:
    async with greeted(Greeter(successor=Greeter()), vad) as call:
        handoff = await call.handoff(MANAGER)
        assert handoff.kept == ("session", "input", "output", "vad", "stt", "stt stream")
        assert handoff.replaced == ()
        assert (handoff.frames_lost, call.output.detached, call.caller.detached) == (0, 0, 0)
        assert (handoff.old_agent, handoff.old_voice) == ("greeter", "athena")


async def test_a_call_counts_frames_that_another_recognition_took(vad: VAD) -> None:
    async with greeted(Greeter(successor=Greeter(recognition=FakeSTT())), vad) as call:
        handoff = await call.handoff(MANAGER)
        assert handoff.replaced == ("stt",)
        assert handoff.frames_lost > 0


async def test_a_call_counts_how_often_the_output_was_taken_away(vad: VAD) -> None:
    def tear_down() -> None:
        call.session.output.audio = None
        call.session.output.audio = call.output

    async with greeted(Greeter(successor=Greeter(), meanwhile=tear_down), vad) as call:
        await call.handoff(MANAGER)
        assert call.output.detached == 1


async def test_a_call_expects_a_handoff_where_it_is_asked_for_a_handoff(vad: VAD) -> None:
    async with greeted(Greeter(), vad) as call:
        with pytest.raises(AssertionError, match=r"after 'I want your manager\.', to: nobody"):
            await call.handoff(MANAGER)


@pytest.fixture(scope="module")
def vad() -> VAD:
    return silero.VAD.load()


@asynccontextmanager
async def greeted(agent: Agent, vad: VAD) -> AsyncIterator[AudioCall]:
    """A call whose caller has been greeted, and whose model hands over at once."""
    model = ScriptedLLM([tool_call("hand_over")])
    voice = FakeTTS("athena", ToneBook())
    async with AudioCall(agent, model, vad=vad, voice=voice) as call:
        await call.quiet()
        yield call


class Line:
    """An output with a voice, ticked by hand."""

    def __init__(self) -> None:
        self.clock = AudioClock()
        self.voice = FakeTTS("athena", ToneBook())
        self.output = CountingAudioOutput(self.clock, self.voice.book)
        self.finished: list[PlaybackFinishedEvent] = []
        self.started = 0
        self.output.on("playback_finished", self.finished.append)
        self.output.on("playback_started", self._start)

    async def say(self, text: str, *, flush: bool = True) -> None:
        """Have the output take a text."""
        for each in await frames(self.voice, text):
            await self.output.capture_frame(
                rtc.AudioFrame(each.tobytes(), SAMPLE_RATE, 1, len(each))
            )
        if flush:
            self.output.flush()

    def tick(self, times: int) -> None:
        """Let time pass."""
        for _ in range(times):
            self.clock.ticks += 1
            self.output.play()

    def _start(self, _: object) -> None:
        self.started += 1


async def frames(voice: FakeTTS, text: str) -> list[npt.NDArray[np.int16]]:
    """Have a text said, cut into frames; shape (320,) each."""
    async with voice.synthesize(text) as stream:
        audio = await stream.collect()
    samples = np.frombuffer(audio.data, dtype=np.int16)
    # At the end livekit may put 10 ms of silence.
    return [samples[SAMPLES * n : SAMPLES * (n + 1)] for n in range(len(samples) // SAMPLES)]


def spoken(clip: Clip) -> list[rtc.AudioFrame]:
    """The frames of a call that is this clip alone."""
    return [SentFrame(number=n, clip=clip, part=n).frame() for n in range(len(clip.frames))]


async def recognise(fake: FakeSTT, frames: list[rtc.AudioFrame]) -> list[stt.SpeechEvent]:
    """All events that come of these frames."""
    async with fake.stream() as stream:
        for each in frames:
            stream.push_frame(each)
        stream.end_input()
        return [event async for event in stream]


def transcript(event: stt.SpeechEvent) -> str:
    """The words of an event."""
    return event.alternatives[0].text if event.alternatives else ""


def write_wav(folder: Path, *, samples: int, rate: int = SAMPLE_RATE) -> Path:
    """A silent recording of some words."""
    path = folder / "clip.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * samples))
    path.with_suffix(".txt").write_text("some words\n", encoding="utf-8")
    return path
