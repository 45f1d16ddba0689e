"""How small a difference this many scenarios can show."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from handoff_evals.stats.difference import IMAGINED, imagined_square
from handoff_evals.stats.intervals import tail


def smallest_difference(
    differences: Sequence[float], *, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """The smallest true difference that a paired test would find with this power.

    From the number of scenarios and how much they were seen to differ, in either
    direction: noise between two models is what a difference must stand out from. The
    imagined scenarios of `paired_difference` are added, so that "no scenario differed"
    doesn't mean "every difference would have been seen".

    Args:
        differences: Observed, one a scenario, in [-1, 1].
        power: The chance with which the test shall find it, in [0.5, 1).
        confidence: One minus the level of the two-sided test.

    Returns:
        A difference of shares in (0, 1], or None: with so few scenarios not even the
        largest would be found (fewer than six, for one trial each at 95%).

    Raises:
        ValueError: no scenarios, or a power outside [0.5, 1).

    Source: Connor (1987), Sample size for testing differences in proportions for the
    paired-sample design, Biometrics 43:207-211, with a continuity correction, and mean
    squares of differences in place of discordant pairs. Held against power in
    `benchmarks/power.py`: for 80%, 81% to 92% with one trial each, 73% to 91% with five.
    """
    if not differences:
        raise ValueError("no scenarios; give one difference a scenario")
    if not 0.5 <= power < 1:  # noqa: PLR2004 - below a half, chance finds more than the test
        raise ValueError(f"power is {power!r}; give a chance from 0.5 up to 1, as 0.8")
    seen = np.array(differences, dtype=np.float64)
    n = len(seen)
    size = sqrt(float(imagined_square(seen)))
    observed = (float((seen**2).sum()) + IMAGINED * size**2) / (n + IMAGINED)
    # The mean moves in steps of the smallest difference: half of one is lost on each side.
    step = float(np.abs(seen[seen != 0]).min()) if seen.any() else 1.0
    alarm, found = -float(ndtri(tail(confidence))), float(ndtri(power))

    def surplus(difference: float) -> float:
        # The noise stays and the difference is added; it needs scenarios that differ, though,
        # whatever was observed.
        square = min(1.0, max(observed + difference**2, size * difference))
        noise = alarm * sqrt(square) + found * sqrt(square - difference**2)
        return difference * sqrt(n) - step / sqrt(n) - noise

    return float(brentq(surplus, 0, 1)) if surplus(1.0) >= 0 else None
