"""The ways in which people write tools that hand over."""

from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from livekit.agents import Agent, AgentTask, RunContext, function_tool, llm
from pydantic import BaseModel, Field

from handoff_evals.livekit import leading_tool, placeholder_arguments
from handoff_evals.scenarios import Target
from tests.support.phone import Plain


class Billing(Plain):
    pass


class Technical(Plain):
    pass


class MoneyPerson(Agent):
    def __init__(self) -> None:
        super().__init__(id="accounts", instructions="You count.")


class NightShift(MoneyPerson):
    """Has the id of its parent."""


class Survey(AgentTask[str]):
    def __init__(self) -> None:
        super().__init__(instructions="You ask.")


class Desk(Plain):
    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic


STANDING_BY = Billing()
REGISTRY: dict[str, Callable[[], Agent]] = {"billing": Billing, "technical": Technical}


def make_billing() -> Agent:
    return Billing()


def make_by_way_of_another() -> Agent:
    return make_billing()


def transfer_tool(agent: type[Agent], name: str) -> llm.Tool:
    @function_tool(name=name)
    async def transfer() -> Agent:
        """Transfer the caller."""
        return agent()  # type: ignore[call-arg]  # a subclass, which needs none

    return transfer


@function_tool
async def returns_an_agent() -> Agent:
    """Go on."""
    return Billing()


@function_tool
async def returns_an_agent_and_a_message() -> tuple[Agent, str]:
    """Go on."""
    return Billing(), "Say goodbye."


@function_tool
async def updates_the_session(context: RunContext[None]) -> str:
    """Go on."""
    context.session.update_agent(Billing())
    return "Transferring you now."


@function_tool
async def asks_a_helper() -> Agent:
    """Go on."""
    return make_billing()


@function_tool
async def asks_a_helper_of_a_helper() -> Agent:
    """Go on."""
    agent = make_by_way_of_another()
    return agent  # noqa: RET504 - people write it so


@function_tool
async def passes_the_class(context: RunContext[None]) -> Agent:
    """Go on."""
    return make(Billing, context)


@function_tool
async def returns_one_that_stands_by() -> Agent:
    """Go on."""
    return STANDING_BY


@function_tool
async def imports_it_when_it_is_needed() -> Agent:
    """Go on."""
    from tests.livekit.test_handoff_tools import Billing as Later  # noqa: PLC0415 - people do

    return Later()


@function_tool
async def looks_it_up_in_userdata(context: RunContext[Any]) -> Agent:
    """Go on."""
    agent: Agent = context.userdata.personas["billing"]
    return agent


@function_tool
async def has_it_in_userdata(context: RunContext[Any]) -> Agent:
    """Go on."""
    agent: Agent = context.userdata.billing
    return agent


@function_tool
async def looks_it_up_in_a_table() -> Agent:
    """Go on."""
    return REGISTRY["billing"]()


@function_tool
async def go_to_billing(context: RunContext[Any]) -> Agent:
    """Go on."""
    agent: Agent = context.userdata.next
    return agent


def make(agent: type[Agent], _: RunContext[None]) -> Agent:
    return agent()  # type: ignore[call-arg]  # a subclass, which needs none


@function_tool
async def look_up_an_invoice(number: str) -> str:
    """Look up an invoice of billing."""
    return number


@function_tool
async def to_technical() -> Agent:
    """Not for billing."""
    return Technical()


BESIDE: list[llm.Tool] = [look_up_an_invoice, to_technical]


@pytest.mark.parametrize(
    "tool",
    [
        returns_an_agent,
        returns_an_agent_and_a_message,
        updates_the_session,
        asks_a_helper,
        asks_a_helper_of_a_helper,
        passes_the_class,
        returns_one_that_stands_by,
        imports_it_when_it_is_needed,
        looks_it_up_in_userdata,
        has_it_in_userdata,
        looks_it_up_in_a_table,
        go_to_billing,
        transfer_tool(Billing, "go_on"),
    ],
    ids=lambda tool: tool.info.name,
)
def test_a_tool_is_found_among_others_however_it_hands_over(tool: Any) -> None:
    assert leading_tool([*BESIDE, tool], Target(id="billing")) == tool.info.name
    assert leading_tool([tool, *BESIDE], Target(id="technical")) == "to_technical"


def test_methods_of_an_agent_are_read_with_what_they_call_on_it() -> None:
    class Triage(Plain):
        @function_tool
        async def one(self) -> Agent:
            """Go on."""
            return self._to(Billing)

        @function_tool
        async def other(self) -> Agent:
            """Go on."""
            return await self._technical()

        def _to(self, agent: type[Agent]) -> Agent:
            return agent()  # type: ignore[call-arg]  # a subclass, which needs none

        async def _technical(self) -> Agent:
            return Technical()

    tools = llm.ToolContext(Triage().tools).flatten()
    assert leading_tool(tools, Target(id="billing")) == "one"
    assert leading_tool(tools, Target(id="technical")) == "other"


def test_an_id_that_the_constructor_gives_is_known() -> None:
    @function_tool
    async def go_on() -> Agent:
        """Go on."""
        return MoneyPerson()

    @function_tool
    async def later() -> Agent:
        """Go on."""
        return NightShift()

    assert leading_tool([go_on], Target(id="accounts")) == "go_on"
    assert leading_tool([go_on], Target(id="money_person")) is None
    assert leading_tool([later], Target(id="accounts")) == "later"


def test_a_plain_agent_goes_by_its_id_or_by_livekits_default() -> None:
    @function_tool
    async def one() -> Agent:
        """Go on."""
        return Agent(instructions="You greet.")

    @function_tool
    async def other() -> Agent:
        """Go on."""
        return Agent(id="desk", instructions="You greet.")

    assert leading_tool([one, other], Target(id="default_agent")) == "one"
    assert leading_tool([one, other], Target(id="desk")) == "other"


def test_a_task_that_a_tool_awaits_is_where_it_leads() -> None:
    @function_tool
    async def go_on() -> str:
        """Go on."""
        return await Survey()

    assert leading_tool([go_on, *BESIDE], Target(id="survey")) == "go_on"


def test_instances_of_one_class_are_told_apart_by_name_and_words() -> None:
    @function_tool
    async def transfer_to_claims() -> Agent:
        """Transfer to claims."""
        return Desk("claims")

    @function_tool
    async def money_matters() -> Agent:
        """Transfer to payments."""
        return Desk("payments")

    tools = [transfer_to_claims, money_matters]
    for topic, name in (("claims", "transfer_to_claims"), ("payments", "money_matters")):
        assert leading_tool(tools, Target(id="desk", where={"topic": topic})) == name


def test_of_two_tools_that_lead_there_none_is_guessed() -> None:
    tools = [transfer_tool(Billing, "one"), transfer_tool(Billing, "other")]

    assert leading_tool(tools, Target(id="billing")) is None


def test_the_better_of_two_tools_is_taken() -> None:
    @function_tool
    async def anywhere(topic: str) -> Agent:
        """Go on."""
        return Billing() if topic == "x" else Technical()

    tools = [anywhere, transfer_tool(Billing, "go_on")]
    assert leading_tool(tools, Target(id="billing")) == "go_on"
    assert leading_tool([anywhere], Target(id="technical")) == "anywhere"


def test_where_no_tool_leads_there_is_none() -> None:
    assert leading_tool(BESIDE, Target(id="manager")) is None
    assert leading_tool([], Target(id="billing")) is None


def test_tools_without_source_go_by_their_names() -> None:
    scope: dict[str, Any] = {}
    source = "async def transfer_to_billing():\n    'Go on.'\n    return None\n"
    exec(source, scope)  # noqa: S102 - the way to a function without source
    tool = function_tool(scope["transfer_to_billing"])

    assert leading_tool([*BESIDE, tool], Target(id="billing_agent")) == "transfer_to_billing"


class Kind(Enum):
    REFUND = "refund"
    INVOICE = "invoice"


class Address(BaseModel):
    street: str
    number: int
    note: str = ""


def tool_taking(annotation: Any) -> llm.Tool:
    async def record(value: Any) -> Any:
        """Record it."""
        return value

    record.__annotations__["value"] = annotation
    return function_tool(record)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (str, "the caller asked for it"),
        (int, 1),
        (float, 1.0),
        (bool, True),
        (list[str], []),
        (Literal["claims", "payments"], "claims"),
        (Literal["claims"], "claims"),
        (Kind, "refund"),
        (Address, {"street": "the caller asked for it", "number": 1}),
        (int | None, 1),
        (Annotated[int, Field(description="in years")], 1),
        (dict[str, int], {}),
    ],
)
def test_a_tool_that_is_called_for_its_handoff_gets_arguments_of_its_types(
    annotation: Any, value: Any
) -> None:
    assert placeholder_arguments(tool_taking(annotation)) == {"value": value}


def test_what_a_tool_does_not_need_it_does_not_get() -> None:
    @function_tool
    async def record(words: str, note: str = "") -> str:
        """Record it."""
        return words + note

    assert placeholder_arguments(record) == {"words": "the caller asked for it"}


def test_a_tool_without_parameters_gets_none() -> None:
    assert placeholder_arguments(returns_an_agent) == {}
