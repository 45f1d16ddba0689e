"""Agents whose models are asked something else in each process, though nobody has edited them.

Enums and texts are made from sets, tools come in the order of a set of objects, the prompt has
the date and ids are drawn at random. `play` makes a model that hands such an id back to a tool.
"""

import re
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from livekit.agents import Agent, AgentSession, AgentTask, FunctionTool, function_tool, llm
from livekit.agents.beta.workflows import TaskGroup
from pydantic import Field

from handoff_evals.livekit import Reply, Request, ScriptedLLM
from handoff_evals.livekit.scripted import tool_call

TOPICS = {"billing", "technical", "sales", "returns", "other"}
LEVELS = tuple({"low", "high", "urgent"})
QUESTIONS = {"name": "the caller's name", "city": "the caller's city", "age": "the caller's age"}
ENUM = Field(json_schema_extra={"enum": list(TOPICS)})


def look_up(name: str) -> FunctionTool[Any, Any]:
    """A tool that is made from the dictionary."""

    @function_tool(name=f"look_up_{name}", description=f"Look up {QUESTIONS[name]}.")
    async def look() -> str:
        return f"{name} is known"

    return look


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(
            id="desk",
            instructions=f"You are the desk. Topics are {TOPICS}. Today is {datetime.now(UTC):%A}.",
            tools=list({look_up(name) for name in QUESTIONS}),
        )
        self.ticket = ""

    @function_tool
    async def open_ticket(
        self,
        topic: Annotated[str, ENUM],
        level: Literal[LEVELS],  # type: ignore[valid-type]  # made at run time, as users do
    ) -> dict[str, Any]:
        """Open a ticket."""
        self.ticket = f"T-{secrets.token_hex(4)}"
        made = {"ticket": self.ticket, "trace": str(uuid.uuid4()), "at": time.time()}
        return {**made, "topic": topic, "level": level, "topics": TOPICS}

    @function_tool
    async def confirm(self, ticket: str) -> str:
        """Confirm a ticket."""
        if ticket != self.ticket:
            raise LookupError(f"there is no ticket {ticket}")
        return f"confirmed {ticket}"

    @function_tool
    async def sign_up(self) -> Agent:
        """Sign the caller up."""
        group = TaskGroup(summarize_chat_ctx=False)
        for name, description in QUESTIONS.items():
            group.add(lambda name=name: Ask(name), id=name, description=description)  # type: ignore[misc]  # bound per round
        return Done((await group).task_results)


class Ask(AgentTask[str]):
    def __init__(self, what: str) -> None:
        super().__init__(instructions=f"Ask for {QUESTIONS[what]}.")

    async def on_enter(self) -> None:
        self.session.generate_reply()

    @function_tool
    async def record(self, value: str) -> None:
        """Record the answer."""
        self.complete(value)


class Done(Agent):
    def __init__(self, results: dict[str, Any]) -> None:
        super().__init__(id="done", instructions=f"All is known: {results}.")

    async def on_enter(self) -> None:
        self.session.generate_reply()


def open_call(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[None]]:
    return Desk(), AgentSession(llm=model)


def answer(request: Request) -> Reply:
    names, said, last = request.tool_names, request.last_user_text, request.last_item
    if isinstance(last, llm.FunctionCallOutput):
        found = re.search(r"T-\w+", last.output)
        if found and last.name == "open_ticket":
            return ["It is ", found[0], tool_call("confirm", ticket=found[0])]
        return f"Done: {last.output}"
    if "open_ticket" in names and "ticket" in said:
        return tool_call("open_ticket", topic="billing", level="high")
    if "sign_up" in names and "Sign" in said:
        return tool_call("sign_up")
    if "record" in names and said.startswith("It is"):
        return tool_call("record", value=said)
    return "Please?"


def play() -> ScriptedLLM:
    return ScriptedLLM(answer)
