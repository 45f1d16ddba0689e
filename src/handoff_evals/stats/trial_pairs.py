"""One scenario's trials on two sides, side by side, with what is missing counted as missing.

A trial passed (True), failed (False), or is unscored (None). What is unscored is never left
out: whatever is said of the candidate has to be true however its missing trials would have
come out. "It got worse" is said only if that holds with the candidate's missing trials
passed and the baseline's failed; everything else only if it holds the other way round. So
losing a candidate's passed trial never makes a verdict better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

Outcome = bool | None
Way = Literal["worse", "better", "same", "unscored"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPairs:
    """The trials of one scenario; those at the same place are a pair.

    Attributes:
        a: The baseline's outcomes, at least one.
        b: The candidate's, as many.

    Raises:
        ValueError: no trial, or not as many on both sides.
    """

    a: tuple[Outcome, ...]
    b: tuple[Outcome, ...]

    def __post_init__(self) -> None:
        if not self.a or len(self.a) != len(self.b):
            raise ValueError(
                f"{len(self.a)!r} and {len(self.b)!r} trials make no pairs; give as many of each "
                "side, at least one"
            )

    @classmethod
    def by_number(cls, a: Mapping[int, Outcome], b: Mapping[int, Outcome]) -> "TrialPairs | None":
        """Pair trials by their numbers; a number that only one side has is left out.

        Where the numbers of trials differ, more trials of one side would make it look
        steadier than the other: ten against one raises false alarms of 10% to 31% in a
        test of signs.

        Returns:
            None where no number is on both sides.
        """
        both = sorted(a.keys() & b.keys())
        if not both:
            return None
        return cls(a=tuple(a[number] for number in both), b=tuple(b[number] for number in both))

    @property
    def trials(self) -> int:
        """Pairs of trials."""
        return len(self.a)

    @property
    def unscored(self) -> int:
        """Pairs of which one trial or both are unscored."""
        return sum(one is None or other is None for one, other in zip(self.a, self.b, strict=True))

    @property
    def difference(self) -> float | None:
        """The candidate's share of passes minus the baseline's, of the scored trials.

        None where a side has none.
        """
        a = [each for each in self.a if each is not None]
        b = [each for each in self.b if each is not None]
        return fmean(b) - fmean(a) if a and b else None

    @property
    def way(self) -> Way:
        """Which side passed more often."""
        difference = self.difference
        if difference is None:
            return "unscored"
        return "worse" if difference < 0 else "better" if difference > 0 else "same"

    @property
    def at_worst(self) -> float:
        """The difference if the missing trials had come out against the candidate."""
        return fmean(each is True for each in self.b) - fmean(each is not False for each in self.a)

    @property
    def at_best(self) -> float:
        """The difference if the missing trials had come out in the candidate's favour."""
        return fmean(each is not False for each in self.b) - fmean(each is True for each in self.a)

    @property
    def in_favour(self) -> tuple[int, int]:
        """Passes of a and b as a test for losses counts them, for the candidate.

        A pair without any score says nothing of a loss: both count as failed.
        """
        a = sum(each is True for each in self.a)
        pairs = zip(self.a, self.b, strict=True)
        b = sum(other is True or (other is None and one is not None) for one, other in pairs)
        return a, b

    @property
    def against(self) -> tuple[int, int]:
        """Passes of a and b as a test for gains counts them, against the candidate."""
        return sum(each is not False for each in self.a), sum(each is True for each in self.b)

    @property
    def one_in_favour(self) -> tuple[int, int]:
        """As `in_favour`, with identical trials counted once.

        A baseline that failed once did not pass, and a candidate that passed once did not
        fail; with trials that are identical it is the same for all of them.
        """
        a = [each for each in self.a if each is not None]
        b = [each for each in self.b if each is not None]
        if not a and not b:
            return 0, 0
        return int(bool(a) and all(a)), int(not b or any(b))

    @property
    def one_against(self) -> tuple[int, int]:
        """As `against`, with identical trials counted once."""
        a = [each for each in self.a if each is not None]
        b = [each for each in self.b if each is not None]
        return int(not a or any(a)), int(bool(b) and all(b))

    @property
    def broken(self) -> bool:
        """Whether every trial of the baseline passed and none of the candidate's did.

        For certain: an unscored trial of either side makes it False.
        """
        return all(each is True for each in self.a) and all(each is False for each in self.b)
