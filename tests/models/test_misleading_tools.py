"""The oracle on tools that lead elsewhere than they say, and on those that only seem to.

Each agent here is a front desk whose tools are written as `name(arguments) -> agent`, the way
people name them. `right` are those that a reasonable model comes to the expected agent with;
`swapped` are those where it would come to another one.
"""

from collections.abc import Callable
from typing import Literal

import pytest
from livekit.agents import Agent, AgentSession, function_tool, llm

from handoff_evals.checks import score
from handoff_evals.scenarios import ExpectedCall, Scenario
from tests.support.oracle_play import Greeting, called, play, turn


class Desk(Greeting):
    """Any agent behind the front desk; LiveKit gives a plain `Agent` no id of its own."""


def desk(name: str) -> Agent:
    return Desk(id=name, instructions=f"You are {name}.")


def tool(name: str, to: str, says: str = "Go on.") -> llm.Tool:
    @function_tool(name=name, description=says)
    async def go() -> Agent:
        return desk(to)

    return go


def one_of(name: str, says: str = "Go on.", **to: str) -> llm.Tool:
    """A tool with an argument that lists where it leads."""

    async def handler(raw_arguments: dict[str, str]) -> Agent:
        return desk(to[raw_arguments["where"]])

    where = {"type": "string", "enum": list(to)}
    parameters = {"type": "object", "properties": {"where": where}, "required": ["where"]}
    schema = {"name": name, "description": says, "parameters": parameters}
    return function_tool(handler, raw_schema=schema)


class Front(Greeting):
    def __init__(self, *tools: llm.Tool) -> None:
        super().__init__(id="front", instructions="You answer.", tools=list(tools))


async def outcome(target: str, *tools: llm.Tool, front: Callable[[], Agent] | None = None) -> str:
    """The status of the trial that expects `target`, and what the fault says."""
    first = front or (lambda: Front(*tools))
    status, transcript = await play(
        lambda model: (first(), AgentSession(llm=model)), turn("There.", target)
    )
    causes = [fault.cause for fault in transcript.faults]
    return " ".join([status, *causes])


MISLED = "failed misleading_tool"
BILLING = "billing_agent"
SUPPORT = "support_agent"


def pair(first: str, second: str) -> Callable[[str, str], tuple[llm.Tool, ...]]:
    return lambda one, other: (tool(first, one), tool(second, other))


NAMED = {
    "transfer_to": pair("transfer_to_billing", "transfer_to_support"),
    "with the noun": pair("transfer_to_billing_agent", "transfer_to_support_agent"),
    "verb behind": pair("billing_transfer", "support_transfer"),
    "bare": pair("billing", "support"),
    "camel case": pair("transferToBilling", "transferToSupport"),
    "connect": pair("connect_to_billing_team", "connect_to_support_team"),
    "escalate": pair("escalate_to_billing_desk", "send_caller_to_support"),
    "back": pair("back_to_billing", "go_back_to_support"),
    "route": pair("route_call_to_billing", "route_call_to_support"),
    "plural": pair("to_billings", "to_supports"),
    "by description": lambda one, other: (
        tool("first", one, "Transfer the caller to the billing team."),
        tool("second", other, "Use this to hand the call over to support when asked for help."),
    ),
    "described with an id": lambda one, other: (
        tool("first", one, "Hands over to billing_agent"),
        tool("second", other, "Hands over to support_agent"),
    ),
    "one of two by a list": lambda one, other: (
        one_of("transfer_to_agent", billing=one, support=other),
    ),
    "a list of ids": lambda one, other: (
        one_of("handoff", billing_agent=one, support_agent=other),
    ),
    "a list beside an ordinary list": lambda one, other: (
        one_of("handoff", billing=one, support=other),
        one_of("note_topic", billing="front", support="front"),
    ),
    "one named, one not": lambda one, other: (
        tool("transfer_to_billing", one),
        tool("go_on", other),
    ),
}


@pytest.mark.parametrize("tools", NAMED.values(), ids=NAMED)
async def test_tools_that_lead_where_they_say_pass(
    tools: Callable[[str, str], tuple[llm.Tool, ...]],
) -> None:
    assert await outcome(BILLING, *tools(BILLING, SUPPORT)) == "passed"
    assert await outcome(SUPPORT, *tools(BILLING, SUPPORT)) == "passed"


@pytest.mark.parametrize("tools", NAMED.values(), ids=NAMED)
async def test_tools_that_are_swapped_fail(
    tools: Callable[[str, str], tuple[llm.Tool, ...]],
) -> None:
    assert await outcome(BILLING, *tools(SUPPORT, BILLING)) == MISLED


def registry(**agents: str) -> Callable[[], Agent]:
    """A front desk that looks up agents by a text that its tool is given."""

    class Registry(Front):
        @function_tool
        async def handoff(self, to: str) -> Agent | str:
            """Hand the caller over.

            Args:
                to: who should take the call
            """
            return desk(agents[to]) if to in agents else "Nobody there."

    return Registry


KEYS = {"billing": BILLING, "support": SUPPORT}


class Keyed(Front):
    @function_tool
    async def handoff(self, to: str) -> Agent:
        """Hand the caller over."""
        if to == "billing":
            return desk(SUPPORT)
        return desk(BILLING if to == "support" else "front")


class Fallback(Front):
    """Says nothing of billing: money is what leads there."""

    @function_tool
    async def handoff(self, to: Literal["money", "anything"]) -> Agent:
        """Hand the caller over."""
        return desk(BILLING if to == "money" else SUPPORT)

    @function_tool
    async def route(self, reason: str) -> Agent:
        """Route the call."""
        return desk(BILLING if "invoice" in reason else SUPPORT)


TABLE = {"billing": "support_agent", "support": "billing_agent"}


class Looked(Front):
    @function_tool
    async def handoff(self, to: str) -> Agent:
        """Hand the caller over."""
        return desk(TABLE.get(to, "front"))


def in_userdata(says: str, argument: str, **agents: str) -> Callable[[], Agent]:
    """Looks agents up where nobody can read which there are, but for the description."""

    async def handler(raw_arguments: dict[str, str]) -> Agent:
        return desk(agents[raw_arguments["agent_name"]])

    properties = {"agent_name": {"type": "string", "description": argument}}
    parameters = {"type": "object", "properties": properties, "required": ["agent_name"]}
    schema = {"name": "transfer", "description": says, "parameters": parameters}
    return lambda: Front(function_tool(handler, raw_schema=schema))


class Guarded(Front):
    """Leads to whoever verifies callers, until the caller is verified."""

    def __init__(self) -> None:
        super().__init__()
        self.verified = False

    @function_tool
    async def check_birthday(self) -> str:
        """Check it."""
        self.verified = True
        return "checked"

    @function_tool
    async def transfer_to_billing(self) -> Agent:
        """Transfer to billing."""
        return desk(BILLING if self.verified else "verification_agent")


class Refusing(Front):
    @function_tool
    async def transfer_to_billing(self) -> str:
        """Transfer to billing."""
        return "Not for you."

    @function_tool
    async def take_the_side_door(self) -> Agent:
        """Go on."""
        return desk(BILLING)


@pytest.mark.parametrize(
    ("target", "front", "expected"),
    [
        (BILLING, registry(billing=BILLING, support=SUPPORT), "passed"),
        (BILLING, registry(accounts=SUPPORT, billing=BILLING), "passed"),
        (BILLING, Keyed, MISLED),
        (BILLING, Looked, MISLED),
        (BILLING, in_userdata("", "billing or support", billing=SUPPORT, support=BILLING), MISLED),
        (
            BILLING,
            in_userdata("Who: 'billing', 'support'.", "", billing=SUPPORT, support=BILLING),
            MISLED,
        ),
        (
            SUPPORT,
            in_userdata("", "One of: billing, support", billing=BILLING, support=SUPPORT),
            "passed",
        ),
        (
            BILLING,
            in_userdata("'money' for the billing team", "", money=BILLING),
            "passed",
        ),
        (BILLING, Fallback, "passed"),
        (SUPPORT, Fallback, "passed"),
        (BILLING, Guarded, "passed"),
        (BILLING, Refusing, "passed"),
    ],
)
async def test_agents_that_look_up_whom_they_hand_over_to(
    target: str, front: Callable[[], Agent], expected: str
) -> None:
    assert await outcome(target, front=front) == expected


UNCLEAR = {
    "a synonym": ("manager_agent", [("escalate", "manager_agent"), ("end", "front")]),
    "another word": (BILLING, [("transfer_to_accounts", BILLING), ("transfer_to_help", SUPPORT)]),
    "a swapped synonym": (BILLING, [("transfer_to_accounts", SUPPORT), ("transfer_to_x", BILLING)]),
    "half of the name": ("tech_support", [("transfer_to_support", "tech_support")]),
    "half of two names": (
        "support",
        [("transfer_to_support", "tech_support"), ("transfer_to_general_help", "support")],
    ),
    "an id with a prefix": ("acme_billing", [("to_billing", "acme_billing"), ("to_x", "acme_x")]),
    "numbers": ("agent_2", [("to_agent_1", "agent_1"), ("to_agent_2", "agent_2")]),
    "numbers without": ("desk_12", [("go_to_2", "desk_2"), ("go_to_12", "desk_12")]),
    "a pool": ("billing_2", [("transfer_to_billing", "billing_2")]),
    "a pool of one": ("billing_2", [("transfer_to_billing", "billing_1"), ("next", "billing_2")]),
    "back": ("lobby", [("back", "lobby"), ("transfer_to_billing", BILLING)]),
    "finish": ("next_step", [("finish_intake", "next_step"), ("cancel", "intake")]),
    "finish to its name": ("intake", [("finish_intake", "review"), ("restart", "intake")]),
    "an ordinary tool": (BILLING, [("check_billing", "front"), ("forward", BILLING)]),
    "two of one name": (BILLING, [("to_billing", SUPPORT), ("transfer_to_billing", BILLING)]),
    "joined words": ("front_desk_agent", [("return_to_frontdesk", "front_desk_agent")]),
    "a verb in the id": ("dispatch_agent", [("dispatch", "dispatch_agent"), ("to_x", "x")]),
    "an office": ("back_office", [("transfer_to_back_office", "back_office"), ("to_x", "x")]),
}


@pytest.mark.parametrize(("target", "tools"), UNCLEAR.values(), ids=UNCLEAR)
async def test_what_names_only_seem_to_say_fails_nothing(
    target: str, tools: list[tuple[str, str]]
) -> None:
    assert await outcome(target, *(tool(name, to) for name, to in tools)) == "passed"


SWAPPED = {
    "numbers": ("agent_2", [("to_agent_1", "agent_2"), ("to_agent_2", "agent_1")]),
    "numbers without": ("desk_12", [("go_to_2", "desk_12"), ("go_to_12", "desk_2")]),
    "a shared prefix": (
        "acme_billing",
        [("to_billing", "acme_support"), ("to_support", "acme_billing")],
    ),
    "two words": (
        "order_status",
        [("transfer_to_order_status", "returns"), ("transfer_to_returns", "order_status")],
    ),
    "joined words": ("front_desk_agent", [("to_frontdesk", "x"), ("to_x", "front_desk_agent")]),
    "three around": ("a", [("to_a", "b"), ("to_b", "c"), ("to_c", "a")]),
    "two lead to one": (BILLING, [("to_billing", SUPPORT), ("to_support", SUPPORT)]),
    "an office": ("back_office", [("transfer_to_back_office", "x"), ("to_x", "back_office")]),
}


@pytest.mark.parametrize(("target", "tools"), SWAPPED.values(), ids=SWAPPED)
async def test_swapped_names_fail_however_agents_are_named(
    target: str, tools: list[tuple[str, str]]
) -> None:
    # What all ids begin with tells nothing, which takes agents that the code names.
    front = known(tools)
    assert await outcome(target, front=front) == MISLED


def known(tools: list[tuple[str, str]]) -> Callable[[], Agent]:
    agents = {name: desk(to) for name, to in tools}

    def made(name: str) -> llm.Tool:
        agent = agents[name]

        @function_tool(name=name, description="Go on.")
        async def go() -> Agent:
            return agent

        return go

    return lambda: Front(*(made(name) for name, _ in tools))


DESCRIBED = {
    "either": "Transfer the caller to billing or to support, as the caller wishes.",
    "a condition": "Transfer to billing if the caller is verified.",
    "a list": "Transfer to billing, support and sales.",
    "a warning": "Never transfer to billing with this.",
    "in passing": "Take a note. The billing team reads it.",
}


@pytest.mark.parametrize("says", DESCRIBED.values(), ids=DESCRIBED)
async def test_a_description_that_says_more_than_one_agent_fails_nothing(says: str) -> None:
    tools = (tool("first", SUPPORT, says), tool("second", BILLING))

    assert await outcome(BILLING, *tools) == "passed"


async def test_descriptions_that_contradict_the_names_fail_nothing() -> None:
    tools = (
        tool("transfer_to_billing", BILLING, "Transfer to support."),
        tool("transfer_to_support", SUPPORT, "Transfer to billing."),
    )
    assert await outcome(BILLING, *tools) == "passed"


async def test_a_misleading_tool_is_a_wrong_handoff_and_says_what_to_do() -> None:
    step = turn("My bill.", BILLING)
    tools = (tool("transfer_to_billing", SUPPORT), tool("transfer_to_support", BILLING))
    _, transcript = await play(lambda model: (Front(*tools), AgentSession(llm=model)), step)

    assert called(transcript) == ["transfer_to_billing"]
    reasons = [each.reason for each in score(Scenario(label="Any", turns=(step,)), transcript)]
    assert "wrong: expected billing_agent, active support_agent" in reasons
    assert transcript.faults[0].detail == (
        "transfer_to_billing of front leads by its name to 'billing_agent', but it led to "
        "'support_agent'. Correct the tool; or write into the `expect:` of turn 1 which one leads "
        "there: `calls: [{name: TOOL}]`"
    )


async def test_the_tool_that_the_file_names_is_used_whatever_its_name_says() -> None:
    step = turn("My bill.", BILLING, calls=(ExpectedCall(name="transfer_to_support"),))
    tools = (tool("transfer_to_billing", SUPPORT), tool("transfer_to_support", BILLING))
    status, _ = await play(lambda model: (Front(*tools), AgentSession(llm=model)), step)

    assert status == "passed"
