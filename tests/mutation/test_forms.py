"""Handoffs, tools and contexts, in the forms in which people write them."""

import ast
import textwrap
from pathlib import Path

from handoff_evals.agent_source import AgentModule, RuntimeFacts
from handoff_evals.mutation import chosen_operators
from handoff_evals.mutation.selection import find
from tests.mutation.sources import told

AGENTS = """
class Front(Agent): ...
class Billing(Agent): ...
class Support(Agent): ...
REGISTRY = {"billing": Billing, "support": lambda: Support()}
BILLING = Billing()
"""


def handoffs(body: str) -> list[str]:
    tool = "@function_tool\nasync def go(context: RunContext, to: str):\n"
    return told(AGENTS + tool + textwrap.indent(textwrap.dedent(body), "    "), NOTHING)


NOTHING = "handoff-returns-nothing"


def test_update_agent_takes_the_agent_by_name_too() -> None:
    assert handoffs("context.session.update_agent(agent=Billing())") == [
        "9 go: no handoff to Billing"
    ]


def test_an_agent_may_come_from_a_variable_a_dictionary_or_a_registry() -> None:
    for body in (
        'found = Billing(), "Bye."\nreturn found',
        "return REGISTRY[to]()",
        "return REGISTRY.get(to, Billing)()",
        'return {"billing": Billing}[to]()',
        "made = REGISTRY[to]\nreturn made()",
        "kind = Billing if to else Support\nreturn kind()",
        'agents = {"billing": BILLING}\nreturn agents[to]',
        "return context.userdata.agents[to]",
    ):
        assert len(handoffs(body)) == 1, body


def test_what_is_no_agent_in_a_dictionary_is_no_handoff() -> None:
    assert handoffs('return {"a": "Sure.", "b": "No."}[to]') == []


def test_tools_are_found_in_lists_that_stand_elsewhere() -> None:
    source = """
    @function_tool
    async def to_billing(context: RunContext):
        return Billing()

    @function_tool
    async def look_up(context: RunContext): ...

    COMMON = [look_up]
    ALL = [*COMMON, to_billing]

    class Front(Agent):
        def __init__(self):
            tools = COMMON + [to_billing]
            tools.append(look_up)
            super().__init__(instructions="", tools=tools)

    class Billing(Agent):
        def __init__(self):
            super().__init__(instructions="", tools=ALL)
    """
    assert told(source, "tool-removed") == [
        "9 module: Front has no look_up",
        "15 Front.__init__: Front has no look_up",
    ]
    assert [each.partition(":")[0] for each in told(source, "handoff-tool-removed")] == [
        "10 module",
        "14 Front.__init__",
    ]


def test_an_alias_of_run_context_is_one() -> None:
    source = """
    from livekit.agents import RunContext as Run
    Context = Run[Data]

    @function_tool
    async def go(ctx: Context):
        return Billing(chat_ctx=a)

    class Billing(Agent): ...
    """
    assert told(source, "handoff-returns-same-agent") == ["7 go: to itself instead of Billing"]


def test_what_a_run_showed_is_seen_where_the_text_does_not_tell() -> None:
    source = """
    class Front(Desk):
        @function_tool
        async def go(self, ctx: Ctx):
            return await find_somebody(ctx)

        def __init__(self):
            super().__init__(instructions="Front.", tools=[elsewhere])
    """
    tree = ast.parse(textwrap.dedent(source))
    facts = RuntimeFacts(
        agents=frozenset({"Front"}), tools=frozenset({"elsewhere"}), returns=frozenset({5})
    )
    names = ["handoff-returns-nothing", "instructions-emptied", "tool-removed"]
    operators = chosen_operators(names)
    blind = AgentModule(path=Path("shop.py"), tree=tree)
    assert find(blind, operators) == ()
    seeing = AgentModule(path=Path("shop.py"), tree=tree, facts=facts)
    assert [each.operator.name for each in find(seeing, operators)] == [
        "handoff-returns-nothing",
        "instructions-emptied",
        "tool-removed",
    ]


def test_a_single_flag_of_a_copied_context_is_left_out() -> None:
    source = """
    def said(agent):
        return agent.chat_ctx.copy(exclude_instructions=True, exclude_handoff=True)

    def all_of_it(session):
        return session.history.copy(exclude_handoff=True)
    """
    assert told(source, "context-flag-dropped") == [
        "3 said: copied without exclude_instructions=True",
        "6 all_of_it: copied without exclude_handoff=True",
    ]


def test_what_is_filled_into_a_text_is_lost() -> None:
    source = """
    class Front(Agent):
        def __init__(self, name):
            logger.info(f"{name} calls")
            if not name:
                raise ValueError(f"no name: {name!r}")
            super().__init__(instructions=f"You talk to {name}.")
            self.bye = "Bye, {}!".format(name)
    """
    assert told(source, "text-not-filled-in") == [
        "7 Front.__init__: not filled in: f'You talk to {name}.'",
        "8 Front.__init__: not filled in: 'Bye, {}!'.format(name)",
    ]
