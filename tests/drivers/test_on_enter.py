"""An `on_enter` that waits for the caller, who then speaks, or for anything else."""

import asyncio
from collections.abc import Callable

import pytest
from livekit.agents import Agent, AgentTask, function_tool

from handoff_evals.livekit.scripted import tool_call
from tests.support.phone import Plain, Script, open_call, run_call, short_events


class Named(Plain):
    """Asks for a name when it enters, and greets by it once a tool has noted it."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = asyncio.Event()
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.changed = asyncio.Condition()
        self.done = False
        self.looked = 0

    async def on_enter(self) -> None:
        await self.session.say("Your name?")
        await self.wait()
        await self.session.say("Thank you!")

    async def wait(self) -> None:
        await self.noted.wait()

    @function_tool
    async def note_name(self, name: str) -> str:
        """Note the name."""
        self.noted.set()
        self.queue.put_nowait(name)
        self.answer.set_result(name)
        async with self.changed:
            self.done = True
            self.changed.notify_all()
        return "noted"


class AtQueue(Named):
    async def wait(self) -> None:
        await self.queue.get()


class AtFuture(Named):
    async def wait(self) -> None:
        await self.answer


class AtCondition(Named):
    async def wait(self) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.done)


class AtOwnTask(Named):
    async def wait(self) -> None:
        await asyncio.create_task(Named.wait(self))


class WithTimeLimit(Named):
    async def wait(self) -> None:
        await asyncio.wait_for(self.noted.wait(), 30)


class Polls(Named):
    """Looks every now and then."""

    async def wait(self) -> None:
        while not self.done:  # noqa: ASYNC110 - as people write it
            await asyncio.sleep(0.1)


class PollsWithTimeLimit(Named):
    async def wait(self) -> None:
        async with asyncio.timeout(300):
            while not self.done:  # noqa: ASYNC110 - as people write it
                await asyncio.sleep(0.5)


class BesideALoop(Named):
    """A loop that looks after the caller runs for as long as the call."""

    async def wait(self) -> None:
        loop = asyncio.create_task(self.look_after())
        await self.noted.wait()
        loop.cancel()

    async def look_after(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.looked += 1


@pytest.mark.parametrize(
    "agent",
    [
        Named,
        AtQueue,
        AtFuture,
        AtCondition,
        AtOwnTask,
        WithTimeLimit,
        Polls,
        PollsWithTimeLimit,
        BesideALoop,
    ],
)
async def test_an_agent_that_waits_for_the_caller_is_told_what_the_caller_says(
    agent: type[Named],
) -> None:
    script: Script = [tool_call("note_name", name="Ada"), "Noted."]
    call = await run_call(agent, script, "I'm Ada.")

    assert call.faults == []
    assert call.turns[0].said == "Your name?"
    assert set(call.turns[1].said.splitlines()) == {"Thank you!", "Noted."}
    assert call.turns[0].duration_s < 10


async def test_an_agent_that_waits_takes_the_call_by_a_handoff_too() -> None:
    class First(Plain):
        @function_tool
        async def transfer(self) -> Agent:
            """Transfer."""
            return Named()

    script: Script = [tool_call("transfer"), tool_call("note_name", name="Ada"), "Noted."]
    call = await run_call(First, script, "Hello?", "I'm Ada.")

    assert call.faults == []
    assert [turn.said for turn in call.turns[1:]] == ["Your name?", "Thank you!\nNoted."]


async def test_a_task_whose_on_enter_waits_is_told_what_the_caller_says() -> None:
    class AskName(AgentTask[str]):
        def __init__(self) -> None:
            super().__init__(instructions="You ask.")
            self.noted = asyncio.Event()

        async def on_enter(self) -> None:
            await self.session.say("Your name?")
            await self.noted.wait()
            self.complete("Ada")

        @function_tool
        async def note_name(self) -> None:
            """Note the name."""
            self.noted.set()

    class Host(Plain):
        @function_tool
        async def interview(self) -> str:
            """Interview the caller."""
            return await AskName()

    script: Script = [tool_call("interview"), tool_call("note_name"), "Hello, Ada."]
    call = await run_call(Host, script, "Hello?", "I'm Ada.")

    assert call.faults == []
    assert [turn.said for turn in call.turns[1:]] == ["Your name?", "Hello, Ada."]
    assert call.active.id == "host"


class Prepares(Plain):
    """Greets when something is ready, which needs no caller."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()

    async def on_enter(self) -> None:
        await self.prepare()
        await self.session.say("Ready.")

    async def prepare(self) -> None:
        await asyncio.sleep(3)


class PreparesInSteps(Prepares):
    async def prepare(self) -> None:
        for _ in range(4):
            await asyncio.sleep(1)


class PreparesInATask(Prepares):
    async def prepare(self) -> None:
        task = asyncio.create_task(self.load())
        await self.ready.wait()
        await task

    async def load(self) -> None:
        await asyncio.sleep(0.5)
        self.ready.set()


class PreparesInAThread(Prepares):
    async def prepare(self) -> None:
        await asyncio.to_thread(sum, range(10))


class PreparesInAnExecutor(Prepares):
    async def prepare(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, sum, range(10))


class PreparesOverASocket(Prepares):
    async def prepare(self) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"Hello\n")
            assert await reader.readline() == b"Hello\n"
            writer.close()


@pytest.mark.parametrize("agent", [Prepares, PreparesInSteps, PreparesInATask])
async def test_an_agent_that_prepares_itself_is_waited_for(agent: Callable[[], Agent]) -> None:
    call = await run_call(agent, ["Yes."], "Hello?")

    assert call.faults == []
    assert [turn.said for turn in call.turns] == ["Ready.", "Yes."]


@pytest.mark.parametrize("agent", [PreparesInAThread, PreparesInAnExecutor, PreparesOverASocket])
async def test_an_agent_that_waits_for_a_thread_or_a_socket_is_waited_for(
    agent: Callable[[], Agent],
) -> None:
    async with open_call(agent, ["Yes."]) as call:  # its clock must not jump
        await call.start()

    assert call.faults == []
    assert call.turns[0].said == "Ready."


async def test_an_agent_that_still_waits_when_the_caller_leaves_is_at_fault_at_once() -> None:
    call = await run_call(Named, ["I see.", "I see."], "Hello?", "Still there?")

    assert [turn.said for turn in call.turns] == ["Your name?", "I see.", "I see."]
    (fault,) = call.faults
    assert (fault.owner, fault.cause, fault.turn, fault.ended) == (
        "agent",
        "close_timeout",
        3,
        False,
    )
    assert fault.detail.startswith("on_enter (test_on_enter.py, line ")
    assert fault.detail.endswith("waits for the caller; LiveKit's session closes after it")


async def test_an_agent_that_waits_cannot_be_left_and_the_fault_says_where_it_waits() -> None:
    class Leaves(Named):
        @function_tool
        async def leave(self) -> Agent:
            """Leave."""
            return Plain()

    call = await run_call(Leaves, [tool_call("leave")], "Hello?")

    (fault,) = call.faults
    assert (fault.cause, fault.turn) == ("turn_timeout", 1)
    assert "it waits in on_enter (test_on_enter.py" in fault.detail
    assert short_events(call.turns[1]) == ["caller: Hello?", "leave({})", "leave = "]
