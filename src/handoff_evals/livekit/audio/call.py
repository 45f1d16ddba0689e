"""A call over the line, for a test to hold."""

from typing import Any, Self

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.vad import VAD

from handoff_evals.livekit.audio.caller import ScriptedAudioInput
from handoff_evals.livekit.audio.clock import AudioClock
from handoff_evals.livekit.audio.output import CountingAudioOutput
from handoff_evals.livekit.audio.stt import FakeSTT
from handoff_evals.livekit.audio.tts import FakeTTS, ToneBook


class AudioCall:
    def __init__(
        self,
        agent: Agent,
        model: llm.LLM[Any],
        *,
        vad: VAD,
        voice: str,
        book: ToneBook,
        speed: float = 20.0,
    ) -> None:
        self.clock = AudioClock(speed=speed)
        self.output = CountingAudioOutput(self.clock, book)
        self.caller = ScriptedAudioInput(self.clock)
        self.stt = FakeSTT()
        self.vad = vad
        self._agent = agent
        self.session = AgentSession[None](
            llm=model,
            stt=self.stt,
            vad=vad,
            tts=FakeTTS(voice, book),
            turn_handling={
                "turn_detection": "vad",
                "interruption": {"mode": "vad"},
                "preemptive_generation": {"enabled": True},
            },
            aec_warmup_duration=None,
        )

    async def __aenter__(self) -> Self:
        self.session.input.audio = self.caller
        self.session.output.audio = self.output
        self.clock.start()
        await self.session.start(self._agent)
        return self

    async def __aexit__(self, *a):
        await self.session.aclose()
        await self.clock.stop()

    def _quiet(self) -> bool:
        return (
            not self.caller.speaking
            and not self.output.playing
            and self.session.user_state != "speaking"
            and self.session.agent_state == "listening"
        )

    async def quiet(self):
        await self.clock.until(self._quiet, "silence")

    async def turn(self, clip):
        self.caller.say(clip)
        await self.clock.until(lambda: self.session.user_state == "speaking", "vad")
        await self.quiet()
