"""A register of checks that a test may add to."""

from collections.abc import Iterator
from contextlib import contextmanager

from handoff_evals.checks import scoring


@contextmanager
def checks_restored() -> Iterator[None]:
    """Take out of the register what is added within."""
    before = dict(scoring._CHECKS)
    try:
        yield
    finally:
        scoring._CHECKS.clear()
        scoring._CHECKS.update(before)
