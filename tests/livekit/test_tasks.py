import asyncio
import gc
from contextvars import copy_context
from typing import Any

from handoff_evals.drivers import Call
from handoff_evals.livekit import AgentEntry, ConversationTasks, ScriptedLLM
from tests.support.phone import Plain, scripted, skipping_waits


async def hang() -> None:
    await asyncio.Event().wait()


def made_in(tasks: ConversationTasks, coro: Any) -> asyncio.Task[Any]:
    context = copy_context()
    context.run(tasks.enter)
    return context.run(asyncio.create_task, coro)


async def test_a_task_ends_with_its_conversation_and_so_do_the_tasks_that_it_made() -> None:
    inner: list[asyncio.Task[None]] = []

    async def outer() -> None:
        inner.append(asyncio.create_task(hang()))
        await hang()

    tasks = ConversationTasks()
    task = made_in(tasks, outer())
    await asyncio.sleep(0)

    assert await tasks.cancel(timeout_s=1) == 0
    assert task.cancelled()
    assert inner[0].cancelled()


async def test_tasks_of_others_are_left_alone() -> None:
    one, other = ConversationTasks(), ConversationTasks()
    mine, theirs = made_in(one, hang()), made_in(other, hang())
    nobodys = asyncio.create_task(hang())

    await one.cancel(timeout_s=1)

    assert mine.cancelled()
    assert not theirs.done()
    assert not nobodys.done()
    nobodys.cancel()
    await other.cancel(timeout_s=1)


async def test_a_task_in_a_context_of_its_own_belongs_to_that_contexts_conversation() -> None:
    one, other = ConversationTasks(), ConversationTasks()
    context = copy_context()
    context.run(other.enter)

    def make() -> asyncio.Task[None]:
        return asyncio.create_task(hang(), context=context)

    here = copy_context()
    here.run(one.enter)
    task = here.run(make)

    assert await one.cancel(timeout_s=1) == 0
    assert not task.done()
    await other.cancel(timeout_s=1)
    assert task.cancelled()


async def test_a_task_that_awaits_while_it_is_cancelled_gets_the_time() -> None:
    ended: list[str] = []

    async def tidies_up() -> None:
        try:
            await hang()
        finally:
            await asyncio.sleep(0)
            ended.append("tidy")

    tasks = ConversationTasks()
    made_in(tasks, tidies_up())
    await asyncio.sleep(0)

    assert await tasks.cancel(timeout_s=1) == 0
    assert ended == ["tidy"]


async def test_a_task_that_swallows_every_cancellation_is_ended_all_the_same() -> None:
    async def swallows() -> None:
        while True:
            try:
                await hang()
            except asyncio.CancelledError:
                continue

    tasks = ConversationTasks()
    task = made_in(tasks, swallows())
    await asyncio.sleep(0)

    with skipping_waits():
        assert await tasks.cancel(timeout_s=1) == 1
    assert task.done()


async def test_the_tasks_can_be_cancelled_from_within() -> None:
    tasks = ConversationTasks()
    beside = made_in(tasks, hang())

    assert await made_in(tasks, tasks.cancel(timeout_s=1)) == 0
    assert beside.cancelled()


async def test_the_loops_own_way_to_make_tasks_is_kept() -> None:
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        made.append(coro.__name__)
        return asyncio.Task(coro, loop=loop, **kwargs)

    asyncio.get_running_loop().set_task_factory(factory)
    tasks = ConversationTasks()
    task = made_in(tasks, hang())

    await tasks.cancel(timeout_s=1)

    assert made == ["hang"]
    assert task.cancelled()


async def test_many_conversations_install_themselves_once() -> None:
    made_in(ConversationTasks(), asyncio.sleep(0))
    first = asyncio.get_running_loop().get_task_factory()
    await made_in(ConversationTasks(), asyncio.sleep(0))

    assert asyncio.get_running_loop().get_task_factory() is first
    assert first is not None


async def test_what_livekit_has_logged_is_not_reported_as_lost_too() -> None:
    class Boom(Plain):
        async def on_enter(self) -> None:
            raise LookupError("no greeting")

    lost: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))

    call = Call(AgentEntry.of(Boom), ScriptedLLM(["Yes."]))
    await call.run(scripted("Hello?"))
    assert [fault.cause for fault in call.faults] == ["on_enter_error"]
    del call
    gc.collect()

    assert lost == []


async def test_tasks_that_wait_for_each_other_end_too() -> None:
    waiting: list[asyncio.Task[Any]] = []

    async def waits_for(place: int) -> None:
        await asyncio.sleep(0)
        await asyncio.gather(waiting[place])

    tasks = ConversationTasks()
    waiting += [made_in(tasks, waits_for(1)), made_in(tasks, waits_for(0))]
    for _ in range(3):
        await asyncio.sleep(0)

    assert await tasks.cancel(timeout_s=1) == 0
    assert all(each.cancelled() for each in waiting)
