"""A loop that skips what nobody but timers waits for, and nothing else."""

import asyncio
import socket
import time
from typing import Any

import pytest

from handoff_evals.errors import UsageError
from handoff_evals.livekit import VirtualTime
from handoff_evals.livekit.tasks import ConversationTasks


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_an_hour_of_sleep_takes_no_time() -> None:
    began, wall = now(), time.perf_counter()
    with VirtualTime.of().skipping():
        await asyncio.sleep(3600)
    assert now() - began >= 3600
    assert time.perf_counter() - wall < 1


async def test_timers_come_in_their_order() -> None:
    woken: list[int] = []

    async def wake(seconds: int) -> None:
        await asyncio.sleep(seconds)
        woken.append(seconds)

    with VirtualTime.of().skipping():
        await asyncio.gather(*(wake(seconds) for seconds in (50, 5, 500)))
    assert woken == [5, 50, 500]


async def test_work_in_a_thread_is_waited_for() -> None:
    with VirtualTime.of().skipping():
        async with asyncio.timeout(60):
            await asyncio.to_thread(time.sleep, 0.02)


async def test_no_time_is_skipped_while_a_model_is_asked() -> None:
    of = VirtualTime.of()
    began = now()
    with of.skipping(), of.outside():
        await asyncio.sleep(0.01)
    assert now() - began < 1


async def test_time_is_skipped_again_once_the_model_has_answered() -> None:
    of = VirtualTime.of()
    began = now()
    with of.skipping():
        with of.outside():
            await asyncio.sleep(0)
        await asyncio.sleep(100)
    assert now() - began >= 100


async def test_wall_time_leaves_out_what_was_skipped() -> None:
    of = VirtualTime.of()
    began = of.wall
    with of.skipping():
        await asyncio.sleep(100)
    assert of.wall - began < 1
    assert of.at(began) - began > 99


async def test_a_socket_that_the_agents_code_waits_for_is_waited_for() -> None:
    loop, tasks = asyncio.get_running_loop(), ConversationTasks()
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.settimeout(0)

    async def fetch() -> bytes:
        return await loop.sock_recv(ours, 5)

    tasks.enter()
    VirtualTime.of().watch(tasks)
    with ours, theirs, VirtualTime.of().skipping():
        answer = asyncio.create_task(fetch())
        await asyncio.sleep(0)
        began = now()
        await asyncio.sleep(0.02)  # as the server takes
        assert now() - began < 1
        await loop.sock_sendall(theirs, b"found")
        async with asyncio.timeout(60):
            assert await answer == b"found"


async def test_what_the_agents_code_sleeps_is_skipped_though_a_connection_is_open() -> None:
    loop, tasks = asyncio.get_running_loop(), ConversationTasks()
    ours, theirs = socket.socketpair()

    async def poll() -> None:
        await asyncio.sleep(1000)

    tasks.enter()
    VirtualTime.of().watch(tasks)
    with ours, theirs, VirtualTime.of().skipping():
        loop.add_reader(ours, print)
        began, wall = now(), time.perf_counter()
        await asyncio.create_task(poll())
        loop.remove_reader(ours)
    assert now() - began >= 1000
    assert time.perf_counter() - wall < 1


async def test_a_loop_is_an_ordinary_one_outside_of_a_spoken_call() -> None:
    with VirtualTime.of().skipping():
        await asyncio.sleep(100)
    began = time.perf_counter()
    await asyncio.sleep(0.01)
    assert time.perf_counter() - began >= 0.009


def test_a_loop_of_another_kind_is_refused() -> None:
    class Other(asyncio.BaseEventLoop):
        pass

    loop: Any = Other()
    with pytest.raises(UsageError, match="run spoken calls on asyncio's own loop"):
        VirtualTime.of(loop).skipping().__enter__()
    loop.close()
