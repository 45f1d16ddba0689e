"""What a scenario says of its caller: a brief for a model, and rules for one without."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from handoff_evals.scenarios.target import Target

_FACT = re.compile(r"\{(\w[\w -]*)\}")
ASKS_AGAIN = "Could you put me through to {agent}, please?"


@dataclass(frozen=True, kw_only=True)
class When:
    """What must be so of the last turn: all that is given."""

    heard: str = ""
    """A regular expression, looked for in what the agents said, in any case."""
    agent: Target | None = None
    """The agent that took the call in that turn."""
    tool: str = ""
    """A tool that was called in that turn."""


@dataclass(frozen=True, kw_only=True)
class CallerLine:
    """Something that the caller has to say, in its place among the others."""

    says: str
    to: tuple[Target, ...] = ()
    """Only to one of these agents: to others the caller asks to be put through. None: to anyone."""


@dataclass(frozen=True, kw_only=True)
class CallerAnswer:
    """What the caller says to a question, to an agent or to a tool's outcome."""

    when: When
    says: tuple[str, ...]
    """For the first time, the second, …; the last is said for all further times."""


@dataclass(frozen=True, kw_only=True)
class CallerHangUp:
    """When the caller hangs up, and with which last words."""

    when: When
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class CallerScript:
    """`caller:` of a scenario."""

    goal: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the caller knows, by what it is called: `order number`."""
    manner: str = ""
    fallback: str = "I don't know, sorry."
    """The answer to a question that nothing here answers."""
    lines: tuple[CallerLine, ...] = ()
    answers: tuple[CallerAnswer, ...] = ()
    hangs_up: tuple[CallerHangUp, ...] = ()
    asks_again: str = ASKS_AGAIN
    """What the caller says to another agent than a line is for; `{agent}` is the one it is for."""
    patience: int = 2
    """How often in a row the caller asks again, or falls back, before hanging up."""
    max_turns: int = 20
    """The caller hangs up after so many."""

    @property
    def has_rules(self) -> bool:
        """Whether it can be played without a model."""
        return bool(self.lines)

    @property
    def texts(self) -> Iterator[str]:
        """All that a caller by rules may say, as it is written."""
        yield from (line.says for line in self.lines)
        yield from (text for answer in self.answers for text in answer.says)
        yield from (each.says for each in self.hangs_up)
        yield self.fallback

    def spoken(self, text: str) -> str:
        """A text with the facts in the place of their names: `{order}`."""
        return _FACT.sub(lambda found: self.facts.get(found[1], found[0]), text)

    @property
    def unknown_facts(self) -> Iterator[tuple[str, str]]:
        """Each text that names a fact that is not there, and the fact's name."""
        for text in self.texts:
            for name in _FACT.findall(text):
                if name not in self.facts:
                    yield text, name
