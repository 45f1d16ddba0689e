"""The livekit LLM of an endpoint, against a server that says what a test tells it to."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest
from aiohttp import web
from livekit.agents import Agent, AgentSession, APIConnectOptions, APIError, function_tool, llm
from pydantic import BaseModel

from handoff_evals.local_model import Endpoint
from handoff_evals.models.endpoint_llm import endpoint_llm

USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 5,
    "total_tokens": 35,
    "prompt_tokens_details": {"cached_tokens": 20},
}
ONCE = APIConnectOptions(max_retry=0)


@function_tool
async def to_billing() -> None:
    """Pass on to billing."""


@function_tool
async def record_name(name: str) -> None:
    """Record the name."""


TOOLS: list[llm.Tool] = [to_billing, record_name]


@dataclass(kw_only=True)
class Server:
    """Streams what it is told to, and keeps what it was asked."""

    deltas: list[dict[str, Any]]
    failures: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        if len(self.bodies) <= self.failures:
            return web.json_response({"error": {"message": "not yet"}}, status=500)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        reason = "tool_calls" if "tool_calls" in self.deltas[-1] else "stop"
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": delta}]} for delta in self.deltas
        ]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        chunks.append({"choices": [], "usage": USAGE})
        for chunk in chunks:
            whole = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            await response.write(f"data: {json.dumps({**whole, **chunk})}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


def says(*texts: str) -> Server:
    return Server(deltas=[{"content": text} for text in texts])


def calls(name: str, arguments: str) -> Server:
    function = {"name": name, "arguments": arguments[:3]}
    return Server(
        deltas=[
            {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": arguments[3:]}}]},
        ]
    )


@asynccontextmanager
async def model(server: Server, **options: Any) -> AsyncIterator[llm.LLM[Any]]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    endpoint = Endpoint(
        base_url=f"http://{host}:{port}/v1",
        api_key="secret",
        provider="local",
        model="tiny+examples",
        no_tool="None: ",
    )
    try:
        async with endpoint_llm(endpoint, **options) as made:
            yield made
    finally:
        await runner.cleanup()


async def ask(server: Server, **options: Any) -> llm.CollectedResponse:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Hi.")
    options = {"tools": TOOLS, "conn_options": ONCE, **options}
    async with model(server) as made:
        return await made.chat(chat_ctx=context, **options).collect()


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


async def test_a_reply_comes_through_as_it_is_streamed() -> None:
    answer = await ask(says("Hello", " there."))
    assert answer.text == "Hello there."
    assert answer.tool_calls == []


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (("None: Hello."), "Hello."),
        (("None", ":", " Hello", "."), "Hello."),
        (("None:\n", "\nHello."), "Hello."),
        (("No", ", sorry."), "No, sorry."),
        (("No",), "No"),
        (("None", " of them."), "None of them."),
        (("None", ":"), ""),
        (("Well. None: so."), "Well. None: so."),
    ],
)
async def test_what_announces_that_no_tool_is_called_is_no_part_of_the_reply(
    texts: tuple[str, ...] | str, text: str
) -> None:
    answer = await ask(says(*([texts] if isinstance(texts, str) else texts)))
    assert answer.text == text


async def test_without_tools_nothing_is_taken_away() -> None:
    assert (await ask(says("None: ", "so."), tools=[])).text == "None: so."


async def test_a_streamed_call_comes_through() -> None:
    answer = await ask(calls("record_name", '{"name": "Al"}'))
    (call,) = answer.tool_calls
    assert (call.name, call.arguments, call.call_id) == ("record_name", '{"name": "Al"}', "c1")
    assert answer.text == ""


@pytest.mark.parametrize("choice", ["auto", "required"])
async def test_usage_comes_through_with_what_was_cached(choice: str) -> None:
    usage = (await ask(says('{"to_billing": {}}'), tool_choice=choice)).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.prompt_cached_tokens, usage.completion_tokens) == (30, 20, 5)


async def test_tools_are_shown_and_the_choice_is_the_models() -> None:
    server = says("Hello.")
    await ask(server)
    (body,) = server.bodies
    assert [each["function"]["name"] for each in body["tools"]] == ["to_billing", "record_name"]
    assert "tool_choice" not in body
    assert "response_format" not in body


async def test_none_leaves_the_tools_out() -> None:
    server = says("Hello.")
    await ask(server, tool_choice="none")
    (body,) = server.bodies
    assert "tools" not in body
    assert "tool_choice" not in body


async def test_required_shows_the_tools_and_holds_the_model_to_one_call_of_one_of_them() -> None:
    server = says('{"record_name"', ': {"name": "Zoë"}}')
    answer = await ask(server, tool_choice="required")
    (call,) = answer.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("record_name", {"name": "Zoë"})
    assert call.call_id
    assert answer.text == ""
    (body,) = server.bodies
    assert len(body["tools"]) == len(TOOLS)
    assert "tool_choice" not in body
    allowed = body["response_format"]["json_schema"]["schema"]["anyOf"]
    assert [each["required"] for each in allowed] == [["to_billing"], ["record_name"]]
    assert all(each["additionalProperties"] is False for each in allowed)
    assert allowed[1]["properties"]["record_name"]["required"] == ["name"]


async def test_a_named_tool_is_the_only_one_that_is_allowed() -> None:
    server = says('{"to_billing": {}}')
    answer = await ask(server, tool_choice=named("to_billing"))
    assert [call.name for call in answer.tool_calls] == ["to_billing"]
    (body,) = server.bodies
    assert len(body["tools"]) == len(TOOLS)
    (allowed,) = body["response_format"]["json_schema"]["schema"]["anyOf"]
    assert allowed["required"] == ["to_billing"]


async def test_a_named_tool_that_is_not_there_is_an_error_that_says_which_are() -> None:
    with pytest.raises(ValueError, match=r"'nope'; the tools are \['record_name', 'to_billing'\]"):
        await ask(says("Hello."), tool_choice=named("nope"))


async def test_required_without_tools_requires_nothing() -> None:
    server = says("Hello.")
    assert (await ask(server, tools=[], tool_choice="required")).text == "Hello."
    assert "response_format" not in server.bodies[0]


class Colour(Enum):
    """A colour."""

    RED = "red"


class Wish(BaseModel):
    """A wish."""

    colour: Colour


async def test_what_a_schema_refers_to_can_be_found_from_its_root() -> None:
    @function_tool
    async def order(wish: Wish) -> None:
        """Order it."""

    server = says('{"order": {"wish": {"colour": "red"}}}')
    await ask(server, tools=[order], tool_choice="required")
    schema = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert set(schema["$defs"]) == {"Colour", "Wish"}
    assert "$defs" not in schema["anyOf"][0]["properties"]["order"]


@pytest.mark.parametrize("text", ['{"record_name": {"na', "[]", "{}"])
async def test_a_call_that_was_not_finished_is_an_error_of_the_model(text: str) -> None:
    with pytest.raises(APIError, match="did not finish the call"):
        await ask(says(text), tool_choice="required")


async def test_it_is_named_by_the_label_of_the_endpoint() -> None:
    async with model(says("Hello.")) as made:
        assert f"{made.provider}/{made.model}" == "local/tiny+examples"


async def test_seed_temperature_and_key_are_sent() -> None:
    server = says("Hello.")
    async with model(server, seed=7) as made:
        await made.chat(chat_ctx=llm.ChatContext.empty()).collect()
    async with model(server, temperature=None) as made:
        await made.chat(chat_ctx=llm.ChatContext.empty()).collect()
    greedy, plain = server.bodies
    assert (greedy["seed"], greedy["temperature"]) == (7, 0.0)
    assert "seed" not in plain
    assert "temperature" not in plain
    assert set(server.keys) == {"Bearer secret"}


async def test_retries_are_as_many_as_asked_for() -> None:
    server = Server(deltas=[{"content": "Hello."}], failures=2)
    retries = APIConnectOptions(max_retry=2, retry_interval=0.0)
    assert (await ask(server, conn_options=retries)).text == "Hello."
    assert len(server.bodies) == 3


async def test_a_session_is_answered_by_it() -> None:
    async with model(says("None: ", "Hello there.")) as made, AgentSession(llm=made) as session:
        await session.start(Agent(instructions="You greet.", tools=[to_billing]))
        await session.run(user_input="Hi.")
        assert session.history.messages()[-1].text_content == "Hello there."
