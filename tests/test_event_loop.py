"""`run_to_end` returns, whatever is left in the loop, and Ctrl-C is heard at once."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_evals.event_loop import run_to_end

LEAVING: list[Callable[[asyncio.AbstractEventLoop], object]] = [
    lambda loop: loop.stop(),
    lambda loop: loop.call_soon(loop.stop),
    lambda loop: loop.call_soon(sys.exit, 0),
]


@pytest.mark.parametrize("leave", LEAVING, ids=["stop", "callback stops", "callback exits"])
def test_the_work_goes_on_to_its_end(leave: Callable[[asyncio.AbstractEventLoop], object]) -> None:
    async def work() -> str:
        leave(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return "done"

    assert run_to_end(work()) == "done"


def test_a_task_that_ignores_its_cancellation_and_a_thread_are_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handoff_evals.event_loop._CLEAR_S", 0.05)
    over = threading.Event()

    async def ignores() -> None:
        while not over.is_set():
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                continue

    async def work() -> str:
        asyncio.get_running_loop().run_in_executor(None, over.wait)
        task = asyncio.create_task(ignores())
        await asyncio.sleep(0)
        assert not task.done()
        return "done"

    assert run_to_end(work()) == "done"
    over.set()


def test_an_error_of_the_work_comes_out() -> None:
    async def work() -> None:
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        run_to_end(work())


def test_the_first_ctrl_c_cancels_the_work() -> None:
    closed: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(600)
        finally:
            closed.append("in order")

    with pytest.raises(KeyboardInterrupt):
        run_to_end(work())
    assert closed == ["in order"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_work_that_does_not_end_after_ctrl_c_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff_evals.event_loop.STOP_S", 0.05)
    stuck = threading.Event()

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        stuck.wait(60)
        await asyncio.sleep(0)

    with pytest.raises(KeyboardInterrupt):
        run_to_end(work(), stuck=stuck.set)
    assert stuck.is_set()


def test_the_current_folder_is_what_it_was(tmp_path: Path) -> None:
    before = Path.cwd()

    async def work() -> None:
        os.chdir(tmp_path)

    run_to_end(work())
    assert Path.cwd() == before
