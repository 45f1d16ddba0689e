"""The doubles of the voice pipeline, on a loop that skips waiting."""

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import vad
from livekit.agents.voice.io import PlaybackFinishedEvent

from handoff_evals.audio.clock import SAMPLE_RATE
from handoff_evals.audio.pipeline import (
    FakeVAD,
    Loudspeaker,
    Microphone,
    UtteranceBook,
    VoicePipeline,
)
from handoff_evals.audio.speech import WORD
from tests.support.phone import skipping_waits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(autouse=True)
async def _no_waiting() -> "AsyncIterator[None]":
    with skipping_waits():
        yield


def words(book: UtteranceBook, text: str) -> rtc.AudioFrame:
    """An utterance in one frame."""
    utterance, number = book.open("voice")
    utterance.text = text
    sound = book.sound(number) * len(text.split())
    return rtc.AudioFrame(sound, SAMPLE_RATE, 1, len(sound) // 2)


async def played(book: UtteranceBook, text: str) -> tuple[Loudspeaker, list[PlaybackFinishedEvent]]:
    loudspeaker = Loudspeaker(book)
    ends: list[PlaybackFinishedEvent] = []
    loudspeaker.on("playback_finished", ends.append)
    await loudspeaker.capture_frame(words(book, text))
    return loudspeaker, ends


async def test_an_utterance_plays_for_as_long_as_its_words_take() -> None:
    loudspeaker, [*ends] = await played(UtteranceBook(), "one two three")
    began = asyncio.get_running_loop().time()
    loudspeaker.flush()
    end = await loudspeaker.wait_for_playout()
    assert asyncio.get_running_loop().time() - began == pytest.approx(3 * WORD, abs=0.01)
    assert (end.interrupted, ends) == (False, [])
    assert not loudspeaker.playing


async def test_an_interruption_says_which_words_were_out() -> None:
    loudspeaker, ends = await played(UtteranceBook(), "one two three")
    await asyncio.sleep(2.5 * WORD)
    loudspeaker.clear_buffer()
    [end] = ends
    assert (end.interrupted, end.synchronized_transcript) == (True, "one two")
    assert end.playback_position == pytest.approx(2.5 * WORD, abs=0.01)


async def test_a_pause_takes_no_words() -> None:
    loudspeaker, ends = await played(UtteranceBook(), "one two three")
    loudspeaker.flush()
    await asyncio.sleep(1.5 * WORD)
    loudspeaker.pause()
    await asyncio.sleep(60)
    assert (loudspeaker.heard, ends) == ("one", [])
    loudspeaker.resume()
    began = asyncio.get_running_loop().time()
    await loudspeaker.wait_for_playout()
    assert asyncio.get_running_loop().time() - began == pytest.approx(1.5 * WORD, abs=0.01)


async def test_silence_while_a_model_thinks_counts_as_no_speech() -> None:
    book = UtteranceBook()
    loudspeaker, ends = await played(book, "one")
    await asyncio.sleep(60)
    assert loudspeaker.heard == "one"
    await loudspeaker.capture_frame(words(book, "more"))
    await asyncio.sleep(WORD / 2)
    loudspeaker.clear_buffer()
    assert ends[0].playback_position == pytest.approx(1.5 * WORD, abs=0.01)


async def test_each_word_is_told_as_it_is_heard() -> None:
    heard: list[str] = []
    loudspeaker, _ = await played(UtteranceBook(), "one two three")
    loudspeaker.on_words = heard.append
    loudspeaker.flush()
    await loudspeaker.wait_for_playout()
    assert heard == ["one", "one two", "one two three"]


def test_more_utterances_can_be_told_apart_than_by_tones() -> None:
    book = UtteranceBook()
    numbers = [book.open("voice")[1] for _ in range(1000)]
    samples = np.frombuffer(book.sound(numbers[-1]), dtype="<i2")
    assert book.hear(samples) is book._utterances[-1]
    assert book.hear(np.zeros(4, dtype=np.int16)) is None


async def test_the_caller_is_heard_word_by_word_until_a_pause() -> None:
    microphone, stream = Microphone(), FakeVAD().stream()
    await microphone.say("one two three")
    await microphone.pause()
    for _ in range(4):
        stream.push_frame(await anext(microphone))
    stream.end_input()
    events = [event async for event in stream]
    kinds = vad.VADEventType
    assert [event.type for event in events] == [
        kinds.START_OF_SPEECH,
        *[kinds.INFERENCE_DONE] * 4,
        kinds.END_OF_SPEECH,
    ]
    assert events[3].speech_duration == pytest.approx(3 * WORD)
    await stream.aclose()


def test_a_mode_of_turn_detection_is_kept_and_a_detector_replaced() -> None:
    pipeline = VoicePipeline()
    assert [pipeline.in_place_of(each) for each in ("manual", None)] == ["manual", None]
    assert pipeline.in_place_of(object()) is pipeline.turn_detector
