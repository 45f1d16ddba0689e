"""Many conversations at once: wall time over the latency bound, memory, CPU over bare livekit.

A server on loopback, in a process of its own, answers every request after a fixed
time. The bound is what the requests alone would take at that concurrency; bare
livekit holds the same conversations by `AgentSession.run`, with nothing noted.

    python benchmarks/scale.py --trials 2000 --concurrency 64 --latency 0.2
"""

import argparse
import asyncio
import multiprocessing as mp
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from handoff_evals.livekit.call import Limits
from handoff_evals.livekit.driver import InProcessDriver
from handoff_evals.livekit.entry import AgentEntry
from handoff_evals.livekit.remote import openai_compatible
from handoff_evals.runner import Pace, Runner, plan
from handoff_evals.scenario import Suite
from handoff_evals.store import Manifest, RunFolder
from tests.support.openai_server import OpenAIServer, serve
from tests.support.star import star_call, star_suite


def serve_until_told(pipe: Connection, latency_s: float) -> None:
    """Run the server in this process; the other end gets its URL, then the request count."""

    async def run() -> None:
        async with serve(OpenAIServer(latency_s=latency_s)) as server:
            pipe.send(server.url)
            await asyncio.to_thread(pipe.recv)
            pipe.send(server.requests)

    asyncio.run(run())


async def harness(url: str, suite: Suite, concurrency: int) -> int:
    """Hold the suite as `handoff-evals run` does, trials written to disk."""
    driver = InProcessDriver(
        entry=AgentEntry.of(star_call),
        model=lambda _scenario, seed: openai_compatible(url, "steady", seed=seed),
        watch=suite.watch,
        limits=Limits(),
    )
    manifest = Manifest(created_at="", command=(), suites=(), models=("steady",), trials=1, seed=0)
    with tempfile.TemporaryDirectory() as parent:
        folder = RunFolder.create(Path(parent), manifest, name="run")
        runner = Runner(
            drivers={(suite.name, "steady"): driver},
            pace=Pace(total=concurrency, per_model={"steady": concurrency}),
            done=folder.append,
        )
        await runner.run(plan([suite], ["steady"], trials=1, seed=0))
        return sum(trial.status == "passed" for trial in folder.trials())


async def bare(url: str, suite: Suite, concurrency: int) -> int:
    """Hold the same conversations with nothing but livekit."""
    gate = asyncio.Semaphore(concurrency)

    async def hold(scenario: Any) -> None:
        async with gate:
            model = openai_compatible(url, "steady", seed=0)
            agent, session = star_call(model)
            await session.start(agent, capture_run=True)
            for turn in scenario.turns:
                await session.run(user_input=turn.user)
            await session.aclose()
            await model.aclose()

    await asyncio.gather(*(hold(scenario) for scenario in suite.scenarios))
    return len(suite.scenarios)


def measured(kind: str, conversations: int, concurrency: int, latency_s: float) -> dict[str, float]:
    """Run one kind in a fresh process of its own and measure it there."""
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(
        target=_measure, args=(theirs, kind, conversations, concurrency, latency_s)
    )
    worker.start()
    found: dict[str, float] = ours.recv()
    worker.join()
    return found


def _measure(
    pipe: Connection, kind: str, conversations: int, concurrency: int, latency_s: float
) -> None:
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve_until_told, args=(theirs, latency_s))
    server.start()
    url = ours.recv()
    hold = harness if kind == "harness" else bare
    asyncio.run(hold(url, star_suite(scenarios=2, turns=2, seed=9), 2))  # imports, first session
    suite = star_suite(scenarios=conversations, turns=2, seed=1)
    began, cpu = time.perf_counter(), time.process_time()
    passed = asyncio.run(hold(url, suite, concurrency))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    ours.send("stop")
    requests = ours.recv()
    server.join()
    pipe.send(
        {
            "passed": passed,
            "wall_s": wall,
            "bound_s": requests * latency_s / concurrency,
            "cpu_ms": 1000 * cpu / conversations,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2)
    asked = parser.parse_args()
    table = Table(title=f"concurrency {asked.concurrency}, {asked.latency * 1000:g} ms a request")
    for column in ("run", "conversations", "passed", "wall s", "bound s", "ratio", "CPU ms", "MB"):
        table.add_column(column, justify="right")
    rows = {
        (kind, number): measured(kind, number, asked.concurrency, asked.latency)
        for kind, number in [
            ("harness", asked.trials // 4),
            ("harness", asked.trials),
            ("bare", asked.trials // 4),
        ]
    }
    for (kind, number), found in rows.items():
        table.add_row(
            kind,
            str(number),
            f"{found['passed']:.0f}",
            f"{found['wall_s']:.1f}",
            f"{found['bound_s']:.1f}",
            f"{found['wall_s'] / found['bound_s']:.2f}",
            f"{found['cpu_ms']:.1f}",
            f"{found['peak_mb']:.0f}",
        )
    console = Console()
    console.print(table)
    quarter = asked.trials // 4
    ratio = rows["harness", quarter]["cpu_ms"] / rows["bare", quarter]["cpu_ms"]
    console.print(f"CPU per conversation, harness over bare livekit: {ratio:.2f}")


if __name__ == "__main__":
    main()
