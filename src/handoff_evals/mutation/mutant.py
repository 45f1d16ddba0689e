"""One way to break one place, and what breaks places of its kind."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from handoff_evals.mutation.agent_module import AgentModule
from handoff_evals.mutation.tree import Edits


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place that an operator can break."""

    node: ast.AST
    """Whose line is shown."""
    what: str
    """What is broken, in a few words."""
    edits: Edits


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A way that people break agents."""

    name: str
    suggestion: str
    """What a test asserts that notices it."""
    places: Callable[[AgentModule], Iterator[Place]]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A module with one breakage."""

    operator: Operator
    line: int
    scope: str
    """Where it is, as in `BillingAgent.__init__`."""
    what: str
    edits: Edits = field(repr=False)
