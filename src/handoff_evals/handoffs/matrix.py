"""Which agent was expected and which one was active: counts, precision and recall."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handoff_evals.handoffs.decision import Decision


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well one agent was reached; None where there is nothing to divide by."""

    precision: float | None
    """Of the decisions that ended on this agent, the share that should have."""
    recall: float | None
    """Of the decisions that should have ended on it, the share that did."""


def confusion(found: Iterable[Decision]) -> Mapping[str, Mapping[str, int]]:
    """Count `{expected: {actual: n}}` over the decisions on path."""
    counted: dict[str, Counter[str]] = {}
    for decision in found:
        if decision.on_path:
            counted.setdefault(decision.expected, Counter())[decision.actual] += 1
    return {expected: dict(row) for expected, row in sorted(counted.items())}


def per_agent(matrix: Mapping[str, Mapping[str, int]]) -> Mapping[str, Quality]:
    """Precision and recall of every agent that was expected or active."""
    agents = sorted({*matrix, *(actual for row in matrix.values() for actual in row)})
    return {agent: _quality(agent, matrix) for agent in agents}


def _quality(agent: str, matrix: Mapping[str, Mapping[str, int]]) -> Quality:
    hits = matrix.get(agent, {}).get(agent, 0)
    expected = sum(matrix.get(agent, {}).values())
    actual = sum(row.get(agent, 0) for row in matrix.values())
    return Quality(
        precision=hits / actual if actual else None,
        recall=hits / expected if expected else None,
    )
