"""Doubles for calls in audio: real frames into a session and out of it, without a device.

An `AudioCall` runs an agent with livekit's own VAD, turn detection and interruptions; what
the caller says is a `Clip`, recognition and voices are fakes that stream.

```python
async with AudioCall(agent, model, vad=vad, voice=FakeTTS("athena", ToneBook())) as call:
    await call.quiet()
    await call.turn(Clip.read(Path("hours.wav")))
```
"""

from handoff_evals.audio import (
    AudioCall,
    AudioClock,
    AudioHandoff,
    AudioTimeoutError,
    Clip,
    CountingAudioOutput,
    FakeSTT,
    FakeTTS,
    Heard,
    ScriptedAudioInput,
    ToneBook,
    Utterance,
)

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
]
