"""How often `diff` raises a false alarm, how often it finds a regression, and what it spends.

`python benchmarks/sequential.py` takes a few minutes on one core, `--quick` a fifth of it.

Each comparison is of 200 scenarios, looked at after every pair by the code that `diff`
looks with. The conversations are those of the test server: it errs at fixed rates, drawn
anew for each conversation. Drawing them is all that it does, so most comparisons ask it
for its lots directly; some go all the way over HTTP, through livekit and the scorers, and
must come out the same, pair by pair.
"""

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from statistics import median
from typing import Final

from handoff_evals.checks import decisions
from handoff_evals.diff.diff_run import Pairing
from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.livekit import AgentEntry
from handoff_evals.models.remote import Shared, openai_compatible
from handoff_evals.results import PairKey, TrialKey, TrialResult
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Target, Watch
from handoff_evals.stats import VERDICTS, Terms, TrialPairs, Verdict, Way, assess
from tests.support.openai_server import OpenAIServer, Rates, serve
from tests.support.star import star_call

PAIRS: Final = 200
TERMS: Final = Terms()


@dataclass(frozen=True, kw_only=True)
class Truth:
    """How often each side misses a handoff."""

    a: float
    b: float

    @property
    def worse(self) -> float:
        """The share of pairs that only a passes."""
        return (1 - self.a) * self.b

    @property
    def better(self) -> float:
        """The share of pairs that only b passes."""
        return self.a * (1 - self.b)


# Two independent sides differ in 20% and 5% of the pairs, and in 12% and 2%.
TRUTHS: Final = (
    Truth(a=0.0, b=0.0),
    Truth(a=0.05, b=0.05),
    Truth(a=0.15, b=0.15),
    Truth(a=0.5, b=0.5),
    Truth(a=0.0636, b=0.2136),
    Truth(a=0.0228, b=0.1228),
    Truth(a=0.2136, b=0.0636),
)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How one comparison ended."""

    verdict: Verdict
    pairs: Counter[Way]
    fixed: bool
    """Whether looking once, at the end of all pairs, finds a regression."""


PAIR_OF: Final = {(a, b): TrialPairs(a=(a,), b=(b,)) for a in (False, True) for b in (False, True)}


@cache
def looked(worse: int, better: int, same: int) -> Verdict:
    """What `diff` says after these, remembered: many comparisons pass through the same counts."""
    seen = (
        [PAIR_OF[True, False]] * worse
        + [PAIR_OF[False, True]] * better
        + [PAIR_OF[True, True]] * same
    )
    return assess(seen, TERMS, planned=PAIRS).verdict


def outcomes(server: OpenAIServer, number: int) -> list[bool]:
    """Whether the first conversations pass, by the server's own lots."""
    return [server._decide(each, 1, "a", "b").outcome == "correct" for each in range(number)]


def servers(truth: Truth, number: int) -> tuple[OpenAIServer, OpenAIServer]:
    """The models of both sides in one comparison."""
    return (
        OpenAIServer(rates=Rates(missed=truth.a), seed=2 * number),
        OpenAIServer(rates=Rates(missed=truth.b), seed=2 * number + 1),
    )


def compared(truth: Truth, number: int) -> Ending:
    """One comparison."""
    a, b = (outcomes(server, PAIRS) for server in servers(truth, number))
    every = [PAIR_OF[pair] for pair in zip(a, b, strict=True)]
    seen: Counter[Way] = Counter()
    verdict: Verdict = "can't tell"
    for pair in every:
        seen[pair.way] += 1
        verdict = looked(seen["worse"], seen["better"], seen["same"])
        if verdict != "can't tell":
            break
    fixed = assess(every, replace(TERMS, fixed=True), planned=PAIRS).verdict
    return Ending(verdict=verdict, pairs=seen, fixed=fixed == "regressed")


def table(times: int) -> None:
    """What became of so many comparisons of each truth."""
    print(f"{times} comparisons of {PAIRS} pairs each, alpha {TERMS.alpha}, margin {TERMS.margin}")
    print(
        f"{'pairs that differ':24s} {'regressed':>9s} {'improved':>9s} "
        f"{'no larger':>9s} {'open':>6s} {'pairs':>6s} {'of fixed':>8s} {'fixed finds':>11s}"
    )
    for truth in TRUTHS:
        endings = [compared(truth, number) for number in range(times)]
        verdicts = Counter(each.verdict for each in endings)
        spent = median(each.pairs.total() for each in endings)
        regressed, can_not_tell, no_larger, improved = (verdicts[each] / times for each in VERDICTS)
        fixed = sum(each.fixed for each in endings) / times
        name = f"worse {truth.worse:.1%}, better {truth.better:.1%}"
        print(
            f"{name:24s} {regressed:9.3f} {improved:9.3f} {no_larger:9.3f} "
            f"{can_not_tell:6.3f} {spent:6.0f} {spent / PAIRS:8.0%} {fixed:11.3f}"
        )


@dataclass(frozen=True, kw_only=True)
class OverHttp:
    """A side whose conversations are held with the server."""

    name: str
    model: Shared

    async def trial(self, place: PairKey) -> TrialResult:
        """Hold one; the caller wants to be put through to b."""
        turn = ScriptedTurn(
            user=f"c={place.scenario} t=1 want=b",
            expect=Expectation(agent=Target(id="star", where={"node": "b"})),
        )
        scenario = Scenario(label=place.scenario, turns=(turn,))
        driver = TextDriver(
            entry=AgentEntry.of(star_call),
            model=lambda _scenario, _seed: self.model.borrow(),
            watch=Watch(attributes=frozenset({"node"})),
            limits=Limits(),
        )
        transcript = await driver.run(scenario, seed=0)
        [decision] = decisions(scenario, transcript)
        passed = decision.outcome == "correct"
        return TrialResult(
            key=TrialKey(suite="s", scenario=place.scenario, model="m", number=place.number),
            status="passed" if passed else "failed",
            decisions=(decision,),
        )


def client(server: OpenAIServer) -> Shared:
    """What all conversations with a server share."""
    return Shared(lambda: openai_compatible(server.url, "erring"))


async def over_http(times: int) -> None:
    """Whole comparisons over HTTP, held against those that were drawn."""
    same = total = conversations = 0
    truth = TRUTHS[4]
    for number in range(times):
        first, second = servers(truth, number)
        async with serve(first), serve(second):
            pairing = Pairing(
                a=OverHttp(name="a", model=client(first)),
                b=OverHttp(name="b", model=client(second)),
                trials=1,
                terms=TERMS,
                at_once=8,
            )
            order = [PairKey(suite="star", scenario=str(each)) for each in range(PAIRS)]
            await pairing.run(order)
        drawn = compared(truth, number)
        conversations += 2 * len(pairing.seen)
        same += pairing.ways == drawn.pairs
        total += 1
    print(
        f"\n{total} of them over HTTP, {conversations} conversations: {same} end with the same "
        "pairs as drawn"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer comparisons")
    quick = parser.parse_args().quick
    started = time.perf_counter()
    table(80 if quick else 400)
    asyncio.run(over_http(2 if quick else 5))
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
