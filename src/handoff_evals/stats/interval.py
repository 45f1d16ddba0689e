"""An estimate with the range of values that the data can't rule out."""

from dataclasses import dataclass


def tail(confidence: float) -> float:
    """The probability that a two-sided interval leaves out at each end.

    Args:
        confidence: The share of intervals that shall cover the truth, in (0, 1).

    Raises:
        ValueError: `confidence` lies outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}; give a share between 0 and 1, as 0.95")
    return (1 - confidence) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A two-sided confidence interval: `low <= value <= high`.

    Attributes:
        value: What was observed; a share in [0, 1], or a difference of two in [-1, 1].
        low: The lower bound, in the unit of `value`.
        high: The upper bound, in the unit of `value`.
        confidence: The share of such intervals that shall cover the truth.
        method: How the bounds were computed, in words for a report.

    Raises:
        ValueError: the bounds don't enclose the value.
    """

    value: float
    low: float
    high: float
    confidence: float
    method: str

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"{self.low!r} <= {self.value!r} <= {self.high!r} doesn't hold; "
                "an interval encloses its value"
            )

    @property
    def width(self) -> float:
        """`high - low`, in the unit of `value`."""
        return self.high - self.low
