"""The agents that random conversations are held with, and what holds of all of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from handoff_evals.livekit.call import Limits
from handoff_evals.livekit.entry import AgentEntry
from handoff_evals.properties.observed import Activation, Item
from handoff_evals.scenario import Target, Watch


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
        if not isinstance(self.entry, AgentEntry):
            raise TypeError(f"entry is {self.entry!r}: load it, AgentEntry.load('module:name')")
        for old, news in self.graph.items():
            if isinstance(news, str):
                raise TypeError(f"graph[{old!r}] is {news!r}: give a list of agents, [{news!r}]")

    @cached_property
    def watch(self) -> Watch:
        """The attributes by which the graph tells agents apart."""
        targets = [target for old, news in self._edges for target in (old, *news)]
        return Watch(attributes=frozenset(name for target in targets for name in target.where))

    def strays(self, steps: Iterable[Activation]) -> Iterator[Activation]:
        """The steps that the graph does not have; from nobody it leads to the first agent."""
        first, _ = self._edges[0]
        for step in steps:
            old = step.old
            leads = (
                first.matches(step.new)
                if old is None
                else any(
                    each.matches(step.new)
                    for source, news in self._edges
                    if source.matches(old)
                    for each in news
                )
            )
            if not leads:
                yield step

    @cached_property
    def _edges(self) -> list[tuple[Target, list[Target]]]:
        return [
            (Target.parse(old), list(map(Target.parse, news))) for old, news in self.graph.items()
        ]
