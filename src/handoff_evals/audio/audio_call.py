"""A call with an agent over the line, for a test."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.llm import AgentHandoff
from livekit.agents.vad import VAD
from livekit.agents.voice.events import ConversationItemAddedEvent, FunctionToolsExecutedEvent
from livekit.agents.voice.turn import InterruptionOptions

from handoff_evals.audio.clock import FRAME, AudioClock, Clip
from handoff_evals.audio.line import CountingAudioOutput, ScriptedAudioInput
from handoff_evals.audio.speech import FakeSTT, FakeTTS


@dataclass(frozen=True, kw_only=True)
class AudioHandoff:
    """One handoff as the caller hears it, and what it did to the line."""

    old_agent: str
    new_agent: str
    old_voice: str
    new_voice: str
    kept: tuple[str, ...]
    """Which parts of the line are the same objects before and after."""
    replaced: tuple[str, ...]
    """Which are not."""
    frames_in: int
    """The caller's frames, from the first word that led to the handoff to the end of the reply."""
    frames_lost: int
    """How many of them never reached the speech recognition."""
    gap_ms: float
    """What livekit takes, in wall time: from the moment that nothing but its own work is left
    (the tool is done, the old agent has said its last) to the new agent's first frame."""
    silence_ms: int
    """What the caller hears of it, in audio time: from the last sound on the line, of either
    side, to the new voice. It includes the 550 ms of silence that end a turn."""

    def json(self) -> str:
        """Write it in one line."""
        return json.dumps(asdict(self))


_CLOSING = 10.0


class AudioCall:
    """A session with all that it needs to hear and speak, and a caller to speak to it.

    ```python
    async with AudioCall(agent, model, vad=vad, voice=FakeTTS("athena", ToneBook())) as call:
        await call.quiet()
        await call.turn(clip)
    ```

    Turns end by voice activity and interruptions begin by it, as in livekit's
    sessions that have no cloud; whatever else is livekit's default, but for the
    three seconds at the start in which it takes any sound for an echo of its own.
    """

    def __init__(
        self,
        agent: Agent,
        model: llm.LLM[Any],
        *,
        vad: VAD,
        voice: FakeTTS,
        interruption: InterruptionOptions | None = None,
    ) -> None:
        self.clock = AudioClock()
        # The caller hears before it speaks, so that it may answer within a tick.
        self.output = CountingAudioOutput(self.clock, voice.book)
        self.caller = ScriptedAudioInput(self.clock)
        self.stt = FakeSTT()
        self.session = AgentSession[None](
            llm=model,
            stt=self.stt,
            vad=vad,
            tts=voice,
            turn_handling={
                "turn_detection": "vad",
                "interruption": {"mode": "vad", **(interruption or {})},
                "preemptive_generation": {"enabled": True},
            },
            aec_warmup_duration=None,
            # The caller has said all it has to say.
            session_close_transcript_timeout=0.0,
        )
        self.handoffs: list[AgentHandoff] = []
        """The handoffs so far, without the entry of the first agent."""
        self._agent = agent
        self._tools_done = 0.0
        self._handed_over = 0.0
        self.session.on("conversation_item_added", self._item_added)
        self.session.on("function_tools_executed", self._tools_executed)

    async def __aenter__(self) -> Self:
        self.session.input.audio = self.caller
        self.session.output.audio = self.output
        self.clock.start()
        await self.session.start(self._agent)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            async with asyncio.timeout(_CLOSING):
                await self.session.aclose()
        finally:
            await self.clock.stop()

    async def quiet(self) -> None:
        """Wait until nobody speaks and livekit has nothing to say."""
        # What was just set off shows itself by the end of the next tick.
        tick = self.clock.ticks + 1
        await self.clock.until(
            lambda: self.clock.ticks >= tick and self._is_quiet(), "the line to fall silent"
        )

    async def turn(self, clip: Clip) -> None:
        """Speak, be heard, and hear what comes of it."""
        self.caller.say(clip)
        await self.heard_speaking()
        await self.quiet()

    async def heard_speaking(self) -> None:
        """Wait until livekit notices that the caller speaks."""
        await self.clock.until(
            lambda: self.session.user_state == "speaking", "the caller to be noticed"
        )

    async def handoff(self, clip: Clip) -> AudioHandoff:
        """Speak a turn in which one agent hands over to another one.

        Raises:
            AssertionError: when the number of handoffs is not one, or one side said nothing.
        """
        line, sent, handoffs = self._line(), self.caller.sent, len(self.handoffs)
        await self.turn(clip)
        made = self.handoffs[handoffs:]
        if len(made) != 1:
            ids = ", ".join(each.new_agent_id for each in made) or "nobody"
            raise AssertionError(f"one handoff was expected after {clip.words!r}, to: {ids}")
        return self._handoff(made[0], line=line, sent=sent)

    def _handoff(
        self, handoff: AgentHandoff, *, line: dict[str, object], sent: int
    ) -> AudioHandoff:
        old = [each for each in self.output.heard if each.captured < self._handed_over]
        new = [each for each in self.output.heard if each.captured > self._handed_over]
        if not old or not new:
            silent = handoff.new_agent_id if old else handoff.old_agent_id
            raise AssertionError(
                f"a handoff is measured between two voices, and {silent!r} said nothing"
            )
        before, after = old[-1], new[0]
        now = self._line()
        kept = tuple(name for name in line if now[name] is line[name])
        last_sound = max(before.end, min(self.caller.spoke + 1, after.first))
        return AudioHandoff(
            old_agent=str(handoff.old_agent_id),
            new_agent=handoff.new_agent_id,
            old_voice=before.utterance.voice,
            new_voice=after.utterance.voice,
            kept=kept,
            replaced=tuple(name for name in line if name not in kept),
            frames_in=self.caller.sent - sent,
            frames_lost=len({*range(sent, self.caller.sent)}.difference(self.stt.received)),
            gap_ms=round(1000 * (after.captured - max(self._tools_done, before.over or 0.0)), 1),
            silence_ms=round(1000 * FRAME * (after.first - last_sound)),
        )

    def _line(self) -> dict[str, object]:
        agent = self.session.current_agent
        return {
            "session": agent.session,
            "input": self.session.input.audio,
            "output": self.session.output.audio,
            "vad": agent.vad or self.session.vad,
            "stt": agent.stt or self.session.stt,
            "stt stream": self.stt.streams[-1],
        }

    def _is_quiet(self) -> bool:
        return not (
            self.caller.speaking
            or self.output.playing
            or self.session.user_state == "speaking"
            or self.session.agent_state != "listening"
        )

    def _item_added(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, AgentHandoff) and event.item.old_agent_id is not None:
            self.handoffs.append(event.item)
            self._handed_over = time.perf_counter()

    def _tools_executed(self, _: FunctionToolsExecutedEvent) -> None:
        self._tools_done = time.perf_counter()
