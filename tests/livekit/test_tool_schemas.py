"""A tool is described as livekit describes it, but not anew at each request."""

from typing import Any, Literal

import pytest
from livekit.agents import Agent, function_tool, llm
from livekit.agents.llm import utils

from handoff_evals.livekit import schemas


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You answer.")

    @function_tool
    async def book(self, day: Literal["mon", "tue"], seats: int = 2) -> str:
        """Book a table.

        Args:
            day: the day.
            seats: how many.
        """
        return f"{day} {seats}"

    @function_tool(raw_schema={"name": "raw", "parameters": {"type": "object", "properties": {}}})
    async def raw(self, raw_arguments: dict[str, object]) -> None: ...


def by_livekit(agent: Agent) -> list[dict[str, Any]]:
    described = llm.ToolContext(agent.tools).parse_function_tools("openai", strict=False)
    return [each["function"] for each in described]


def test_it_is_what_livekit_says_of_every_instance() -> None:
    for agent in (Desk(), Desk()):
        shown: list[dict[str, Any]] = [
            {"name": each.name, "description": each.description, "parameters": each.parameters}
            for each in schemas(agent.tools)
        ]
        assert shown == [{"description": "", **each} for each in by_livekit(agent)]
    assert shown[0]["parameters"]["properties"]["day"]["enum"] == ["mon", "tue"]


def test_a_function_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    schemas(Desk().tools)
    monkeypatch.delattr(utils, "build_legacy_openai_schema")
    assert [each.name for each in schemas(Desk().tools)] == ["book", "raw"]


def test_what_is_said_of_it_later_is_seen() -> None:
    def made() -> llm.FunctionTool[Any, Any]:
        @function_tool
        async def lookup() -> str:
            """Look it up."""
            return ""

        return lookup

    tool = made()
    assert [each.description for each in schemas([tool])] == ["Look it up."]
    tool.info.description = "Look it up at once."
    assert [each.description for each in schemas([tool])] == ["Look it up at once."]
