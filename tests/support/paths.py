"""Conversations of many agents with known truth: what each came to, said by who made it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from handoff_evals.scenarios import (
    ConversationExpectation,
    ExpectedPath,
    Hop,
    Scenario,
    Target,
)
from handoff_evals.transcript import Transcript
from tests.support.conversations import expects, scenario, transcript, turn

AGENTS = ("triage", "billing", "cancel", "retention", "survey", "desk[topic=claims]")
RIGHT = ("right", "late", "together")
"""What should pass: on time, late, or two hops in one turn."""
WRONG = ("early", "bounced", "spurious", "wrong first", "missing", "left out", "too far")
OUTCOMES = {
    **{truth: {"correct"} for truth in RIGHT},
    "early": {"premature"},
    "bounced": {"bounced"},
    "spurious": {"spurious", "premature"},
    "wrong first": {"bounced", "spurious", "premature"},
    "missing": {"missed"},
    "left out": {"missed"},
    "too far": {"spurious"},
}
"""By truth: what the first decision that is not correct may be called."""


def whole(*turns: str | None, expect: ConversationExpectation) -> Scenario:
    """A scenario that expects something of the whole conversation, and perhaps of its turns."""
    return replace(scenario(*map(expects, turns)), conversation=expect)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A conversation, what was expected of it, and what is true of it."""

    truth: str
    due: Scenario
    """Its path, with the turn in which each hop is due."""
    path: Scenario
    """Its path alone."""
    final: Scenario
    """Only where it should end."""
    by_turns: Scenario
    """The same in the way of older files: each turn names its agent."""
    transcript: Transcript


def family(seed: int, each: int) -> Iterator[Told]:
    """So many conversations of every kind."""
    random = Random(seed)
    for truth in (*RIGHT, *WRONG):
        made = 0
        while made < each:
            told = _made(random, truth)
            if told is not None:
                made += 1
                yield told


def _made(random: Random, truth: str) -> Told | None:
    """One conversation; None where what was drawn has no room for it."""
    way = [random.choice(AGENTS)]
    for _ in range(random.randint(1, 4)):
        way.append(random.choice([each for each in AGENTS if each != way[-1]]))
    hops = way[1:]
    turns = len(hops) + random.randint(0, 4)
    due = sorted(random.sample(range(1, turns + 1), len(hops)))
    steps: list[list[str]] = [[] for _ in range(turns + 1)]
    for at, hop in zip(due, hops, strict=True):
        steps[at].append(hop)
    if not _changed(random, truth, steps, way, due):
        return None
    active, happened = way[0], []
    for through in steps[1:]:
        happened.append(turn(active, *through))
        active = through[-1] if through else active
    holders = [way[sum(at <= number for at in due)] for number in range(1, turns + 1)]
    quiet = [None] * turns
    return Told(
        truth=truth,
        due=whole(*quiet, expect=ConversationExpectation(path=_path(hops, due))),
        path=whole(*quiet, expect=ConversationExpectation(path=_path(hops, None))),
        final=whole(*quiet, expect=ConversationExpectation(final=Target.parse(hops[-1]))),
        by_turns=scenario(*map(expects, holders)),
        transcript=transcript(way[0], *happened),
    )


def _path(hops: list[str], due: list[int] | None) -> ExpectedPath:
    return ExpectedPath(
        hops=tuple(
            Hop(to=(Target.parse(hop),), turn=None if due is None else due[number])
            for number, hop in enumerate(hops)
        )
    )


@dataclass(frozen=True, kw_only=True)
class _Room:
    """One hop of a conversation that is about to be changed, and what lies around it."""

    random: Random
    steps: list[list[str]]
    """Who takes the call in each turn, in order; changed in place."""
    at: int
    """The turn of the hop."""
    before: str
    hop: str
    previous: int
    """The turn of the hop before it."""
    next_at: int
    next_hop: str
    """Empty after the last hop."""
    later: list[str]
    other: str
    """An agent that is not on the way; empty where all are."""


def _late(room: _Room) -> bool:
    if room.at + 1 >= len(room.steps):
        return False
    # Where the next one is due then, both come in one turn.
    room.steps[room.at].clear()
    room.steps[room.at + 1].insert(0, room.hop)
    return True


def _together(room: _Room) -> bool:
    if not room.next_hop:
        return False
    room.steps[room.next_at].clear()
    room.steps[room.at].append(room.next_hop)
    return True


def _early(room: _Room) -> bool:
    if room.at - room.previous < 2:
        return False
    room.steps[room.at].clear()
    room.steps[room.random.randint(room.previous + 1, room.at - 1)].append(room.hop)
    return True


def _bounced(room: _Room) -> bool:
    # By way of who is expected next it would be two hops in one turn, and one back.
    ways = [each for each in (room.before, room.other) if each not in {"", room.next_hop}]
    if not ways:
        return False
    room.steps[room.at] = [room.hop, room.random.choice(ways), room.hop]
    return True


def _spurious(room: _Room) -> bool:
    if not room.other or room.next_at - room.at < 3:
        return False
    room.steps[room.at + 1], room.steps[room.at + 2] = [room.other], [room.hop]
    return True


def _wrong_first(room: _Room) -> bool:
    if not room.other:
        return False
    if room.random.random() < 0.5 or room.next_at - room.at < 2:
        room.steps[room.at] = [room.other, room.hop]
    else:
        room.steps[room.at], room.steps[room.at + 1] = [room.other], [room.hop]
    return True


def _missing(room: _Room) -> bool:
    for through in room.steps[room.at :]:
        through.clear()
    return True


def _left_out(room: _Room) -> bool:
    if not room.next_hop or room.next_hop == room.before or room.hop in room.later:
        return False
    room.steps[room.at].clear()
    return True


def _too_far(room: _Room) -> bool:
    if not room.other:
        return False
    room.steps[-1].append(room.other)
    return True


_CHANGES = {
    "right": lambda _: True,
    "late": _late,
    "together": _together,
    "early": _early,
    "bounced": _bounced,
    "spurious": _spurious,
    "wrong first": _wrong_first,
    "missing": _missing,
    "left out": _left_out,
    "too far": _too_far,
}


def _changed(
    random: Random, truth: str, steps: list[list[str]], way: list[str], due: list[int]
) -> bool:
    """Change what happens, in place, so that the truth is so; whether there was room for it."""
    number = random.randrange(len(due))
    is_last = number + 1 == len(due)
    room = _Room(
        random=random,
        steps=steps,
        at=due[number],
        before=way[number],
        hop=way[number + 1],
        previous=due[number - 1] if number else 0,
        next_at=len(steps) if is_last else due[number + 1],
        next_hop="" if is_last else way[number + 2],
        later=way[number + 2 :],
        other=random.choice([each for each in AGENTS if each not in way] or [""]),
    )
    return _CHANGES[truth](room)
