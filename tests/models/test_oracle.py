"""The oracle on agents as people write them, with nothing in the file but who is expected."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from livekit.agents import Agent, AgentSession, AgentTask, RunContext, function_tool, llm
from pydantic import Field

from tests.support.oracle_play import (
    Asking,
    Garden,
    Greeting,
    Opened,
    Vault,
    called,
    opening,
    play,
    turn,
)
from tests.support.transfer_mixin import Shared, Transferring


@dataclass
class Desks(Shared):
    verified: bool = False


class Router(Transferring):
    @function_tool
    async def route_call(self, context: RunContext[Desks], destination: str) -> Any:
        """Route the call."""
        return await self.transferred(destination, context)


class Billing(Transferring):
    @function_tool
    async def go_back(self, context: RunContext[Desks]) -> Any:
        """Back to where the caller came from."""
        return context.userdata.previous


class Tech(Transferring):
    @function_tool
    async def first(self, context: RunContext[Desks]) -> str:
        """Go on."""
        return await self.jump("router", context)

    @function_tool
    async def second(self, context: RunContext[Desks]) -> str:
        """Go on."""
        return await self.jump("billing", context)


def desks(model: llm.LLM[Any]) -> Opened:
    shared = Desks()
    shared.agents = {"router": Router(), "billing": Billing(), "tech": Tech()}
    return shared.agents["router"], AgentSession(llm=model, userdata=shared)


async def test_agents_in_userdata_are_found_by_a_tool_of_a_base_class_elsewhere() -> None:
    status, _ = await play(
        desks,
        turn("Hi.", "router"),
        turn("My bill is wrong.", "billing"),
        turn("Back, please.", "router"),
        turn("My modem!", "tech"),
        turn("My bill again.", "billing"),
    )
    assert status == "passed"


def option(number: int, makes: Callable[[], Agent]) -> llm.Tool:
    @function_tool(name=f"option_{number}", description="Go on.")
    async def go_on() -> Agent:
        return makes()

    return go_on


class Menu(Greeting):
    def __init__(self) -> None:
        tools: list[llm.Tool | llm.Toolset] = [
            option(number, partial(Room, name)) for number, name in enumerate("xyz")
        ]
        super().__init__(id="menu", instructions="You ask.", tools=tools)


class Room(Greeting):
    def __init__(self, name: str) -> None:
        super().__init__(id=f"room_{name}", instructions=name, tools=[option(9, Menu)])


async def test_tools_without_a_telling_name_are_tried() -> None:
    status, transcript = await play(
        opening(Menu),
        turn("Hi.", "menu"),
        turn("To y.", "room_y"),
        turn("Back.", "menu"),
        turn("To z.", "room_z"),
        turn("Stay.", "room_z", path="", calls=()),
    )
    assert status == "passed"
    assert called(transcript) == ["option_1", "option_9", "option_2"]


DATA = {"front": ["returns", "sales"], "returns": ["front"], "sales": ["front"]}


class FromData(Asking):
    def __init__(self, name: str) -> None:
        self.name = name
        tools: list[llm.Tool | llm.Toolset] = [
            self._tool(number, to) for number, to in enumerate(DATA[name])
        ]
        super().__init__(id=f"{name}_agent", instructions=name, tools=tools)

    def _tool(self, number: int, to: str) -> llm.Tool:
        async def handler(raw_arguments: dict[str, object]) -> Agent:
            assert raw_arguments["reason"]
            return self._build(to)

        parameters = {
            "type": "object",
            "properties": {"reason": {"type": "string"}},
            "required": ["reason"],
        }
        return function_tool(
            handler,
            raw_schema={"name": f"handoff_{number}", "description": "", "parameters": parameters},
        )

    def _build(self, name: str) -> Agent:
        return FromData(name)


async def test_agents_made_from_data_are_led_through_several_handoffs_in_one_turn() -> None:
    status, _ = await play(
        lambda model: (FromData("front"), AgentSession(llm=model)),
        turn("Hello.", "front_agent", calls=()),
        turn(
            "Sales, by way of returns.",
            "sales_agent",
            path="front_agent > returns_agent > front_agent > sales_agent",
        ),
        turn("Bye.", "sales_agent", path=""),
    )
    assert status == "passed"


class Kind(Enum):
    SALES = "sales"
    SUPPORT = "support"


class Window(Greeting):
    """A window for each kind of matter."""


class Porter(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You open doors.")

    @function_tool
    async def note(self, text: str) -> str:
        """Note something."""
        return text

    @function_tool
    async def dispatch(self, kind: Kind, *, urgent: bool = False) -> Agent:
        """Dispatch."""
        return Window(id=f"{kind.value}_window", instructions=str(urgent))

    @function_tool
    async def pick(self, what: Literal["one", "two"]) -> Any:
        """Pick."""
        return getattr(self, f"_go_{what}")()

    @function_tool
    async def end_call(self, context: RunContext[Any]) -> None:
        """End the call."""
        context.session.shutdown()

    def _go_one(self) -> Agent:
        return Garden()

    def _go_two(self) -> Agent:
        return Vault()


@pytest.mark.parametrize("target", ["sales_window", "support_window", "garden", "vault"])
async def test_one_tool_for_several_agents_gets_the_argument_that_leads_there(target: str) -> None:
    status, transcript = await play(
        opening(Porter), turn("Hello.", "porter"), turn("There.", target)
    )

    assert status == "passed"
    assert "end_call" not in called(transcript)


class Flow(Asking):
    def __init__(self, number: int = 0) -> None:
        super().__init__(id=f"step_{number}", instructions="You go on.")
        self.number = number

    @function_tool
    async def proceed(self, context: RunContext[Any]) -> None:
        """Proceed."""
        context.session.update_agent(Flow(self.number + 1))


async def test_a_chain_of_agents_is_gone_as_far_as_the_turn_says() -> None:
    status, _ = await play(
        opening(Flow),
        turn("Go.", "step_1"),
        turn("Go, go.", "step_3", path="step_1 > step_2 > step_3"),
        turn("Wait.", "step_3"),
        turn("Go.", "step_4"),
    )
    assert status == "passed"


class Ping(Asking):
    def __init__(self) -> None:
        super().__init__(instructions="You ping.")

    @function_tool
    async def onwards(self) -> tuple[Agent, str]:
        """Go on."""
        return Pong(), "Say goodbye."


class Pong(Asking):
    def __init__(self) -> None:
        super().__init__(instructions="You pong.")

    @function_tool
    async def onwards(self) -> tuple[Agent, str]:
        """Go on."""
        return Ping(), "Say goodbye."


async def test_there_and_back_in_one_turn_while_each_says_goodbye() -> None:
    status, transcript = await play(
        opening(Ping),
        turn("There and back.", "ping", path="ping > pong > ping"),
        turn("Stay.", "ping", path="", calls=()),
    )
    assert status == "passed"
    assert called(transcript) == ["onwards", "onwards"]


class Consent(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="May we record?")

    async def on_enter(self) -> None:
        self.session.say("May we record?")

    @function_tool
    async def agreed(self) -> None:
        """The caller agrees."""
        self.complete("yes")


class Survey(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You ask.")

    async def on_enter(self) -> None:
        assert await Consent()
        self.session.say("Thanks.")


async def test_a_task_is_completed_where_the_agent_that_awaits_it_is_expected() -> None:
    status, _ = await play(opening(Survey), turn("Yes.", "survey"), turn("Hm.", "survey"))

    assert status == "passed"


class CheckIn(Greeting):
    def __init__(self) -> None:
        super().__init__(instructions="You check in.")

    @function_tool
    async def check_in(self, code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{4}$")]) -> str:
        """Check the caller in."""

        @function_tool
        async def proceed() -> Agent:
            """Proceed."""
            return Vault()

        await self.update_tools([*self.tools, proceed])
        return code


async def test_a_tool_that_another_one_brings_is_called_once_it_is_there() -> None:
    status, _ = await play(
        opening(CheckIn), turn("Hello.", "check_in", calls=("check_in",)), turn("In.", "vault")
    )
    assert status == "passed"


async def test_who_has_the_call_already_is_not_handed_over_to() -> None:
    status, transcript = await play(
        opening(Ping), turn("Hi.", "ping"), turn("Hi.", "ping", path=""), turn("Hi.", calls=())
    )
    assert status == "passed"
    assert called(transcript) == []
