"""What an agent's source says: its agents, its tools, and where they hand the call over."""

from handoff_evals.agent_source.agent_module import (
    AgentModule,
    Function,
    RuntimeFacts,
    parameters,
)
from handoff_evals.agent_source.fingerprint import (
    data_digests,
    digest_of_class,
    digest_of_function,
    digest_of_values,
    fingerprint,
    sources,
)
from handoff_evals.agent_source.handoff_sites import (
    HandoffSite,
    built,
    constructions,
    handoffs,
)
from handoff_evals.agent_source.literals import (
    folder_of,
    literals_in,
    literals_of,
    note_values,
    texts_of_named_files,
)
from handoff_evals.agent_source.tool_choice import ShownTool, ToolChoice, choice
from handoff_evals.agent_source.tool_function import (
    AgentKind,
    Evidence,
    evidence_of,
    says,
    strength,
)
from handoff_evals.agent_source.tool_routes import (
    Route,
    leads_back,
    leads_there_again,
    ordinary_tools,
    owner,
    routes,
)

__all__ = [
    "AgentKind",
    "AgentModule",
    "Evidence",
    "Function",
    "HandoffSite",
    "Route",
    "RuntimeFacts",
    "ShownTool",
    "ToolChoice",
    "built",
    "choice",
    "constructions",
    "data_digests",
    "digest_of_class",
    "digest_of_function",
    "digest_of_values",
    "evidence_of",
    "fingerprint",
    "folder_of",
    "handoffs",
    "leads_back",
    "leads_there_again",
    "literals_in",
    "literals_of",
    "note_values",
    "ordinary_tools",
    "owner",
    "parameters",
    "routes",
    "says",
    "sources",
    "strength",
    "texts_of_named_files",
]
