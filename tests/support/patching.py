"""A user's module, whose factories set what all conversations of a process share."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest import mock

from livekit.agents import Agent, AgentSession, function_tool, inference, llm

CITY = "nowhere"
SETTINGS: dict[str, Any] = {"of": {"this call": "nothing"}}
LOG: list[str] = []
numbers = count(1)


class Desk(Agent):
    """Says what the process says of its call, and what it was made for."""

    office = "none"

    def __init__(self, number: str) -> None:
        super().__init__(instructions="You sell.")
        self._number = number

    @function_tool
    async def look(self) -> str:
        """Look."""
        for _ in range(5):  # others run meanwhile
            await asyncio.sleep(0)
        seen = {
            CITY,
            self.office,
            os.environ.get("HANDOFF_EVALS_CITY", "unset"),
            SETTINGS["of"]["this call"],
        }
        LOG.append(f"{self._number} saw {'+'.join(sorted(seen))}")
        return "seen"


def sets_everything(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Any]]:
    global CITY  # noqa: PLW0603 - what is tested
    number = f"call {next(numbers)}"
    CITY = Desk.office = os.environ["HANDOFF_EVALS_CITY"] = number
    SETTINGS["of"]["this call"] = number
    return Desk(number), AgentSession(llm=model)


def sets_nothing(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Any]]:
    return Desk("a plain call"), AgentSession(llm=model)


@contextmanager
def patches_livekit(model: llm.LLM[Any]) -> Iterator[tuple[Agent, AgentSession[Any]]]:
    """A patch that is undone, but would be so in the wrong order if two calls overlapped."""
    with mock.patch.object(inference, "LLM", return_value=model):
        yield Desk("patched"), AgentSession(llm=inference.LLM("openai/gpt-4.1-mini"))
