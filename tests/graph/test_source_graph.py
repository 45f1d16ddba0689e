import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_evals.agent_source import AgentModule
from handoff_evals.graph import Edge, HandoffGraph, source_graph

Reader = Callable[[str], HandoffGraph]
ROOT = Path(__file__).parents[2]


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def read(path: Path) -> HandoffGraph:
    return source_graph([AgentModule.read(path)], default_id=snake)


@pytest.fixture
def of(tmp_path: Path) -> Reader:
    def written(source: str) -> HandoffGraph:
        path = tmp_path / "agents.py"
        path.write_text(textwrap.dedent(source))
        return read(path)

    return written


def shown(graph: HandoffGraph) -> list[str]:
    return [
        f"{edge.old} -> {edge.new} {edge.via} {edge.kind} {edge.context}" for edge in graph.edges
    ]


def test_tools_that_agents_list_lead_to_the_agents_that_they_construct() -> None:
    graph = read(ROOT / "agents" / "customer_service.py")
    assert len(graph.edges) == 10
    assert {ref.id for ref in graph.agents} == {
        "customer_service_agent",
        "billing_agent",
        "technical_support_agent",
        "manager_agent",
    }
    assert {edge.context for edge in graph.edges} == {"said_so_far(context)"}


def test_a_helper_that_a_tool_calls_is_looked_into() -> None:
    graph = read(ROOT / "agents" / "intake.py")
    assert {(edge.pair, edge.via) for edge in graph.edges} == {
        (("intake_agent", "membership_agent"), "record_name"),
        (("intake_agent", "membership_agent"), "record_age"),
    }


def test_a_plain_agent_has_livekits_default_id_whichever_it_is_given(of: Reader) -> None:
    graph = of(
        """
        class Front(Agent):
            @function_tool
            async def rest(self):
                return Agent(instructions="x")

            @function_tool
            async def named(self):
                return Agent(instructions="x", id="named-agent")
        """
    )
    assert {edge.new for edge in graph.edges} == {"default_agent"}


def test_an_id_that_a_class_gives_itself_is_used(of: Reader) -> None:
    graph = of(
        """
        class Front(Agent):
            def __init__(self):
                super().__init__(instructions="x", id="front-desk")

            @function_tool
            async def go(self):
                return Back(chat_ctx=self.chat_ctx)

        class Back(Agent):
            pass
        """
    )
    assert shown(graph) == ["front-desk -> back go handoff self.chat_ctx"]


def test_without_a_context_the_edge_is_fresh(of: Reader) -> None:
    graph = of(
        """
        class Front(Agent):
            @function_tool
            async def go(self):
                return Back()

            @function_tool
            async def empty(self):
                return Back(chat_ctx=ChatContext.empty())

        class Back(Agent):
            pass
        """
    )
    assert {edge.context for edge in graph.edges} == {"fresh"}


def test_hooks_that_hand_over_are_edges_too(of: Reader) -> None:
    graph = of(
        """
        class Front(Agent):
            async def on_enter(self):
                self.session.update_agent(Back())

        class Back(Agent):
            pass
        """
    )
    assert shown(graph) == ["front -> back on_enter handoff fresh"]


def test_a_task_that_is_awaited_is_an_edge_of_its_own_kind(of: Reader) -> None:
    graph = of(
        """
        class Consent(AgentTask[bool]):
            pass

        class Front(Agent):
            async def on_enter(self):
                if await Consent():
                    pass
        """
    )
    assert shown(graph) == ["front -> consent on_enter task "]
    assert graph.tasks == {"consent"}


def test_a_registry_does_not_tell_whom_a_tool_leads_to(of: Reader) -> None:
    graph = of(
        """
        class Front(Agent):
            @function_tool
            async def to_billing(self, context: RunContext):
                return context.userdata.agents["billing"]
        """
    )
    assert graph.edges == ()
    assert graph.unclear == (("front", "to_billing"),)


def test_a_base_class_is_no_agent_of_its_own_and_its_tools_are_those_of_all(of: Reader) -> None:
    graph = of(
        """
        class Base(Agent):
            @function_tool
            async def back(self):
                return Front()

        class Front(Base):
            pass

        class Billing(Base):
            pass
        """
    )
    assert {ref.id for ref in graph.agents} == {"front", "billing"}
    assert (
        Edge(
            old="billing",
            new="front",
            via="back",
            context="fresh",
            known_from=frozenset({"source"}),
        )
        in graph.edges
    )
