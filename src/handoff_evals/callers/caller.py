"""What a caller is, and the table of their kinds: a new one is a class in a file of its own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, TypeVar

from handoff_evals.scenarios import Scenario, Target
from handoff_evals.transcript import AgentRef, FunctionCall, Message, Turn


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One turn as the caller knows it."""

    user: str | None
    """What the caller said; None for the opening."""
    said: tuple[str, ...]
    """What the agents said, in order."""
    active: AgentRef
    """Who has the call after it."""
    arrived: tuple[AgentRef, ...] = ()
    """The agents that took the call in it, in order; the entrance of the first one is none."""
    tools: tuple[str, ...] = ()
    """The tools that were called, in order."""


SoFar = tuple[Heard, ...]
"""The conversation up to now, the opening first."""


def heard_so_far(turns: Iterable[Turn]) -> SoFar:
    """What the caller knows of the turns that are over: nothing of what is expected."""
    return tuple(_heard(turn) for turn in turns)


def _heard(turn: Turn) -> Heard:
    return Heard(
        user=turn.user,
        said=tuple(
            event.text
            for event in turn.events
            if isinstance(event, Message) and event.role == "assistant"
        ),
        active=turn.active,
        arrived=tuple(move.new for move in turn.handoffs if move.old is not None),
        tools=tuple(event.name for event in turn.events if isinstance(event, FunctionCall)),
    )


@dataclass(frozen=True, kw_only=True)
class Says:
    """The caller's next words."""

    text: str
    """Empty where the caller is silent for a turn."""
    wait_s: float = 0.0
    """Seconds of silence before."""
    interrupts_after: int | str | None = None
    """After how many words, or which words, of the answer the caller speaks again; None hears
    all of it. It takes the spoken driver."""
    decisions: Mapping[str, str | float] = field(default_factory=dict)
    """What DecisionModels decide in this turn, as `ScriptedTurn.decisions`."""
    towards: tuple[Target, ...] = ()
    """The agents that the caller hopes to speak to next; none where anyone will do."""
    last: bool = False
    """Whether the caller has nothing else to say by itself."""


@dataclass(frozen=True, kw_only=True)
class HangsUp:
    """The caller ends the call."""

    why: str = "done"
    """A word to count by: `done`, `heard`, `gave_up`, `max_turns`, or a model's own reason."""


class Caller(Protocol):
    """Calls once: each conversation has a caller of its own."""

    @property
    def interrupts_greeting(self) -> int | str | None:
        """As `Says.interrupts_after`, of what the first agent says before the caller speaks."""
        ...

    @property
    def unsaid(self) -> bool:
        """Whether something is left that the caller had to say, come what may."""
        ...

    async def next(self, so_far: SoFar) -> Says | HangsUp:
        """Say the next words, or hang up.

        Args:
            so_far: what was said and seen; never what is expected.
        """
        ...


class CallerKind(Protocol):
    """A class of callers, made from a scenario."""

    def __call__(self, scenario: Scenario) -> Caller:
        """Make the caller of one conversation."""
        ...

    def plays(self, scenario: Scenario) -> bool:
        """Whether it is the caller of that scenario, where nobody names another."""
        ...


_CALLERS: dict[str, CallerKind] = {}
_Kind = TypeVar("_Kind", bound=CallerKind)


def caller(name: str) -> Callable[[_Kind], _Kind]:
    """Register a kind of caller, as a class decorator."""

    def register(kind: _Kind) -> _Kind:
        _CALLERS[name] = kind
        return kind

    return register


def callers() -> Mapping[str, CallerKind]:
    """Every kind by its name: what the files of this room register."""
    room = import_module(__package__ or "")
    for each in iter_modules(room.__path__):
        import_module(f"{room.__name__}.{each.name}")
    return dict(sorted(_CALLERS.items()))


def caller_for(scenario: Scenario) -> tuple[str, Caller]:
    """The caller of a scenario by its own words, and the kind that it is of.

    One that says nothing of its caller has a caller who listens to the greeting and hangs up.
    """
    kinds = callers()
    name = next((name for name, kind in kinds.items() if kind.plays(scenario)), "scripted")
    return name, kinds[name](scenario)
