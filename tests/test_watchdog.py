"""Code that blocks an event loop is interrupted and named, and os._exit ends no run."""

import asyncio
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from handoff_evals.watchdog import LoopBlockedError, stood_still_s, watched, when_stuck

_LIMIT_S = 0.2


def spins() -> None:
    while True:
        pass


def sleeps() -> None:
    time.sleep(600)


def waits_for_itself() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@pytest.mark.parametrize("blocks", [spins, sleeps, waits_for_itself])
async def test_what_blocks_the_loop_is_interrupted_and_named(blocks: Callable[[], None]) -> None:
    async def conversation() -> None:
        blocks()

    with watched(_LIMIT_S), pytest.raises(LoopBlockedError) as caught:
        await asyncio.create_task(conversation())

    assert re.search(
        rf"stood still for \d+ s in .*{blocks.__name__} \(test_watchdog\.py, line",
        str(caught.value),
    )


async def test_the_time_counts_for_nobody_but_whoever_blocked() -> None:
    lost: dict[str, float] = {}
    over = asyncio.Event()

    async def guilty() -> None:
        with watched(_LIMIT_S):
            with pytest.raises(LoopBlockedError):
                sleeps()
            await asyncio.sleep(0)
            lost["guilty"] = stood_still_s()
            over.set()

    async def innocent() -> None:
        with watched(_LIMIT_S):
            await over.wait()
            lost["innocent"] = stood_still_s()

    await asyncio.gather(innocent(), guilty())

    assert lost["guilty"] == pytest.approx(0)
    assert lost["innocent"] >= _LIMIT_S


async def test_what_ignores_every_interruption_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff_evals.watchdog._AGAIN_S", 0.05)
    told: list[str] = []
    over = threading.Event()

    def tell(why: str) -> None:
        told.append(why)
        over.set()

    def stubborn() -> None:
        while not over.is_set():
            with suppress(LoopBlockedError):
                over.wait()

    with when_stuck(tell), watched(_LIMIT_S):
        stubborn()

    assert "stood still" in told[0]
    assert "stubborn (test_watchdog.py" in told[0]


@pytest.mark.parametrize(
    "leave",
    [lambda: os._exit(0), lambda: os.execv("/bin/true", ["true"])],  # noqa: S606 - it must raise
)
async def test_a_conversation_can_not_end_the_process(leave: Callable[[], None]) -> None:
    with watched(60), pytest.raises(SystemExit, match=r"os\.(_exit|execv)"):
        leave()


async def test_a_child_that_a_tool_forks_ends_by_itself() -> None:
    with watched(60):
        child = os.fork()
        if child == 0:
            await asyncio.sleep(0)
            await asyncio.sleep(600)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)

    assert os.waitstatus_to_exitcode(status) == 70
