"""What calling the tools of agents shows of their graph."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, function_tool

from handoff_evals.graph import HandoffGraph
from handoff_evals.livekit import AgentEntry
from handoff_evals.models import Exploration, Explorer, ExploreSettings
from tests.support.imports import forgotten
from tests.support.shapes import FLOW, FLOW_JSON, INSIDE, REGISTRY, source


async def explored(
    entry: AgentEntry, known: HandoffGraph | None = None, **settings: Any
) -> Exploration:
    made = ExploreSettings(**settings)
    return await Explorer(entry, known=known or HandoffGraph(), settings=made).explore()


def edges(found: Exploration) -> set[str]:
    return {f"{edge.old} -> {edge.new} {edge.via}" for edge in found.graph.edges}


@pytest.fixture
def of(tmp_path: Path) -> Any:
    """Explore a file of that text."""

    async def run(name: str, text: str, reference: str) -> Exploration:
        (tmp_path / name).write_text(source(text))
        (tmp_path / "flow.json").write_text(source(FLOW_JSON))
        with forgotten(tmp_path):
            return await explored(AgentEntry.load(reference, folder=tmp_path), thorough=True)

    return run


async def test_agents_of_a_registry_are_found_where_something_has_to_be_recorded_first(
    of: Callable[..., Any],
) -> None:
    found = await of("restaurant.py", REGISTRY, "restaurant:entrypoint")
    assert edges(found) == {
        "greeter -> takeaway to_takeaway",
        "takeaway -> checkout to_checkout",
    }
    assert len(found.ways["checkout"]) == 3


async def test_agents_of_one_class_are_told_apart_by_an_attribute(of: Callable[..., Any]) -> None:
    found = await of("flow_bot.py", FLOW, "flow_bot:server")
    assert found.watch.attributes == {"node"}
    assert edges(found) == {
        "flow_agent[node=welcome] -> flow_agent[node=sales] goto_sales",
        "flow_agent[node=sales] -> flow_agent[node=welcome] goto_welcome",
    }
    assert not found.shared_ids


async def test_words_that_a_call_brings_make_no_other_agent(of: Callable[..., Any]) -> None:
    found = await of("clinic.py", INSIDE, "clinic:server")
    assert edges(found) == {"reception -> accounts pay_bill"}
    assert not found.shared_ids
    assert found.graph.first == "reception"


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are a desk.")

    @function_tool
    async def route(self, urgent: bool = False) -> Agent | str:  # noqa: FBT001, FBT002
        """Route the call."""
        return Urgent() if urgent else "They stay."


class Urgent(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="It is urgent.")


async def test_a_flag_that_may_be_left_out_is_tried() -> None:
    assert edges(await explored(AgentEntry.of(Desk))) == {"desk -> urgent route"}


class Plain(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are plain.")

    @function_tool
    async def to_a(self) -> Agent:
        """Transfer to a."""
        return Agent(instructions="a" * 300)

    @function_tool
    async def to_b(self) -> Agent:
        """Transfer to b."""
        return Agent(instructions="b" * 300)


async def test_agents_that_nothing_tells_apart_are_named() -> None:
    found = await explored(AgentEntry.of(Plain), thorough=True)
    assert found.shared_ids == {"default_agent"}
    assert "several agents have the id 'default_agent'" in found.notes[0]


class Raising(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="x")

    @function_tool
    async def hand_over(self) -> Agent:
        """Transfer."""
        raise RuntimeError("no database")


async def test_a_tool_that_raises_ends_nothing() -> None:
    found = await explored(AgentEntry.of(Raising))
    assert found.graph.labels == ("raising",)
    assert found.complete


async def test_an_agent_that_can_not_be_made_is_told() -> None:
    def broken(_model: object) -> Agent:
        raise RuntimeError("no key")

    found = await explored(AgentEntry.of(broken))
    assert "no key" in found.notes[0]
    assert found.graph.labels == ()


async def test_time_that_is_up_is_told() -> None:
    found = await explored(AgentEntry.of(Desk), seconds=0.0)
    assert found.notes == ("time was up before every tool was called: edges may be missing",)
