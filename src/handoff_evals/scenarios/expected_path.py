"""The way that a call should take through the agents, whichever turns its hops fall in.

```yaml
expect:
  path: [triage -> billing, billing -> triage]      # exactly these hops, in this order
  path: triage -> billing -> retention or cancel    # in one line; either of two agents
  path: [billing, optional survey]                  # a hop that may be left out
  path: {in_order: [billing, cancel]}               # these in order, others may lie between
  path: {any_order: [billing, technical]}           # these in any order, others may lie between
  path: [{to: billing, turn: 2}, {to: cancel, turn: 3}]     # with the turn in which it is due
```
"""

import re
from dataclasses import dataclass

from handoff_evals.scenarios.target import Target
from handoff_evals.transcript import AgentRef

# Not within brackets: `desk[team=left or right]` is one agent.
_OR = re.compile(r"\s+or\s+(?![^\[\]]*\])")
_OPTIONAL = "optional "
_ARROW = re.compile(r"\s*->\s*")


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One hop of an expected path."""

    to: tuple[Target, ...]
    """The agent that takes the call; any of them where there are several."""
    old: Target | None = None
    """The agent that hands over; None where only the new one is named."""
    optional: bool = False
    """Whether it may be left out."""
    turn: int | None = None
    """The turn in which it is due, from 1; None where nobody says."""

    @classmethod
    def parse(cls, text: str) -> "Hop":
        """Read `new`, `old -> new`, `new or other`; or one with `optional` before the new agent.

        Raises:
            ValueError: when the text is none of these.
        """
        parts = _ARROW.split(text.strip())
        if len(parts) > 2:  # noqa: PLR2004 - an old and a new agent
            raise ValueError(
                f"{text!r} is more than one hop: write each as an entry of the list, or the whole "
                "path as one text"
            )
        *old, new = parts
        wanted = new.removeprefix(_OPTIONAL).strip()
        return cls(
            to=tuple(map(Target.parse, _OR.split(wanted))),
            old=Target.parse(old[0]) if old else None,
            optional=new.startswith(_OPTIONAL),
        )

    @property
    def label(self) -> str:
        """Who should take the call: `billing`, or `retention or cancel`."""
        return " or ".join(target.label for target in self.to)

    def target_of(self, agent: AgentRef) -> Target | None:
        """Which of its agents that one is; None where it is none of them."""
        return next((target for target in self.to if target.matches(agent)), None)


@dataclass(frozen=True, kw_only=True)
class ExpectedPath:
    """The hops of a whole conversation, in order."""

    hops: tuple[Hop, ...]
    in_order: bool = False
    """Whether other hops may lie between them, and after; else they are exactly these."""
    any_order: bool = False
    """Whether they may come in any order; then others may lie between them too."""
    start: Target | None = None
    """The agent that has the call first, where the path says it."""

    @classmethod
    def parse(cls, text: str) -> "ExpectedPath":
        """Read a path in one line, the first agent included: `a -> b or c -> optional d`.

        Raises:
            ValueError: when it is none.
        """
        first, *others = _ARROW.split(text.strip())
        return cls(hops=tuple(map(Hop.parse, others)), start=Target.parse(first))

    @property
    def required(self) -> tuple[Hop, ...]:
        """The hops that may not be left out: each is a decision."""
        return tuple(hop for hop in self.hops if not hop.optional)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every agent that it names."""
        named = [self.start, *(hop.old for hop in self.hops)]
        return (
            *(target for target in named if target is not None),
            *(target for hop in self.hops for target in hop.to),
        )
