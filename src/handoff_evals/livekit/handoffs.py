"""Who took the call in one conversation, and by what kind of handoff.

livekit announces an AgentTask that begins, and the return to the agent that awaited it, like
any other handoff, and a TaskGroup between its steps as an agent of its own.
"""

from collections.abc import Callable
from typing import Any, Literal
from weakref import WeakKeyDictionary

from livekit.agents import Agent, AgentTask

from handoff_evals.livekit.internals import awaited_by, name_steps
from handoff_evals.transcript import AgentHandoff, AgentRef


class Handoffs:
    """The handoffs of one conversation, in order.

    Args:
        ref: tells an agent apart as the scenarios do.
    """

    def __init__(self, ref: Callable[[Agent], AgentRef]) -> None:
        self._ref = ref
        self._noted: dict[str, tuple[Agent, AgentHandoff]] = {}
        self._steps: WeakKeyDictionary[Agent, str] = WeakKeyDictionary()
        self.active: Agent | None = None
        """The agent that has the call, or had it last."""

    @property
    def entered(self) -> tuple[tuple[Agent, AgentRef], ...]:
        """Who took the call, one for each handoff."""
        return tuple((agent, handoff.new) for agent, handoff in self._noted.values())

    def find(self, item_id: str) -> AgentHandoff | None:
        """The handoff that an item of livekit's history tells of."""
        return self._noted.get(item_id, (None, None))[1]

    def note(self, item_id: str, agent: Agent) -> AgentHandoff:
        """Take in the agent that a handoff item tells of, before it starts."""
        _, last = next(reversed(self._noted.values()), (None, None))
        handoff = AgentHandoff(
            old=None if last is None else last.new,
            new=self._ref(agent),
            kind=self._kind(agent),
            step=self._steps.get(agent),
        )
        name_steps(agent, self._steps)
        self.active = agent
        self._noted[item_id] = agent, handoff
        return handoff

    def _kind(self, agent: Agent) -> Literal["handoff", "task", "return"]:
        old: Any = self.active
        if isinstance(old, AgentTask) and old.done() and awaited_by(old) is agent:
            return "return"
        if isinstance(agent, AgentTask) and old is not None and awaited_by(agent) is old:
            return "task"
        return "handoff"
