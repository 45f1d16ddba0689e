"""Where a model answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server on this machine that speaks the OpenAI protocol for one model."""

    base_url: str
    """As in `http://127.0.0.1:PORT/v1`."""
    api_key: str = field(repr=False)
    provider: str
    model: str
    notes: Sequence[str] = ()
    """What figures that were got with it don't show, in sentences."""
    no_tool: str = ""
    """What the model writes in front of a reply that calls nothing, when there are tools."""
    timeout_s: float = 300.0
    """How long the first token may take: a long prompt is read at some 60 tokens a second."""

    @property
    def label(self) -> str:
        """The model as reports name it, with the template that it was served with."""
        return f"{self.provider}/{self.model}"
