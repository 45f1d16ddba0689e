"""The handoff graph of an agent under test: from its source, and from a rehearsal of its tools."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from handoff_evals.agent_source import AgentModule, RuntimeFacts, sources
from handoff_evals.graph import HandoffGraph, coverage, joined, seen_graph, source_graph
from handoff_evals.livekit import AgentEntry, default_id
from handoff_evals.models import Exploration, Explorer, ExploreSettings
from handoff_evals.mutation import facts
from handoff_evals.results import Trial
from handoff_evals.scenarios import Scenario, Suite, Watch
from handoff_evals.user_code import module_of


@dataclass(frozen=True, kw_only=True)
class AgentUnderTest:
    """An agent, imported, and what is known of its calls."""

    reference: str
    """`module:name`, as a scenario file names it."""
    entry: AgentEntry
    folder: Path = field(default_factory=Path.cwd)
    scenario: Scenario | None = None
    """Whose userdata, job and mocks a rehearsal has; None for none."""
    watch: Watch = field(default_factory=Watch)

    @classmethod
    def load(
        cls, reference: str, *, folder: Path | None = None, suites: tuple[Suite, ...] = ()
    ) -> "AgentUnderTest":
        """Import it.

        Args:
            reference: `module:name` or `path/to/file.py:name`.
            folder: the project; None for the current folder.
            suites: the suites about it; they say which attributes tell its agents apart.

        Raises:
            AgentImportError: when there is no such thing, or it can't be an agent.
        """
        folder = folder or Path.cwd()
        watched = (each.watch for each in suites)
        attributes = frozenset(name for watch in watched for name in watch.attributes)
        scenarios = [scenario for suite in suites for scenario in suite.scenarios]
        return cls(
            reference=reference,
            entry=AgentEntry.load(reference, folder=folder),
            folder=folder,
            scenario=scenarios[0] if scenarios else None,
            watch=Watch(attributes=attributes),
        )

    @property
    def modules(self) -> tuple[AgentModule, ...]:
        """Its file, and those that it imports from the project, as far as they have agents."""
        folder = self.folder.resolve()
        name = module_of(self.reference, folder=self.folder)
        seen = facts(folder)
        found: list[AgentModule] = []
        for path in sources(name, folder, set()):
            known = seen.get(str(path.relative_to(folder)), {})
            module = AgentModule.read(path, facts=_runtime_facts(known))
            found += [module] if module.agents or module.tools else []
        return tuple(found)

    def source(self) -> HandoffGraph:
        """What the source tells; nothing is run."""
        return source_graph(self.modules, default_id=default_id)

    async def explore(self, settings: ExploreSettings | None = None) -> Exploration:
        """Call its tools, to see what the source does not tell; see `Explorer`."""
        explorer = Explorer(
            self.entry,
            known=self.source(),
            scenario=self.scenario and replace(self.scenario, label="exploration"),
            watch=self.watch,
            settings=settings,
        )
        return await explorer.explore()


_MOST_TRIALS = 300


def uncovered(
    suites: Iterable[Suite], entries: Mapping[str, AgentEntry], trials: Iterable[Trial]
) -> Iterator[str]:
    """Name the edges that no scenario takes, a line an agent; nothing is run for it.

    Args:
        suites: of a run.
        entries: their agents, by the suite's name.
        trials: of the run; the first few hundred are read.
    """
    read = list(islice(trials, _MOST_TRIALS))
    by_agent: dict[str, list[Suite]] = {}
    for suite in suites:
        by_agent.setdefault(suite.agent, []).append(suite)
    for agent, own in by_agent.items():
        names = {suite.name for suite in own}
        source = AgentUnderTest(reference=agent, entry=entries[own[0].name]).source()
        transcripts = [each.transcript for each in read if each.key.suite in names]
        seen = seen_graph(transcripts, origin="run", known=source)
        line = coverage(joined([source, seen]), own).sentence
        if line:
            yield f"{', '.join(sorted(names))}: {line}; see `handoff-evals graph`"


def _runtime_facts(known: Mapping[str, Iterable[Any]]) -> RuntimeFacts:
    return RuntimeFacts(**{kind: frozenset(found) for kind, found in known.items()})
