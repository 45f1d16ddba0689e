"""The command line as a process of its own, in a project whose model is a server on loopback."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.openai_server import OpenAIServer, serve
from tests.support.star import star_suite

_ROOT = Path(__file__).parents[2]
# A job in the background of a shell hands down an ignored SIGINT.
_MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from handoff_evals.cli.main import main; main()"
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended; a signal that killed it is a negative code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Project:
    """A user's folder, its server, and the command line in it."""

    folder: Path
    server: OpenAIServer
    scenarios: int

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Start `handoff-evals`."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _MAIN,
            *words,
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'src'}",
                "COLUMNS": "200",
                "SOME_KEY": "k",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def start_until_asked(self, requests: int, *words: str) -> asyncio.subprocess.Process:
        """Start it, and return when so many requests are answered and another one waits."""
        paused = asyncio.create_task(self.server.pause_after(requests).wait())
        process = await self.start(*words)
        over = asyncio.create_task(process.wait())
        await asyncio.wait({paused, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not paused.done():
            paused.cancel()
            raise AssertionError(f"it ended before its time: {await ended(process)}")
        return process

    async def run(self, *words: str) -> Ended:
        """Run `handoff-evals` to its end."""
        return await ended(await self.start(*words))

    def lines(self, run: str) -> list[bytes]:
        """The finished trials of a run, as they stand in its folder."""
        data = (self.folder / run / "trials.jsonl").read_bytes()
        return [line for line in data.splitlines(keepends=True) if line.endswith(b"\n")]

    def keys(self, run: str) -> list[tuple[str, str, int]]:
        """Which trials are finished: scenario, model and number."""
        found = [json.loads(line)["key"] for line in self.lines(run)]
        return [(key["scenario"], key["model"], key["number"]) for key in found]


async def ended(process: asyncio.subprocess.Process) -> Ended:
    """Wait for a process, which hangs if it takes minutes."""
    try:
        async with asyncio.timeout(300):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return Ended(code=process.returncode, out=out.decode(), err=err.decode())


@asynccontextmanager
async def project(
    folder: Path, server: OpenAIServer, *, models: Sequence[str] = ("erring",), scenarios: int = 16
) -> AsyncIterator[Project]:
    """A project of one suite, with a configured model for each name.

    A model named `dead` is where nobody listens.
    """
    async with serve(server):
        tables = [_table(name, server.url) for name in models]
        (folder / "pyproject.toml").write_text("\n".join(tables))
        suite = folder / "evals" / "star" / "scenarios.yaml"
        suite.parent.mkdir(parents=True)
        suite.write_text(yaml.safe_dump(_written(scenarios)))
        try:
            yield Project(folder=folder, server=server, scenarios=scenarios)
        finally:
            server.go_on()


def _table(name: str, url: str) -> str:
    base = "http://127.0.0.1:9/v1" if name == "dead" else url
    return (
        f'[tool.handoff-evals.models.{name}]\nmodel = "{name}"\nbase_url = "{base}"\n'
        'api_key_env = "SOME_KEY"\nprice = { prompt = 2, completion = 8 }\n'
    )


def _written(scenarios: int) -> Mapping[str, Any]:
    suite = star_suite(scenarios=scenarios, turns=2, seed=5)
    return {
        "name": "Star",
        "agent": "tests.support.star:patient_call",
        "scenarios": [
            {
                "label": scenario.label,
                "turns": [
                    {
                        "user": turn.user,
                        "expect": {
                            "agent": turn.expect.agent.id,
                            "where": dict(turn.expect.agent.where),
                        },
                    }
                    for turn in scenario.turns
                    if turn.expect.agent is not None
                ],
            }
            for scenario in suite.scenarios
        ],
    }
