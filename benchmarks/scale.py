"""Many conversations at once: wall time over the latency bound, memory, CPU over bare livekit.

A server on loopback, in a process of its own, answers every request after a fixed
time. The bound is what the requests alone would take at that concurrency; bare
livekit holds the same conversations by `AgentSession.run`, with nothing noted, in
the same text-only job as the harness does.

    python benchmarks/scale.py --trials 2000 --concurrency 64 --latency 0.2
"""

import argparse
import asyncio
import multiprocessing as mp
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from handoff_evals.drivers import Limits, TextDriver
from handoff_evals.livekit import AgentEntry, text_job
from handoff_evals.models.remote import Shared, openai_compatible
from handoff_evals.results import Manifest, RunFolder, Trial
from handoff_evals.runs import Pace, Runner
from handoff_evals.runs.lane import plan
from handoff_evals.scenarios import Scenario, Suite
from tests.support.openai_server import OpenAIServer, serve
from tests.support.star import patient_call, star_suite

_MODEL = "steady"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One kind of run, measured in its own process."""

    passed: int
    wall_s: float
    cpu_s: float
    peak_mb: float


async def harness(url: str, suite: Suite, concurrency: int) -> int:
    """Hold the suite as `handoff-evals run` does, trials written to disk."""
    shared = Shared(lambda: openai_compatible(url, _MODEL))
    driver = TextDriver(
        entry=AgentEntry.of(patient_call),
        model=lambda _scenario, seed: shared.borrow(seed=seed),
        watch=suite.watch,
        limits=Limits(turn_s=600),
    )
    manifest = Manifest(created_at="", command=(), suites=(), models=(_MODEL,), trials=1, seed=0)
    passed = 0
    with tempfile.TemporaryDirectory() as parent:
        folder = RunFolder.create(Path(parent), manifest, name="run")

        def keep(trial: Trial) -> None:
            nonlocal passed
            folder.append(trial)
            passed += trial.status == "passed"

        runner = Runner(
            drivers={(suite.name, _MODEL): driver},
            pace=Pace(total=concurrency, per_model={_MODEL: concurrency}),
            done=keep,
        )
        await runner.run(plan([suite], [_MODEL], trials=1, seed=0))
    return passed


async def bare(url: str, suite: Suite, concurrency: int) -> int:
    """Hold the same conversations with nothing but livekit."""
    gate = asyncio.Semaphore(concurrency)
    shared = Shared(lambda: openai_compatible(url, _MODEL))

    async def hold(scenario: Scenario) -> None:
        async with gate:
            with text_job():
                model = shared.borrow()
                agent, session = patient_call(model)
                await session.start(agent, capture_run=True)
                for turn in scenario.turns:
                    await session.run(user_input=turn.user)
                await session.aclose()
                await model.aclose()

    await asyncio.gather(*(hold(scenario) for scenario in suite.scenarios))
    return len(suite.scenarios)


KINDS: dict[str, Callable[[str, Suite, int], Awaitable[int]]] = {"harness": harness, "bare": bare}


def measure(kind: str, url: str, conversations: int, concurrency: int) -> Measured:
    """Hold them in this process, which holds nothing else."""
    suite = star_suite(scenarios=conversations, turns=2, seed=1)
    began, cpu = time.perf_counter(), time.process_time()
    passed = asyncio.run(_held(kind, url, suite, concurrency))
    return Measured(
        passed=passed,
        wall_s=time.perf_counter() - began,
        cpu_s=time.process_time() - cpu,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


async def _held(kind: str, url: str, suite: Suite, concurrency: int) -> int:
    return await KINDS[kind](url, suite, concurrency)


async def run(asked: argparse.Namespace) -> None:
    """Measure and print the table."""
    table = Table(title=f"concurrency {asked.concurrency}, {asked.latency * 1000:g} ms a request")
    for column in ("run", "conversations", "passed", "wall s", "bound s", "ratio", "CPU ms", "MB"):
        table.add_column(column, justify="right")
    quarter = asked.trials // 4
    cpu: dict[tuple[str, int], float] = {}
    loop = asyncio.get_running_loop()
    async with serve(OpenAIServer(latency_s=asked.latency)) as server:
        for kind, number in (("harness", quarter), ("harness", asked.trials), ("bare", quarter)):
            # A process each; one that dies, or raises, ends the benchmark with its traceback.
            with ProcessPoolExecutor(1, mp_context=mp.get_context("spawn")) as pool:
                # Imports and the first session are nobody's cost.
                await loop.run_in_executor(pool, measure, kind, server.url, 2, 2)
                before = server.requests
                found = await loop.run_in_executor(
                    pool, measure, kind, server.url, number, asked.concurrency
                )
            bound = (server.requests - before) * asked.latency / asked.concurrency
            cpu[kind, number] = 1000 * found.cpu_s / number
            table.add_row(
                kind,
                str(number),
                str(found.passed),
                f"{found.wall_s:.1f}",
                f"{bound:.1f}",
                f"{found.wall_s / bound:.2f}",
                f"{cpu[kind, number]:.1f}",
                f"{found.peak_mb:.0f}",
            )
    console = Console()
    console.print(table)
    ratio = cpu["harness", quarter] / cpu["bare", quarter]
    console.print(f"CPU per conversation, harness over bare livekit: {ratio:.2f}")


def main() -> None:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
