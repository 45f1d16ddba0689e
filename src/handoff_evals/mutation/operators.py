"""The ways that people break agents."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from handoff_evals.agent_source import AgentModule
from handoff_evals.errors import UsageError
from handoff_evals.mutation.agent_operators import (
    ENTERING_OPERATORS,
    OVERRIDE_OPERATORS,
    PROMPT_OPERATORS,
)
from handoff_evals.mutation.handoff_operators import RETURN_OPERATORS, TOOL_OPERATORS
from handoff_evals.mutation.mutant import Mutant, Operator, changes_nothing
from handoff_evals.mutation.state_operators import CONTEXT_OPERATORS, USERDATA_OPERATORS

OPERATORS: tuple[Operator, ...] = (
    *TOOL_OPERATORS,
    *RETURN_OPERATORS,
    *CONTEXT_OPERATORS,
    *ENTERING_OPERATORS,
    *USERDATA_OPERATORS,
    *PROMPT_OPERATORS,
    *OVERRIDE_OPERATORS,
)


def find(module: AgentModule, operators: Sequence[Operator] = OPERATORS) -> tuple[Mutant, ...]:
    """Find every mutant, by operator and then by line; the same ones in every process."""
    return tuple(mutant for operator in operators for mutant in _mutants(module, operator))


def chosen_operators(names: Sequence[str]) -> tuple[Operator, ...]:
    """Look operators up by name; all of them when none is named.

    Raises:
        UsageError: when there is no such operator.
    """
    by_name = {operator.name: operator for operator in OPERATORS}
    for name in names:
        if name not in by_name:
            close = get_close_matches(name, by_name, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(f"no operator {name!r}: {hint}there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in dict.fromkeys(names)) or OPERATORS


def _mutants(module: AgentModule, operator: Operator) -> Iterator[Mutant]:
    places = [each for each in operator.places(module) if not changes_nothing(each.edits)]
    for place in sorted(places, key=lambda each: getattr(each.node, "lineno", 0)):
        yield Mutant(
            operator=operator,
            line=getattr(place.node, "lineno", 0),
            scope=module.scope(place.node),
            what=place.what,
            edits=place.edits,
        )
