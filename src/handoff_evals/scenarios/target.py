"""An expected agent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff_evals.transcript import AgentRef, label

_WRITTEN = re.compile(r"^(?P<id>[^\s\[\]]+)(\[(?P<where>[^\[\]]*)\])?$")


@dataclass(frozen=True, kw_only=True)
class Target:
    """An expected agent: livekit's id, and attributes that tell instances apart."""

    id: str
    where: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read `id` or `id[name=value,…]`.

        Raises:
            ValueError: when the text is neither.
        """
        match = _WRITTEN.match(text.strip())
        if match is None:
            raise ValueError(f"{text!r} names no agent: write `id` or `id[attribute=value]`")
        where: dict[str, str] = {}
        for part in filter(None, (match["where"] or "").split(",")):
            name, equals, value = part.partition("=")
            if not equals:
                raise ValueError(f"{text!r}: {part!r} must be `attribute=value`")
            where[name.strip()] = value.strip()
        return cls(id=match["id"], where=where)

    @property
    def label(self) -> str:
        """As it stands in tables: `specialist_agent[topic=billing]`."""
        return label(self.id, self.where)

    def matches(self, agent: AgentRef) -> bool:
        """Whether that agent is the one that is meant."""
        return agent.id == self.id and all(
            agent.attributes.get(name) == value for name, value in self.where.items()
        )
