"""Could two models that hand over equally well have come out this differently?"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# All sign flips are enumerated up to 13 scenarios that differ (8192 of them). Beyond, a
# p-value of 0.05 drawn this often is off by 0.004 at most times.
_FLIPS: Final = 9_999


def mcnemar(b: int, c: int) -> float:
    """The exact two-sided p-value of McNemar's test.

    One pair a scenario. With several trials of a scenario, give their mean difference
    to `paired_permutation` instead.

    Args:
        b: Pairs that only the first model got right.
        c: Pairs that only the second model got right.

    Returns:
        1.0 where no pair differs.

    Raises:
        ValueError: a negative count.

    Source: McNemar (1947), Psychometrika 12:153-157, with the binomial in place of
    its approximation.
    """
    if b < 0 or c < 0:
        raise ValueError(f"{(b, c)!r} are no counts; give pairs, 0 or more of each")
    from scipy.stats import binomtest  # noqa: PLC0415 - costs half a second, and few need it

    return float(binomtest(b, b + c).pvalue) if b + c else 1.0


def paired_permutation(differences: Sequence[float], *, seed: int = 0) -> float:
    """The two-sided p-value of the mean difference, by flipping signs.

    If the models don't differ, each scenario's difference could as well have had the
    other sign. Exact for up to 13 scenarios that differ; beyond, 9,999 seeded draws
    with the observed one counted among them, so that it is never 0. With differences
    of -1, 0 and 1 it is McNemar's test.

    Args:
        differences: One a scenario, second model's share minus the first's.
        seed: Of the draws: the same seed gives the same p-value.

    Returns:
        1.0 where no scenario differs, or only one.

    Source: Fisher (1935), The design of experiments, section 21; Phipson and Smyth
    (2010) for counting the observed one; `scipy.stats.permutation_test`.
    """
    # A flipped zero is a zero: dropping it changes no p-value and spares flips.
    differing = np.array([value for value in differences if value], dtype=np.float64)
    if len(differing) <= 1:
        return 1.0

    from scipy.stats import permutation_test  # noqa: PLC0415 - as above

    def total(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        # Fifths don't add up exactly: unrounded, flips that tie with the observed don't.
        return np.asarray(np.round(values.sum(axis=axis), 9))

    result = permutation_test(
        (differing,),
        total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_FLIPS,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)
