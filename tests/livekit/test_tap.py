import asyncio
import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import pytest
from livekit.agents import (
    AgentSession,
    APIConnectionError,
    APIConnectOptions,
    APIError,
    function_tool,
    llm,
)
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.plugins import openai
from pydantic import BaseModel

from handoff_evals.cassettes import Cassette, Mode, ModelIdentity
from handoff_evals.errors import CassetteMissError
from handoff_evals.livekit import Exchange, ScriptedLLM, Tap, WrapperLLM
from handoff_evals.livekit.llm_wrapper import ChatRequest
from handoff_evals.livekit.scripted import tool_call
from handoff_evals.models.endpoint_llm import EndpointLLM
from handoff_evals.transcript import AgentRef, FunctionCall, Usage
from tests.support.phone import Plain, open_call

PLAIN = AgentRef(id="plain")


@function_tool
async def record_age(age: int) -> str:
    """Record the age."""
    return str(age)


class Recording(ScriptedLLM):
    """Keeps the arguments that it was asked with."""

    def __init__(self, script: Any) -> None:
        super().__init__(script)
        self.asked: list[dict[str, Any]] = []

    def chat(self, **given: Any) -> llm.LLMStream:
        """Keep them."""
        self.asked.append(given)
        return super().chat(**given)


class Unreachable(llm.LLM[Any]):
    """Fails so many times before it answers."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.attempts = 0

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        """Answer, or not."""
        return UnreachableStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class UnreachableStream(llm.LLMStream):
    async def _run(self) -> None:
        model = self._llm
        assert isinstance(model, Unreachable)
        model.attempts += 1
        if model.attempts <= model.failures:
            raise APIConnectionError("refused")
        self._event_ch.send_nowait(
            llm.ChatChunk(id="x", delta=llm.ChoiceDelta(role="assistant", content="At last."))
        )


def tapped(inner: llm.LLM[Any], **given: Any) -> tuple[Tap, list[Exchange]]:
    log: list[Exchange] = []
    given = {"purpose": "reply", "agent": lambda: PLAIN, **given}
    return Tap(inner, log=log.append, **given), log


def hello() -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content="You answer.")
    chat_ctx.add_message(role="user", content="Hello?")
    return chat_ctx


async def test_every_chunk_is_passed_on_as_it_came() -> None:
    def script() -> ScriptedLLM:
        return ScriptedLLM([["One moment.", tool_call("record_age", age=34)]])

    tap, _ = tapped(script())
    async with tap.chat(chat_ctx=hello()) as stream:
        through = [chunk.delta async for chunk in stream]
    async with script().chat(chat_ctx=hello()) as stream:
        direct = [chunk.delta async for chunk in stream]

    def plain(delta: llm.ChoiceDelta | None) -> Any:
        made = delta.tool_calls if delta else []
        return (delta and delta.content, [(call.name, call.arguments) for call in made])

    assert [plain(delta) for delta in through] == [plain(delta) for delta in direct]


async def test_everything_that_was_asked_is_passed_on() -> None:
    inner = Recording(["Yes."])
    tap, _ = tapped(inner)
    given: dict[str, Any] = {
        "chat_ctx": hello(),
        "tools": [record_age],
        "conn_options": APIConnectOptions(max_retry=7),
        "parallel_tool_calls": False,
        "tool_choice": "required",
        "extra_kwargs": {"temperature": 0.5},
    }
    await tap.chat(**given).collect()

    (asked,) = inner.asked
    assert asked == given


def parameters(model: Callable[..., Any]) -> set[str]:
    return {
        name
        for name, each in inspect.signature(model).parameters.items()
        if each.kind is not inspect.Parameter.VAR_KEYWORD
    }


@pytest.mark.parametrize("model", [WrapperLLM, ScriptedLLM, EndpointLLM])
def test_every_model_of_ours_takes_what_livekits_models_take(model: type[llm.LLM[Any]]) -> None:
    assert parameters(model.chat) == parameters(llm.LLM.chat)
    of_plugin = dict.fromkeys(parameters(openai.LLM.chat) - {"self"})
    assert set(of_plugin) > parameters(llm.LLM.chat) - {"self"}
    inspect.signature(model.chat).bind(None, **of_plugin)


def test_a_request_to_a_wrapped_model_is_all_that_livekit_knows_of_one() -> None:
    names = {each.name for each in fields(ChatRequest)} - {"more"}
    assert names == parameters(llm.LLM.chat) - {"self"}


async def test_what_only_a_plugins_model_takes_is_passed_on() -> None:
    inner = Recording(["Yes."])
    tap, _ = tapped(inner)
    await tap.chat(chat_ctx=hello(), response_format={"type": "json_object"}, later=1).collect()

    (asked,) = inner.asked
    assert (asked["response_format"], asked["later"]) == ({"type": "json_object"}, 1)


class Order(BaseModel):
    size: Literal["small", "large"]


async def test_a_response_format_is_part_of_the_request_that_is_recorded(tmp_path: Path) -> None:
    async def ask(response_format: Any, mode: Mode) -> str:
        cassette = Cassette(
            suite="S", model=ModelIdentity(label="m"), mode=mode, folders=[tmp_path]
        )
        exchanges = cassette.trial("One", trial=0, seed=0)
        tap, _ = tapped(ScriptedLLM(["Yes."]), exchanges=exchanges)
        stream = tap.chat(chat_ctx=hello(), response_format=response_format)
        return (await stream.collect()).text

    await ask(Order, Mode.AUTO)
    assert await ask(Order, Mode.REPLAY) == "Yes."
    with pytest.raises(CassetteMissError, match="response_format"):
        await ask({"type": "json_object"}, Mode.REPLAY)


async def test_what_was_not_given_stays_not_given() -> None:
    inner = Recording(["Yes."])
    tap, _ = tapped(inner)
    await tap.chat(chat_ctx=hello()).collect()

    (asked,) = inner.asked
    assert asked["tools"] is None
    for name in ("parallel_tool_calls", "tool_choice", "extra_kwargs"):
        assert asked[name] is NOT_GIVEN


async def test_a_request_is_noted_with_what_was_received_and_answered() -> None:
    tap, log = tapped(ScriptedLLM([["One moment.", tool_call("record_age", age=34)]]))
    await tap.chat(chat_ctx=hello(), tools=[record_age], tool_choice="auto").collect()

    (exchange,) = log
    call = exchange.frozen()
    assert [(m["role"], m["content"]) for m in call.messages] == [
        ("system", "You answer."),
        ("user", "Hello?"),
    ]
    assert (call.agent, call.purpose, call.model) == (PLAIN, "reply", "scripted")
    assert [(tool.name, tool.description) for tool in call.tools] == [
        ("record_age", "Record the age.")
    ]
    assert call.tools[0].parameters["properties"]["age"]["type"] == "integer"
    assert call.tool_choice == "auto"
    assert call.text == "One moment."
    assert [(made["name"], made["arguments"]) for made in call.calls] == [
        ("record_age", '{"age": 34}')
    ]
    assert call.usage == Usage(prompt=4, completion=3)
    assert call.ttft_s is not None
    assert 0 <= call.ttft_s <= call.duration_s
    assert (call.error, call.finished) == (None, True)


async def test_a_named_tool_choice_is_noted_by_its_name() -> None:
    tap, log = tapped(ScriptedLLM(["Yes."]))
    choice: llm.ToolChoice = {"type": "function", "function": {"name": "record_age"}}
    await tap.chat(chat_ctx=hello(), tools=[record_age], tool_choice=choice).collect()

    assert log[0].tool_choice == "record_age"


async def test_the_agent_is_whoever_asks_at_the_time() -> None:
    agents = iter(["first", "second"])
    tap, log = tapped(ScriptedLLM(["Yes.", "Yes."]), agent=lambda: AgentRef(id=next(agents)))
    await tap.chat(chat_ctx=hello()).collect()
    await tap.chat(chat_ctx=hello()).collect()

    assert [exchange.agent.id for exchange in log] == ["first", "second"]


@pytest.mark.parametrize(
    ("given", "carried_out"),
    [
        ({"purpose": "reply"}, True),
        ({"purpose": "reply", "tool_choice": "none"}, False),
        ({"purpose": "direct"}, False),
    ],
)
async def test_livekit_carries_out_the_calls_of_a_reply_where_tools_are_allowed(
    given: dict[str, Any], *, carried_out: bool
) -> None:
    choice = given.pop("tool_choice", NOT_GIVEN)
    tap, log = tapped(ScriptedLLM([tool_call("record_age", age=34)]), **given)
    await tap.chat(chat_ctx=hello(), tools=[record_age], tool_choice=choice).collect()

    (exchange,) = log
    exchange.arrivals = (AgentRef(id="a"), AgentRef(id="b"))
    (made,) = exchange.calls
    call = FunctionCall(
        name="record_age", arguments='{"age": 34}', call_id=made["call_id"], agent=PLAIN
    )
    assert exchange.made() == ([(2, call)] if carried_out else [])


@pytest.mark.parametrize(("failures", "retries", "attempts"), [(9, 2, 3), (9, 0, 1), (1, 2, 2)])
async def test_the_wrapped_models_retries_are_not_multiplied(
    failures: int, retries: int, attempts: int
) -> None:
    inner = Unreachable(failures)
    tap, log = tapped(inner)
    options = APIConnectOptions(max_retry=retries, retry_interval=0)
    answered = failures < attempts
    try:
        text = (await tap.chat(chat_ctx=hello(), conn_options=options).collect()).text
    except APIError:
        text = ""

    assert inner.attempts == attempts
    assert len(log) == 1
    assert (text == "At last.") is answered
    assert (log[0].failure is None) is answered


async def test_a_session_retries_as_its_options_say_and_no_more() -> None:
    inner = Unreachable(9)

    def factory(model: llm.LLM[Any]) -> tuple[Plain, AgentSession[Any]]:
        options = APIConnectOptions(max_retry=2, retry_interval=0)
        connect = SessionConnectOptions(llm_conn_options=options)
        return Plain(), AgentSession(llm=model, conn_options=connect)

    async with open_call(factory, model=inner) as call:
        await call.start()
        await call.say("Hello?")

    assert inner.attempts == 3
    assert [(f.owner, f.cause) for f in call.faults] == [("infrastructure", "api_connection")]


async def test_an_error_is_noted_and_raised() -> None:
    tap, log = tapped(ScriptedLLM([ValueError("no weights")]))
    with pytest.raises(ValueError, match="no weights"):
        await tap.chat(chat_ctx=hello()).collect()

    call = log[0].frozen()
    assert call.error == "ValueError: no weights"
    assert call.finished


async def test_a_request_is_noted_as_soon_as_it_is_made() -> None:
    class Silent(llm.LLMStream):
        async def _run(self) -> None:
            await asyncio.Event().wait()

    class Mute(ScriptedLLM):
        def chat(self, **given: Any) -> llm.LLMStream:
            return Silent(
                self, chat_ctx=given["chat_ctx"], tools=[], conn_options=given["conn_options"]
            )

    tap, log = tapped(Mute([]))
    stream = tap.chat(chat_ctx=hello())
    await asyncio.sleep(0)

    assert log[0].in_flight
    assert not log[0].frozen().finished
    await stream.aclose()
    assert not log[0].in_flight


async def test_it_goes_by_the_wrapped_models_name() -> None:
    tap, _ = tapped(ScriptedLLM([]))

    assert (tap.model, tap.provider) == ("scripted", "handoff-evals")


async def test_it_knows_whose_conversation_it_is_in() -> None:
    tap, log = tapped(ScriptedLLM([]))

    def another(exchange: Exchange) -> None:
        log.append(exchange)

    assert tap.logs_to(log.append)
    assert not tap.logs_to(another)
