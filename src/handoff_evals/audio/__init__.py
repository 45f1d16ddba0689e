"""A phone line for tests: real audio frames into a session and out of it, without a device."""

from handoff_evals.audio.audio_call import AudioCall, AudioHandoff
from handoff_evals.audio.clock import AudioClock, AudioTimeoutError, Clip
from handoff_evals.audio.line import CountingAudioOutput, Heard, ScriptedAudioInput
from handoff_evals.audio.pipeline import VoicePipeline
from handoff_evals.audio.speech import FakeSTT, FakeTTS, ToneBook, Utterance

__all__ = [
    "AudioCall",
    "AudioClock",
    "AudioHandoff",
    "AudioTimeoutError",
    "Clip",
    "CountingAudioOutput",
    "FakeSTT",
    "FakeTTS",
    "Heard",
    "ScriptedAudioInput",
    "ToneBook",
    "Utterance",
    "VoicePipeline",
]
