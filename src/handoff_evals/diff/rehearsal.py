"""A suite, rehearsed: every scenario held with the oracle, and the agents that none met."""

import ast
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from handoff_evals.livekit.call import Limits
from handoff_evals.livekit.entry import AgentEntry
from handoff_evals.livekit.rehearse import Rehearser
from handoff_evals.mutation.agent_module import AgentModule
from handoff_evals.scenario import Suite
from handoff_evals.versions import Rehearsed


async def rehearsed(entry: AgentEntry, suite: Suite, *, limits: Limits, folder: Path) -> Rehearsed:
    """Rehearse a suite; no model is asked.

    Args:
        entry: its agent, imported.
        suite: whose scenarios they are.
        limits: where a conversation is cut off.
        folder: the project.
    """
    rehearser = Rehearser(entry=entry, suite=suite, limits=limits, folder=folder)
    held = {each.label: await rehearser.hold(each) for each in suite.scenarios}
    classes = _agent_classes(suite.agent.partition(":")[0])
    return Rehearsed(
        suite=suite.name,
        rehearsals=held,
        not_met={name: code for name, code in classes.items() if name not in rehearser.classes},
    )


def _agent_classes(module: str) -> Mapping[str, str]:
    """The agent classes of a module that no other one is derived from, with their digests."""
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None:
        return {}
    agents = AgentModule.read(Path(path)).agents
    bases = {ast.unparse(base) for node in agents.values() for base in node.bases}
    return {
        name: hashlib.sha256(ast.dump(node).encode()).hexdigest()[:16]
        for name, node in agents.items()
        if name not in bases
    }
