"""The caller on the phone: LiveKit's whole voice pipeline, with doubles, at virtual speed."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import takewhile
from typing import Any, ClassVar

from livekit.agents import Agent, AgentSession, RunResult, StopResponse, llm
from livekit.agents.utils import is_given

from handoff_evals.audio import VoicePipeline
from handoff_evals.drivers.call import BaseCall
from handoff_evals.drivers.driver import InProcessDriver, driver
from handoff_evals.livekit import (
    Start,
    VirtualTime,
    begin_run,
    commits_by_hand,
    quiet,
    replace_detectors,
    replace_voice,
)
from handoff_evals.scenarios import ScriptedTurn
from handoff_evals.transcript import Event, Message, Turn

# Nobody listens for so long: agents that speak on in one turn do so without end.
_LONGEST_S = 600.0
# What comes of the last frame shows itself by then; nothing that is in memory takes any time.
_SETTLED_S = 0.02


class SpokenCall(BaseCall):
    """A call in which the agents hear and speak.

    What the caller says goes through speech recognition, voice activity and the end of a turn
    to `on_user_turn_completed` and on; what the agents say takes its time. Time that nobody
    but timers waits for is skipped. Only the models are asked as in text.
    """

    spoken: ClassVar[bool] = True

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._pipeline = VoicePipeline()
        self._time = ExitStack()
        self._voice = ExitStack()
        self._heard: list[str] = []
        """What was heard in this turn, an utterance each."""
        self._left: list[asyncio.Task[Any]] = []
        """What an interrupted turn left under way."""
        self._interrupts = False
        """Whether this turn interrupts the one before it."""
        self._cut = False
        """Whether the next one interrupts this one."""

    async def start(self, *, until: int | str | None = None) -> Turn:
        """See `BaseCall`."""
        self._time.enter_context(VirtualTime.of().skipping())
        return await super().start(until=until)

    async def close(self) -> None:
        """See `BaseCall`."""
        try:
            await super().close()
        finally:
            self._voice.close()
            self._time.close()

    def _prepare(self, session: AgentSession[Any]) -> None:
        ours = self._pipeline
        replace_voice(session, stt=ours.stt, vad=ours.vad, tts=ours.tts)
        session.update_options(turn_detection=ours.in_place_of(session.turn_detection))
        session.input.audio = ours.microphone
        session.output.audio = ours.loudspeaker
        ours.loudspeaker.on("playback_started", lambda _: self._speaks())
        ours.loudspeaker.on("playback_finished", lambda _: self._voice.close())

    async def _greet(self, start: Start, until: int | str | None) -> RunResult[Any] | None:
        result: list[RunResult[Any]] = []

        async def greet() -> None:
            result.append(await start())

        await self._until(until, greet())
        return result[0] if result else None

    async def _say(self, turn: ScriptedTurn, until: int | str | None) -> RunResult[Any] | None:
        run = begin_run(self.session, turn.user)
        self.session.on("speech_created", run.take)
        try:
            await self._until(until, self._speak(turn.user, wait_s=turn.wait_s))
        finally:
            self.session.off("speech_created", run.take)
            run.end()
        await asyncio.sleep(0)
        if run.run.done():
            await run.run  # it raises what a model failed with
        return run.run

    async def _speak(self, words: str, *, wait_s: float) -> None:
        microphone = self._pipeline.microphone
        if wait_s:
            await self._timed.silence(wait_s)
        if words:
            with self._timed.held.back():
                await microphone.say(words)
                if commits_by_hand(self.session):
                    self.session.commit_user_turn()
                await microphone.pause()
                await asyncio.sleep(_SETTLED_S)
        await quiet(self.session)

    async def _until(self, until: int | str | None, work: Any) -> None:
        """Do it, until it is over or so many words were heard.

        What is interrupted goes on in the next turn.
        """
        self._heard, self._interrupts = [""], self._cut
        heard = asyncio.get_running_loop().create_future()
        loudspeaker = self._pipeline.loudspeaker
        loudspeaker.on_words = None if until is None else self._listener(until, heard)
        task = asyncio.ensure_future(work)
        left, self._left = self._left, []
        await asyncio.wait({task, heard}, return_when=asyncio.FIRST_COMPLETED)
        loudspeaker.on_words = None
        self._cut = heard.done()
        for each in [*left, task]:
            if each.done():
                each.result()
            else:
                self._left.append(each)
        if until is not None and not heard.done():
            said = " ".join(filter(None, self._heard))
            detail = f"the caller was to interrupt at {until!r}, and all that was said is {said!r}"
            self._fault("infrastructure", "no_interruption", detail)

    def _events(self) -> list[Event]:
        """See `BaseCall`. What the caller interrupted was said in the turn before."""
        events = super()._events()
        if self._interrupts:
            words = [at for at, event in enumerate(events) if _is_callers(event)]
            # With two messages of the caller the first is of the turn before, too.
            said = events[: words[-1]] if words[1:] else list(takewhile(_is_agents, events))
            before = self.turns[-1]
            self.turns[-1] = replace(before, events=(*before.events, *said))
            events = events[len(said) :]
        return events

    def _listener(self, until: int | str, heard: "asyncio.Future[None]") -> Callable[[str], None]:
        def on_words(words: str) -> None:
            if self._heard[-1] and not words.startswith(self._heard[-1]):
                self._heard.append("")
            self._heard[-1] = words
            if not heard.done() and _reached(self._heard, until):
                heard.set_result(None)

        return on_words

    def _speaks(self) -> None:
        """No deadline runs while somebody speaks, or who speaks at length would be cut off."""
        self._voice.close()
        if self._timed.held.seconds - self._held_before < _LONGEST_S:
            self._voice.enter_context(self._timed.held.back())

    def _take_over(self, agent: Agent) -> None:
        """Give an agent the doubles in place of what it brought."""
        ours = self._pipeline
        brought = {"stt": agent.stt, "vad": agent.vad, "tts": agent.tts}
        agent.update_options(
            **{
                name: getattr(ours, name)
                for name, each in brought.items()
                if is_given(each) and each is not None and each is not getattr(ours, name)
            }
        )
        replace_detectors(self.session, ours.turn_detector)
        self._guard_hook(agent)

    def _guard_hook(self, agent: Agent) -> None:
        """Take in what `on_user_turn_completed` raises: livekit only logs it."""
        hook: Callable[..., Awaitable[None]] = agent.on_user_turn_completed
        if getattr(hook, "__self__", None) is not agent:
            return  # guarded already: an agent may take the call again

        async def guarded(turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
            try:
                await hook(turn_ctx, new_message=new_message)
            except StopResponse:
                raise
            except Exception as error:
                self._errors.raised("on_user_turn_completed", error)
                raise

        agent.on_user_turn_completed = guarded


def _is_callers(event: Event) -> bool:
    return isinstance(event, Message) and event.role == "user"


def _is_agents(event: Event) -> bool:
    return isinstance(event, Message) and event.role == "assistant"


def _reached(heard: list[str], until: int | str) -> bool:
    """Whether so many words, or these, were heard."""
    words = " ".join(heard)
    if isinstance(until, int):
        return len(words.split()) >= until
    return f" {_plain(until)} " in f" {_plain(words)} "


def _plain(text: str) -> str:
    """The words alone: whoever names some does not have to know the commas."""
    return " ".join(re.findall(r"\w+", text.casefold()))


@driver("spoken")
class SpokenDriver(InProcessDriver):
    """Lets the caller and the agents speak."""

    call = SpokenCall
