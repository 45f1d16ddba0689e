"""The agents that random conversations are held with, and what holds of all of them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from handoff_evals.livekit.call import Limits
from handoff_evals.livekit.entry import AgentEntry
from handoff_evals.properties.observed import Item
from handoff_evals.scenario import Target, Watch
from handoff_evals.transcript import AgentRef


def adds_nothing(item: Item) -> bool:  # noqa: ARG001 - the default of `Subject.adds`
    """Say that an agent adds nothing to the context that it hands on."""
    return False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is put to the test, and what its author declares about it.

    ```python
    Subject(
        entry=AgentEntry.load("my_agents:reception"),
        graph={"reception": ["specialist[topic=billing]"], "specialist": ["reception"]},
    )
    ```
    """

    entry: AgentEntry
    """Named `module:name`, so that a scenario file can name it too."""
    graph: Mapping[str, Collection[str]]
    """From each agent to those that it may hand over to, written as in scenario files.
    The first one takes the call."""
    adds: Callable[[Item], bool] = adds_nothing
    """Which new items (a summary, say) an agent may put into the context it hands on."""
    limits: Limits = field(default_factory=lambda: Limits(turn_s=20.0))
    """The deadlines of a turn and of closing."""

    def __post_init__(self) -> None:
        if not self.graph:
            raise ValueError("graph is empty: name at least the agent that takes the call")

    @cached_property
    def watch(self) -> Watch:
        """The attributes by which the graph tells agents apart."""
        targets = [target for old, news in self._edges for target in (old, *news)]
        return Watch(attributes=frozenset(name for target in targets for name in target.where))

    def leads(self, old: AgentRef | None, new: AgentRef) -> bool:
        """Whether the graph has this step; from nobody it leads to the first agent only."""
        if old is None:
            return self._edges[0][0].matches(new)
        return any(
            each.matches(new)
            for source, news in self._edges
            if source.matches(old)
            for each in news
        )

    @cached_property
    def _edges(self) -> list[tuple[Target, list[Target]]]:
        return [
            (Target.parse(old), list(map(Target.parse, news))) for old, news in self.graph.items()
        ]
