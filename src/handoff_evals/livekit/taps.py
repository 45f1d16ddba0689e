"""Which model is tapped for whom in one conversation."""

from collections.abc import Callable
from typing import Any

from livekit.agents import Agent, AgentSession, llm

from handoff_evals.cassette import Reel
from handoff_evals.errors import UsageError
from handoff_evals.livekit.tap import Exchange, Tap
from handoff_evals.transcript import AgentRef


class Taps:
    """Puts a tap before the session's model and before that of each agent that takes the call.

    Args:
        model: stands in for every model; None leaves each agent its own.
        log: where an exchange is put as soon as it starts.
        reel: answers in the models' place where it can.
    """

    def __init__(
        self,
        model: llm.LLM[Any] | None,
        *,
        log: Callable[[Exchange], None],
        reel: Reel | None = None,
    ) -> None:
        self.model = model
        self._log = log
        self._reel = reel

    def direct(self, model: llm.LLM[Any], *, agent: Callable[[], AgentRef]) -> Tap:
        """A tap for the session, whose model only the agents' own code asks."""
        return Tap(model, agent=agent, purpose="direct", log=self._log, reel=self._reel)

    def put_before(
        self, agent: Agent, *, session: AgentSession[Any], ref: Callable[[], AgentRef]
    ) -> None:
        """Tap what the agent answers by, once.

        Raises:
            UsageError: it answers by something else than an `llm.LLM`.
        """
        if isinstance(agent.llm, Tap) and agent.llm.logs_to(self._log):
            return
        model = self.model or _own(agent, session)
        agent.update_options(
            llm=Tap(model, agent=ref, purpose="reply", log=self._log, reel=self._reel)
        )


def _own(agent: Agent, session: AgentSession[Any]) -> llm.LLM[Any]:
    """The model that the agent brought, or the session's."""
    model = agent.llm or session.llm
    if isinstance(model, Tap):
        return model.inner
    if not isinstance(model, llm.LLM):
        has = f"{model!r} as its own model" if model else "no model of its own, nor has the session"
        raise UsageError(f"{agent.label} has {has}; the harness drives text and needs an `llm.LLM`")
    return model
