"""False alarms between two runs of the same agents with a simulated caller, by simulation.

    python -m benchmarks.caller_pairs [--repeats N]

Both models are random, each from a seed. Both sides have the same agents; the
caller's seed of a pair is the same on both, or, for comparison, one of its own on each.
"""

import argparse
import asyncio
from collections import Counter
from random import Random
from typing import Any

from handoff_evals import Limits, ScriptedLLM, tool_call
from handoff_evals.checks import overall, score
from handoff_evals.drivers import TextDriver
from handoff_evals.livekit import AgentEntry, Request
from handoff_evals.scenarios import ConversationExpectation, ExpectedPath, Scenario, Suite
from handoff_evals.stats import Terms, TrialPairs, assess
from tests.support.star import patient_call

SCENARIOS = tuple(
    Scenario(
        label=f"Matter {number}",
        turns=(),
        instructions="You want b.",
        conversation=ConversationExpectation(
            path=ExpectedPath.parse("star[node=a] -> star[node=b]")
        ),
    )
    for number in range(8)
)
WATCH = Suite(name="pairs", agent="", scenarios=SCENARIOS).watch


def caller(seed: int) -> ScriptedLLM:
    """Says clearly or vaguely what it wants, for some turns."""
    lot = Random(seed)
    turns = lot.randrange(1, 4)
    clear = lot.random()

    def say(request: Request) -> Any:
        said = sum(each.role == "assistant" for each in request.chat_ctx.messages())
        if said == turns:
            return tool_call("end_call", reason="done")
        wanted = "b" if lot.random() < clear else "somebody"
        return f"{'Well, so' if said else 'Hello'}, I want {wanted}, for the matter of turn {said}."

    return ScriptedLLM(say)


def agents(seed: int) -> ScriptedLLM:
    """Hands a clear caller over mostly, and a vague one rarely."""
    lot = Random(seed)

    def answer(request: Request) -> Any:
        last = request.last_item
        if last is None or last.type != "message" or last.role != "user":
            return "Yes."
        chance = 0.7 if "want b" in request.last_user_text else 0.2
        offered = "to_b" in request.tool_names
        return tool_call("to_b") if offered and lot.random() < chance else "I see."

    return ScriptedLLM(answer)


async def passed(scenario: Scenario, *, agents_seed: int, caller_seed: int) -> bool | None:
    """Run one conversation; None where it is unscored."""
    driver = TextDriver(
        entry=AgentEntry.of(patient_call),
        model=lambda _scenario, seed: agents(seed),
        watch=WATCH,
        limits=Limits(),
        caller=lambda _scenario, _seed: caller(caller_seed),
    )
    status = overall(score(scenario, await driver.run(scenario, seed=agents_seed)))
    return None if status == "unscored" else status == "passed"


async def repeat(number: int, *, fixed: bool) -> tuple[str, float]:
    """One comparison of a run with itself: the verdict, and the share of pairs that differ."""
    lot = Random(number)
    pairs, differ, total = [], 0, 0
    for scenario in SCENARIOS:
        sides: tuple[list[bool | None], list[bool | None]] = ([], [])
        for _ in range(2):
            same = lot.getrandbits(30)
            for side in sides:
                seed = same if fixed else lot.getrandbits(30)
                side.append(
                    await passed(scenario, agents_seed=lot.getrandbits(30), caller_seed=seed)
                )
        pairs.append(TrialPairs(a=tuple(sides[0]), b=tuple(sides[1])))
        differ += sum(a != b for a, b in zip(*sides, strict=True))
        total += 2
    return assess(pairs, Terms()).verdict, differ / total


def main() -> None:
    """Print the verdicts of all repeats, with the caller fixed, and with one on each side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    given = parser.parse_args()
    for fixed in (True, False):
        found = [asyncio.run(repeat(number, fixed=fixed)) for number in range(given.repeats)]
        verdicts = Counter(verdict for verdict, _ in found)
        differ = sum(share for _, share in found) / len(found)
        alarms = verdicts["regressed"] + verdicts["improved"]
        print(
            f"caller {'fixed in pairs' if fixed else 'of its own on each side'}: "
            f"{alarms}/{given.repeats} false alarms, {differ:.3f} of the pairs differ; "
            f"{dict(verdicts)}"
        )


if __name__ == "__main__":
    main()
