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
    **dict.fromkeys(RIGHT, {"correct"}),
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


def _changed(
    random: Random, truth: str, steps: list[list[str]], way: list[str], due: list[int]
) -> bool:
    """Change what happens, in place, so that the truth is so; whether there was room for it."""
    number = random.randrange(len(due))
    at, before, hop = due[number], way[number], way[number + 1]
    following = due[number + 1] if number + 1 < len(due) else len(steps)
    previous = due[number - 1] if number else 0
    other = random.choice([each for each in AGENTS if each not in way] or [""])
    match truth:
        case "late":
            if at + 1 >= len(steps):
                return False
            # Where the next one is due then, both come in one turn.
            steps[at].clear()
            steps[at + 1].insert(0, hop)
        case "together":
            if number + 1 >= len(due):
                return False
            steps[following].clear()
            steps[at].append(way[number + 2])
        case "early":
            if at - previous < 2:
                return False
            steps[at].clear()
            steps[random.randint(previous + 1, at - 1)].append(hop)
        case "bounced":
            steps[at] = [hop, random.choice([each for each in (before, other) if each]), hop]
        case "spurious":
            if not other or following - at < 3:
                return False
            steps[at + 1], steps[at + 2] = [other], [hop]
        case "wrong first":
            if not other:
                return False
            if random.random() < 0.5 or following - at < 2:
                steps[at] = [other, hop]
            else:
                steps[at], steps[at + 1] = [other], [hop]
        case "missing":
            for later in range(at, len(steps)):
                steps[later].clear()
        case "left out":
            if number + 1 >= len(due) or way[number + 2] == before or hop in way[number + 2 :]:
                return False
            steps[at].clear()
        case "too far":
            if not other:
                return False
            steps[-1].append(other)
    return True
