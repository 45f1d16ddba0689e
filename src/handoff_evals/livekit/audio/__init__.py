"""A phone line for tests: real audio frames into a session and out of it, with no device.

`AudioCall` puts it together: `ScriptedAudioInput` (the caller), `FakeSTT` and
`FakeTTS` (streaming, no network), and `CountingAudioOutput` (what the caller
hears), all on one `AudioClock`. The voice activity detector is the caller's own.
"""
