"""A run that was killed or interrupted: nothing that was finished is lost or run again."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cli.command import ended, project
from tests.support.openai_server import OpenAIServer, Rates

preloaded = pytest.mark.usefixtures("preloaded_python")

RATES = Rates(wrong=0.2, missed=0.2, phantom=0.2, spurious=0.2)
TIMES = {"ttft_s", "seam_s", "wall_s", "duration_s"}


def untimed(value: Any) -> Any:
    """The same without what is measured by a clock."""
    if isinstance(value, Mapping):
        return {key: untimed(each) for key, each in value.items() if key not in TIMES}
    return value


def summary(out: str) -> dict[str, Any]:
    found = json.loads(out)
    # In the order in which trials ended.
    found["failures"].sort(key=lambda each: json.dumps(each, sort_keys=True))
    return dict(untimed(found))


@preloaded
async def test_a_run_killed_at_three_random_moments_comes_to_what_the_unbroken_one_does(
    tmp_path: Path,
) -> None:
    random = Random(11)
    async with project(tmp_path, OpenAIServer(rates=RATES, seed=2)) as here:
        whole = await here.run("run", "-m", "erring", "--out", "whole", "--json", "-j", "4")
        assert whole.code == 0, whole.err
        all_requests = here.server.requests

        words = ["run", "-m", "erring", "--out", "broken", "-j", "4"]
        for _ in range(3):
            process = await here.start_until_asked(random.randint(1, all_requests // 5), *words)
            finished = here.lines("broken")
            process.kill()
            assert (await ended(process)).code == -signal.SIGKILL
            here.server.go_on()
            assert here.lines("broken")[: len(finished)] == finished
            words = ["resume", "broken", "-j", "4"]
        before = here.lines("broken")
        assert 0 < len(before) < here.scenarios

        last = await here.run(*words, "--json")
        assert last.code == 0, last.err
        assert here.lines("broken")[: len(before)] == before
        assert sorted(here.keys("broken")) == sorted(here.keys("whole"))
        assert summary(last.out) == summary(whole.out)
        outcomes = summary(last.out)["models"]["erring"]["decisions"]["outcomes"]
        assert min(outcomes[each] for each in ("correct", "wrong", "missed", "spurious")) > 0


@preloaded
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_keeps_and_prints_what_is_finished_and_the_run_can_be_resumed(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with project(tmp_path, OpenAIServer(), scenarios=12) as here:
        words = ("run", "-m", "erring", "--out", "mine", "-j", "2")
        process = await here.start_until_asked(16, *words)
        process.send_signal(number)
        stopped = await ended(process)

        finished = here.lines("mine")
        assert stopped.code == 130
        assert 0 < len(finished) < here.scenarios
        assert f"{len(finished)}/{len(finished)}" in stopped.out
        assert f"not run {here.scenarios - len(finished)}" in stopped.out
        assert "interrupted; the finished trials are kept" in stopped.err
        assert "handoff-evals resume mine" in stopped.err
        assert "Traceback" not in stopped.err

        here.server.go_on()
        resumed = await here.run("resume", "mine", "-j", "2")
        assert resumed.code == 0, resumed.err
        assert here.lines("mine")[: len(finished)] == finished
        assert len(set(here.keys("mine"))) == len(here.keys("mine")) == here.scenarios


async def test_ctrl_c_ends_a_run_whose_requests_wait_for_a_rate_limit(tmp_path: Path) -> None:
    async with project(tmp_path, OpenAIServer(), scenarios=4) as here:
        config = tmp_path / "pyproject.toml"
        config.write_text(config.read_text() + "requests_per_minute = 1\n")
        words = ("run", "-m", "erring", "--out", "mine", "-j", "4")
        process = await here.start_until_asked(0, *words)
        here.server.go_on()
        # The next request of the conversation is due in a minute.
        process.send_signal(signal.SIGINT)
        stopped = await ended(process)

        assert stopped.code == 130, stopped.err
        assert here.server.requests == 1
        assert "Traceback" not in stopped.err


@preloaded
async def test_a_dead_model_among_three_holds_up_no_other(tmp_path: Path) -> None:
    models = ("first", "dead", "second")
    async with project(tmp_path, OpenAIServer(), models=models, scenarios=8) as here:
        config = tmp_path / "pyproject.toml"
        config.write_text(f"[tool.handoff-evals]\nretries = 0\n{config.read_text()}")
        done = await here.run(
            *("run", "-m", "first", "-m", "dead", "-m", "second"),
            *("--out", "mine", "--json"),
        )
    assert done.code == 3, done.err
    assert (
        "dead: the breaker opened after 5 unscored trials in a row (api_connection); 3 trials were "
        "not run" in done.err
    )
    assert "dead: invalid, no decision was scored (api_connection 5)" in done.err
    found = json.loads(done.out)["models"]
    for name in ("first", "second"):
        assert found[name]["trials"]["passed"] == 8
        assert found[name]["accuracy"]["value"] == 1
        tokens = found[name]["tokens"]
        cost = (tokens["prompt"] * 2 + tokens["completion"] * 8) / 1e6
        assert found[name]["cost"] == pytest.approx(cost)
    assert found["dead"]["trials"] == {
        "passed": 0,
        "failed": 0,
        "unscored": 5,
        "causes": {"api_connection": 5},
        "not_run": 3,
    }
