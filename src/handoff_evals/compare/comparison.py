"""Two models on the same scenarios: better, worse, or can't tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from handoff_evals.compare.record import Record, ScenarioKey
from handoff_evals.stats import (
    Interval,
    holm,
    mcnemar,
    paired_difference,
    paired_permutation,
    smallest_difference,
)

Verdict = Literal["better", "worse", "can't tell"]
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A scenario on which the two do differently."""

    suite: str
    scenario: str
    a: tuple[str, ...]
    """Outcomes, turn by turn."""
    b: tuple[str, ...]
    difference: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How `b` does against `a`."""

    a: str
    b: str
    scenarios: int
    """Those on which both have decisions on path; only these are compared."""
    left_out: int
    """Scenarios on which only one of them was scored."""
    difference: Interval | None
    """The mean over scenarios of the share of correct decisions, `b` minus `a`."""
    p: float
    """Paired permutation test over scenarios, two-sided."""
    p_adjusted: float
    """Holm's, over all pairs that are compared."""
    p_mcnemar: float
    """Exact, on scenarios that only one of the two passes in most trials."""
    smallest: float | None
    """The smallest difference that these scenarios would show at 80% power; None where
    not even the largest would show."""
    disagreements: tuple[Disagreement, ...]

    @property
    def verdict(self) -> Verdict:
        """What can be said of `b`."""
        if self.difference is None or self.p_adjusted > LEVEL:
            return "can't tell"
        return "better" if self.difference.value > 0 else "worse"

    @property
    def sentence(self) -> str:
        """The verdict with what it rests on."""
        if self.difference is None:
            return f"{self.b} and {self.a} have no scenario in common"
        found = self.difference
        seen = (
            f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}], "
            f"p {self.p_adjusted:.3f} over {self.scenarios} scenarios"
        )
        if self.verdict == "can't tell":
            return f"can't tell {self.b} from {self.a}: {seen}. {self.power_line}"
        return f"{self.b} is {self.verdict} than {self.a}: {seen}"

    @property
    def power_line(self) -> str:
        """What these scenarios could have shown."""
        if self.smallest is None:
            return "So few scenarios could have shown no difference at all (80% power)."
        return f"A difference under {self.smallest:.2f} would mostly go unseen (80% power)."


def compare_all(records: Sequence[Record], *, confidence: float = 0.95) -> tuple[Comparison, ...]:
    """Compare every pair, and adjust the p-values for how many pairs there are."""
    pairs = [_compare(a, b, confidence) for a, b in combinations(records, 2)]
    adjusted = holm([pair.p for pair in pairs]) if pairs else ()
    return tuple(replace(pair, p_adjusted=p) for pair, p in zip(pairs, adjusted, strict=True))


def _compare(a: Record, b: Record, confidence: float) -> Comparison:
    keys = sorted({*a.decisions, *b.decisions})
    shares = [(key, a.share(key), b.share(key)) for key in keys]
    both = [(key, x, y) for key, x, y in shares if x is not None and y is not None]
    differences = [y - x for _, x, y in both]
    some = bool(both)
    p = paired_permutation(differences)
    return Comparison(
        a=a.name,
        b=b.name,
        scenarios=len(both),
        left_out=len(keys) - len(both),
        difference=paired_difference([x for _, x, _ in both], [y for _, _, y in both], confidence)
        if some
        else None,
        p=p,
        p_adjusted=p,
        p_mcnemar=_mcnemar(a, b),
        smallest=smallest_difference(differences) if some else None,
        disagreements=tuple(
            Disagreement(
                suite=key[0],
                scenario=key[1],
                a=a.outcomes[key],
                b=b.outcomes[key],
                difference=y - x,
            )
            for key, x, y in both
            if x != y
        ),
    )


def _mcnemar(a: Record, b: Record) -> float:
    only_a = only_b = 0
    for key in a.trials.keys() & b.trials.keys():
        passes_a, passes_b = _passes(a, key), _passes(b, key)
        only_a += passes_a and not passes_b
        only_b += passes_b and not passes_a
    return mcnemar(only_a, only_b)


def _passes(record: Record, key: ScenarioKey) -> bool:
    passed, total = record.trials[key]
    return 2 * passed > total
