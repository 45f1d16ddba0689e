"""One side of a diff, in this process: its lane, its run folder, what it sends."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from handoff_evals.diff.worker import Worker
from handoff_evals.diff.worker_client import WorkerClient, WorkerProcess, WorkerSettings
from handoff_evals.errors import HandoffEvalsError, RunFolderError, UsageError
from handoff_evals.results import RunFolder, TrialKey, TrialResult

AGENT = """
from livekit.agents import Agent

class Desk(Agent):
    def __init__(self):
        super().__init__(instructions="You are the desk.")
"""
MODELS = """
from handoff_evals import ScriptedLLM
from livekit.agents import APIStatusError


def polite():
    return ScriptedLLM(lambda _: "Good day.")

def locked_out():
    return ScriptedLLM(lambda _: APIStatusError("no", status_code=401))
"""
SUITE = """
name: Desk
agent: some_desk:Desk
scenarios:
"""
SCENARIO = """
  - label: call {}
    turns:
      - user: Hello?
        expect: {{agent: desk}}
"""
Settings = Callable[[str], WorkerSettings]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A side whose suite has ten scenarios, on one of the models."""
    (tmp_path / "evals").mkdir()
    suite = tmp_path / "evals" / "scenarios.yaml"
    suite.write_text(SUITE + "".join(map(SCENARIO.format, range(10))))
    (tmp_path / "some_desk.py").write_text(AGENT)
    (tmp_path / "some_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(model: str) -> WorkerSettings:
        return WorkerSettings(
            folder=str(tmp_path),
            home=str(tmp_path),
            root=str(tmp_path),
            home_root=str(tmp_path),
            suites=(str(suite),),
            model=f"some_models:{model}",
            trials=1,
            seed=0,
            caller="",
            turn_s=30.0,
            out=str(tmp_path / "a"),
            cassette_folders=(str(tmp_path / "cassettes"),),
        )

    yield made
    for name in ("some_desk", "some_models"):
        sys.modules.pop(name, None)


async def run(worker: WorkerClient, *numbers: int) -> list[TrialResult]:
    prepared = await worker.prepare(None)
    keys = [
        TrialKey(suite="Desk", scenario=f"call {number}", model=prepared.model, number=0)
        for number in numbers
    ]
    return list(await asyncio.gather(*map(worker.trial, keys)))


async def test_a_trial_is_in_the_run_folder_and_comes_back_without_its_transcript(
    settings: Settings,
) -> None:
    async with Worker.opened(settings("polite")) as worker:
        results = await run(worker, 0, 1, 2)
    trials = RunFolder.open(Path(settings("polite").out)).trials()
    assert {trial.key: TrialResult.of(trial) for trial in trials} == {
        result.key: result for result in results
    }
    assert {result.status for result in results} == {"passed"}


async def test_a_model_that_fails_five_times_in_a_row_is_asked_no_more_in_the_whole_diff(
    settings: Settings,
) -> None:
    async with Worker.opened(settings("locked_out")) as worker:
        results = [*await run(worker, *range(3))]
        # Each pair of a diff asks for its trials by itself.
        key = results[0].key
        for number in range(3, 10):
            results.append(await worker.trial(replace(key, scenario=f"call {number}")))  # noqa: PERF401 - one after another
    assert [result.cause for result in results] == ["api_status_401"] * 5 + ["breaker_open"] * 5
    assert len(list(RunFolder.open(Path(settings("locked_out").out)).trials())) == 5


async def test_two_diffs_cannot_write_to_one_folder_at_once(settings: Settings) -> None:
    async with (
        Worker.opened(settings("polite")) as worker,
        Worker.opened(settings("polite")) as second,
    ):
        await worker.prepare(None)
        with pytest.raises(RunFolderError, match="another process is adding to"):
            await second.prepare(None)


async def test_a_worker_process_says_what_went_wrong_and_on_which_side(settings: Settings) -> None:
    async with WorkerProcess.started("side a", settings("nobody")) as worker:
        with pytest.raises(UsageError, match=r"side a: .*nobody"):
            await worker.prepare(None)
        waiting = asyncio.create_task(worker.rehearse())
        await asyncio.sleep(0)
        os.kill(worker.child.process.pid, signal.SIGKILL)
        with pytest.raises(HandoffEvalsError, match="the process of side a was ended by SIGKILL"):
            await waiting
        with pytest.raises(HandoffEvalsError, match="the process of side a was ended by SIGKILL"):
            await worker.rehearse()
