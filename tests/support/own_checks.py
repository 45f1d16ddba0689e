"""A register of checks that a test may add to, and functions that judge a turn."""

from collections.abc import Iterator
from contextlib import contextmanager

from handoff_evals.checks import Score, scoring
from handoff_evals.transcript import Transcript, Turn


@contextmanager
def checks_restored() -> Iterator[None]:
    """Take out of the register what is added within."""
    before = dict(scoring._CHECKS)
    try:
        yield
    finally:
        scoring._CHECKS.clear()
        scoring._CHECKS.update(before)


def says_yes(turn: Turn, transcript: Transcript) -> bool:
    assert turn in transcript.turns
    return "Yes" in turn.said


def says_no(turn: Turn, _: Transcript) -> None:
    if "No" not in turn.said:
        raise AssertionError("the caller hears no no")


def is_long(turn: Turn, _: Transcript) -> Score:
    return Score(status="failed", reason=f"{len(turn.said.split())} word")


def raises(_: Turn, __: Transcript) -> None:
    raise ZeroDivisionError
