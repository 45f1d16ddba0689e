"""What the spoken driver costs over the one in text.

`python benchmarks/spoken.py` runs the suites of the four agents by both drivers, in turns and in
one process, and prints the CPU time of a conversation and the ratio: with the oracle, which looks
for its tools in the agents' source, and with `never`, which only answers.
"""

import asyncio
import logging
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from handoff_evals.drivers import Limits, drivers  # noqa: E402 - the agents are found by it
from handoff_evals.livekit import AgentEntry  # noqa: E402
from handoff_evals.models import Model, resolve  # noqa: E402
from handoff_evals.runs import load_suite  # noqa: E402
from handoff_evals.scenarios import Suite  # noqa: E402

MODELS = ("oracle", "never")
SUITES = ("agent_transfer", "customer_service", "intake", "triage")
ROUNDS = 5


@dataclass(kw_only=True)
class Cost:
    """What the conversations of one suite took by one driver, a round each."""

    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)


async def run(suite: Suite, model: Model, name: str, cost: Cost) -> None:
    """Run each conversation once."""
    driver = drivers()[name](
        entry=AgentEntry.load(suite.agent, folder=ROOT),
        model=model.build,
        watch=suite.watch,
        limits=Limits(),
    )
    cpu, wall = time.process_time(), time.perf_counter()
    for scenario in suite.scenarios:
        transcript = await driver.run(scenario, seed=0)
        if transcript.faults:
            raise RuntimeError(f"{suite.name} / {scenario.label}: {transcript.faults}")
    cost.cpu_s.append((time.process_time() - cpu) / len(suite.scenarios))
    cost.wall_s.append((time.perf_counter() - wall) / len(suite.scenarios))


async def measure(suite: Suite, model: Model) -> Mapping[str, Cost]:
    """Both drivers in turns: what the machine does besides, it does to both."""
    costs = {name: Cost() for name in ("text", "spoken")}
    for number in range(ROUNDS + 1):
        for name, cost in costs.items():
            # The first round imports and warms up.
            await run(suite, model, name, cost if number else Cost())
    return costs


def main() -> None:
    """Print the table."""
    logging.disable(logging.WARNING)
    table = Table("suite", "model", "text", "spoken", "ratio", "wall, spoken", box=box.SIMPLE_HEAD)
    ratios: dict[str, list[float]] = {name: [] for name in MODELS}
    for name in SUITES:
        suite = load_suite(ROOT / "evals" / name / "scenarios.yaml")
        for model in resolve(MODELS, folder=ROOT):
            costs = asyncio.run(measure(suite, model))
            text, spoken = (statistics.median(costs[each].cpu_s) for each in ("text", "spoken"))
            pairs = zip(costs["spoken"].cpu_s, costs["text"].cpu_s, strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            ratios[model.label].append(ratio)
            wall = statistics.median(costs["spoken"].wall_s)
            table.add_row(
                f"{name} ({len(suite.scenarios)})",
                model.label,
                f"{1000 * text:.1f} ms",
                f"{1000 * spoken:.1f} ms",
                f"{ratio:.2f}",
                f"{1000 * wall:.1f} ms",
            )
    console = Console()
    console.print("CPU of a conversation, the median of", ROUNDS, "rounds")
    console.print(table)
    for label, found in ratios.items():
        console.print(f"spoken over text, {label}: {statistics.median(found):.2f}")


if __name__ == "__main__":
    main()
