"""The caller in text: `AgentSession.run` gets the words, and audio stays off."""

from typing import Any

from livekit.agents import Agent, RunResult

from handoff_evals.drivers.call import BaseCall
from handoff_evals.drivers.caller_side import CallerSide
from handoff_evals.drivers.driver import InProcessDriver, driver
from handoff_evals.errors import UsageError
from handoff_evals.livekit import Start, quiet, result_when_quiet
from handoff_evals.scenarios import ScriptedTurn


class Call(BaseCall):
    """A call in text, driven by `AgentSession.run`.

    It is all that livekit runs for a typed message: `on_user_turn_completed`, the end of a
    turn, preemptive generation and interruptions at a word belong to the spoken driver.
    """

    async def converse(self, side: CallerSide) -> None:
        """Run the whole conversation, unless a turn of it needs agents that speak."""
        for number, turn in enumerate(side.script, 1):
            if turn.interrupts is not None:
                detail = (
                    f"turn {number} interrupts at {turn.interrupts!r}, and in text a reply is "
                    "there at once: run it with `--driver spoken`"
                )
                self._fault("infrastructure", "needs_spoken", detail, ended=True)
                return
        await super().converse(side)

    async def _greet(self, start: Start, until: int | str | None) -> RunResult[Any] | None:
        self._no_words(until)
        return await start()

    async def _say(self, turn: ScriptedTurn, until: int | str | None) -> RunResult[Any] | None:
        self._no_words(until)
        if turn.wait_s:
            await self._timed.silence(turn.wait_s)
        if not turn.user:
            await quiet(self.session)
            return None
        run: RunResult[Any] = self.session.run(user_input=turn.user, input_modality=self._modality)
        return await result_when_quiet(self.session, run)

    def interrupt(self) -> None:
        """Interrupt what the agent says or does, while a turn runs.

        Raises:
            RuntimeError: no session runs, or what runs must not be interrupted.
        """
        # livekit gives it five seconds to end, and logs it in this context when it has not.
        self._record.interrupted = True
        self._context().run(self.session.interrupt)

    def _no_words(self, until: int | str | None) -> None:
        if until is not None:
            raise UsageError(
                f"until={until!r}: in text a reply is there at once; use the spoken driver"
            )

    def _take_over(self, agent: Agent) -> None:
        """Note what does not run in text."""
        if type(agent).on_user_turn_completed is not Agent.on_user_turn_completed:
            note = (
                f"{agent.id} has on_user_turn_completed, which does not run in text: what it "
                "does goes untested; run it with `--driver spoken`"
            )
            self.notes.extend([note] if note not in self.notes else [])


@driver("text")
class TextDriver(InProcessDriver):
    """Carries the caller's words in text."""

    call = Call
