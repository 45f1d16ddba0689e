"""What repeated trials of one scenario say about k trials of it.

Unbiased, unlike the k-th power of the share: both average over all ways to choose k of
the n trials that were run.
"""

from math import comb


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of k trials passes.

    Args:
        n: Trials that were scored.
        c: Trials that passed.
        k: Trials to choose, 1 to n.

    Raises:
        ValueError: more passes or choices than trials.

    Source: Chen et al. (2021), Evaluating large language models trained on code,
    equation 1.
    """
    _check(n, c, k)
    return 1 - comb(n - c, k) / comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float:
    """The chance that all of k trials pass: what a caller who calls k times feels.

    Args:
        n: Trials that were scored.
        c: Trials that passed.
        k: Trials to choose, 1 to n.

    Raises:
        ValueError: more passes or choices than trials.

    Source: Yao et al. (2024), tau-bench, section 3, where it is written pass^k.
    """
    _check(n, c, k)
    return comb(c, k) / comb(n, k)


def _check(n: int, c: int, k: int) -> None:
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(
            f"n={n!r}, c={c!r}, k={k!r}: give 0 <= c <= n and 1 <= k <= n "
            "(a scenario with fewer than k scored trials has no such estimate)"
        )
