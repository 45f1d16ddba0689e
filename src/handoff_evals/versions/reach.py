"""Which conversations a change can make any different, before a model is asked."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from handoff_evals.scenario import Scenario
from handoff_evals.versions.held import Place
from handoff_evals.versions.look import Rehearsal
from handoff_evals.versions.requests import happenings, requests


class Reach(StrEnum):
    """Whether a change reaches a scenario."""

    YES = "reached"
    """Held as expected, it meets something that changed."""
    MAYBE = "may be reached"
    """Held as expected it does not, but nobody says which agent is expected all the way."""
    NO = "out of reach"
    """It passes on one side if and only if it passes on the other.

    Up to the first change that it meets, every request is the same on both sides, and so is
    what comes of it. Held as expected it meets none; to meet one, it must have left the
    expected path before, which fails it on both sides.
    """


def reach(scenario: Scenario, a: Rehearsal, b: Rehearsal) -> Reach:
    """Hold the rehearsals of one scenario side by side."""
    one, other = a.transcript, b.transcript
    same = (
        a.looks == b.looks
        and a.session == b.session
        and requests(one) == requests(other)
        and happenings(one) == happenings(other)
    )
    if not same:
        return Reach.YES
    expected = a.passed and all(turn.expect.agent is not None for turn in scenario.turns)
    # An opening expects no agent: one that asks a model may go anywhere unnoticed.
    free = any(call.tools for call in one.turns[0].model_calls) if one.turns else True
    return Reach.NO if expected and not free else Reach.MAYBE


def shuffled(places: Sequence[Place], *, seed: int) -> tuple[Place, ...]:
    """An order by lot, the same for the same seed, so that the first few speak for all."""
    return tuple(
        sorted(places, key=lambda each: _lot(f"{seed}\x1f{each.suite}\x1f{each.scenario}"))
    )


def _lot(words: str) -> bytes:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()
