"""What went wrong in many trials for one reason, told once."""

from collections.abc import Iterable
from dataclasses import dataclass

from handoff_evals.store import Failure

_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Failures of one model that have one reason; mostly it is one alone."""

    failures: tuple[Failure, ...]

    @property
    def first(self) -> Failure:
        """The first of them."""
        return self.failures[0]


def telling(found: Iterable[Failure]) -> list[Failure]:
    """Leave out what failed along with the decision of its turn: it follows from that."""
    listed = list(found)
    decided = {_place(each) for each in listed if each.name == "handoff"}
    return [each for each in listed if each.name == "handoff" or _place(each) not in decided]


def _place(each: Failure) -> tuple[str, str, str, int, int | None]:
    return each.model, each.suite, each.scenario, each.number, each.turn


def alike(found: Iterable[Failure]) -> list[Alike]:
    """Put the unscored trials of one model together that have the same reason.

    What an agent or a model did wrong stands by itself: each time the caller said something else.
    """
    groups: dict[object, list[Failure]] = {}
    for number, each in enumerate(found):
        same = (each.model, each.reason) if each.name == "unscored" else number
        groups.setdefault(same, []).append(each)
    return [Alike(failures=tuple(group)) for group in groups.values()]


def named(labels: Iterable[str]) -> str:
    """The first few different ones, and how many more there are."""
    different = list(dict.fromkeys(labels))
    more = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
    return f"{', '.join(different[:_NAMED])}{more}"
