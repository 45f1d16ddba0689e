"""Who is meant by an agent's name in a transcript."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class AgentRef:
    """One agent, told apart as far as the scenarios tell agents apart.

    livekit's id is the class name in snake case, so two instances of one class
    share it. The attributes that a suite names in `where:` are kept beside it.
    """

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The id, and what tells the instance apart: `specialist_agent[topic=billing]`."""
        return label(self.id, self.attributes)


def label(agent_id: str, attributes: Mapping[str, str]) -> str:
    """Write an id and attributes as one word: `id[name=value,other=value]`."""
    if not attributes:
        return agent_id
    inner = ",".join(f"{name}={value}" for name, value in sorted(attributes.items()))
    return f"{agent_id}[{inner}]"
