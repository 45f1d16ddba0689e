"""Agents that do a part of their work in AgentTasks, as LiveKit's examples write them."""

from collections.abc import Callable

from livekit.agents import Agent, AgentTask, ToolError, function_tool
from livekit.agents.beta.workflows import GetEmailTask, TaskGroup

from tests.support.phone import Plain


class AskName(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="You ask for the name.")

    async def on_enter(self) -> None:
        await self.session.generate_reply(instructions="Ask for the name.")

    @function_tool
    async def record_name(self, name: str) -> None:
        """Record the name."""
        self.complete(name)


class AskSize(AgentTask[int]):
    def __init__(self) -> None:
        super().__init__(instructions="You ask how many there will be.")

    async def on_enter(self) -> None:
        await self.session.say("How many?")

    @function_tool
    async def record_size(self, size: int) -> None:
        """Record how many."""
        self.complete(size)

    @function_tool
    async def give_up(self) -> None:
        """Give up."""
        self.cancel()

    @function_tool
    async def leave(self) -> Agent:
        """Leave without an answer."""
        return Billing()

    @function_tool
    async def record_and_leave(self, size: int) -> Agent:
        """Record how many, and hand over."""
        self.complete(size)
        return Billing()


class Billing(Plain):
    async def on_enter(self) -> None:
        self.session.say("Billing here.")


class Desk(Plain):
    @function_tool
    async def to_billing(self) -> Agent:
        """To billing."""
        return Billing()


class Welcomes(Desk):
    """Awaits a task when it enters."""

    async def on_enter(self) -> None:
        await self.session.say(f"Welcome, {await AskName()}!")


class GoesOn(Desk):
    """Hands over when its first task is over."""

    async def on_enter(self) -> None:
        await AskName()
        self.session.update_agent(Billing())


class Mails(Desk):
    """Awaits LiveKit's own task in a tool."""

    @function_tool
    async def get_email(self) -> str:
        """Get the caller's address."""
        return (await GetEmailTask()).email_address


class Book(AgentTask[str]):
    """Awaits two tasks."""

    def __init__(self) -> None:
        super().__init__(instructions="You book.")

    async def on_enter(self) -> None:
        self.complete(f"{await AskName()}, {await AskSize()}")


class Books(Desk):
    @function_tool
    async def book(self) -> str:
        """Book a table."""
        return await Book()


class BooksInSteps(Desk):
    @function_tool
    async def book(self) -> str:
        """Book a table."""
        group = TaskGroup(summarize_chat_ctx=False)
        group.add(AskName, id="name", description="asks for the name")
        group.add(AskSize, id="size", description="asks how many")
        group.add(AskName, id="guest", description="asks for a guest's name")
        return str((await group).task_results)


class TakesIn(Desk):
    """Hands over at the end of a task, with a last word of its own."""

    @function_tool
    async def take_in(self) -> tuple[Agent, str]:
        """Take the caller in."""
        return Billing(), f"This is {await AskName()}."


class AsksSize(Desk):
    @function_tool
    async def ask(self) -> str:
        """Ask how many."""
        return str(await AskSize())


class AsksAtOnce(Desk):
    """Asks how many when it enters, and says nothing where the caller won't tell."""

    async def on_enter(self) -> None:
        try:
            await AskSize()
        except ToolError:
            self.gave_up = True


class GivesAway(Desk):
    """Hands over to a task as to any agent, so nobody awaits it."""

    @function_tool
    async def transfer(self) -> Agent:
        """Transfer."""
        return AskSize()


class Checks(AgentTask[str]):
    """Is over before anybody has heard or asked it."""

    def __init__(self) -> None:
        super().__init__(instructions="You check.")

    async def on_enter(self) -> None:
        self.complete("checked")


class ChecksAloud(Checks):
    async def on_enter(self) -> None:
        await self.session.say("One moment.")
        self.complete("checked")


class Raises(Checks):
    async def on_enter(self) -> None:
        raise LookupError("no insurance")


class RaisesWhenDone(Checks):
    async def on_enter(self) -> None:
        self.complete("checked")
        raise LookupError("no insurance")


class RaisesAfterAnother(Checks):
    async def on_enter(self) -> None:
        await AskSize()
        raise LookupError("no insurance")


class FailsToCheck(Checks):
    async def on_enter(self) -> None:
        self.complete(ValueError("no insurance"))


class Twice(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="You ask.")

    async def on_enter(self) -> None:
        self.session.say("Yes?")

    @function_tool
    async def yes(self) -> None:
        """Yes."""
        self.complete("yes")
        self.complete("yes")


class Does(Desk):
    """Awaits any task in a tool."""

    def __init__(self, task: Callable[[], AgentTask[str]]) -> None:
        super().__init__()
        self._task = task

    @function_tool
    async def do(self) -> str:
        """Do it."""
        return await self._task()


class DoesAtOnce(Desk):
    """Awaits any task when it enters."""

    def __init__(self, task: Callable[[], AgentTask[str]]) -> None:
        super().__init__()
        self._task = task

    async def on_enter(self) -> None:
        await self._task()
