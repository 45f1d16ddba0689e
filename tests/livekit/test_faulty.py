"""FaultyLLM at the `llm.LLM` port, with no session around it."""

import asyncio

import pytest
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    APITimeoutError,
    llm,
)

from handoff_evals.livekit import Request, ScriptedLLM
from handoff_evals.livekit.faulty import Chunks, FaultyLLM, ModelFault, Occurrence, ReplyAttempt
from handoff_evals.livekit.scripted import tool_call

pytestmark = pytest.mark.usefixtures("no_waiting")

HELLO = "Hello, how are you?"
ONE_TRY = APIConnectOptions(max_retry=0)


def quickly(retries: int) -> APIConnectOptions:
    """Retry without the pause; livekit's first one is always 0.1 s."""
    return APIConnectOptions(max_retry=retries, retry_interval=0.0)


async def ask(
    model: llm.LLM[None], conn_options: APIConnectOptions = ONE_TRY
) -> llm.CollectedResponse:
    """One request, whole."""
    return await model.chat(chat_ctx=llm.ChatContext.empty(), conn_options=conn_options).collect()


async def called(fault: ModelFault) -> list[tuple[str, str]]:
    """What comes of a reply that calls one tool."""
    model = FaultyLLM(ScriptedLLM([tool_call("transfer", to="billing")]), fault)
    return [(made.name, made.arguments) for made in (await ask(model)).tool_calls]


async def test_without_mishaps_it_is_the_model_that_it_wraps() -> None:
    inner = ScriptedLLM([HELLO])
    model = FaultyLLM(inner)

    answer = await ask(model)

    assert answer.text == HELLO
    assert answer.usage is not None
    assert (model.model, model.provider) == (inner.model, inner.provider)
    assert model.occurred == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ModelFault.status(429), APIStatusError),
        (ModelFault.status(500), APIStatusError),
        (ModelFault.refused(), APIConnectionError),
        (ModelFault.timed_out(), APITimeoutError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_a_failure_is_raised_as_livekit_raises_it_and_the_model_is_not_asked(
    fault: ModelFault, error: type[Exception]
) -> None:
    inner = ScriptedLLM([HELLO])

    with pytest.raises(error):
        await ask(FaultyLLM(inner, fault))

    assert inner.left == 1


async def test_a_status_says_its_code() -> None:
    with pytest.raises(APIStatusError) as raised:
        await ask(FaultyLLM(ScriptedLLM([HELLO]), ModelFault.status(503)))

    assert raised.value.status_code == 503


async def test_a_refused_connection_names_its_cause() -> None:
    with pytest.raises(APIConnectionError, match="ConnectionRefusedError"):
        await ask(FaultyLLM(ScriptedLLM([HELLO]), ModelFault.refused()))


async def test_livekit_retries_a_failure_and_meets_it_again() -> None:
    model = FaultyLLM(ScriptedLLM([HELLO]), ModelFault.status(429))

    with pytest.raises(APIConnectionError):
        await ask(model, quickly(2))

    assert model.occurred == [
        Occurrence(fault="429", request=1, attempt=attempt) for attempt in (1, 2, 3)
    ]


async def test_a_mishap_of_one_attempt_lets_the_retry_through() -> None:
    model = FaultyLLM(ScriptedLLM([HELLO]), ModelFault.status(429).at(1, attempts=1))

    assert (await ask(model, quickly(1))).text == HELLO
    assert model.occurred == [Occurrence(fault="429", request=1, attempt=1)]


async def test_a_status_that_livekit_does_not_retry_strikes_once() -> None:
    model = FaultyLLM(ScriptedLLM([HELLO]), ModelFault.status(401))

    with pytest.raises(APIStatusError):
        await ask(model, quickly(3))

    assert len(model.occurred) == 1


async def test_the_retries_of_the_wrapped_model_do_not_multiply() -> None:
    asked = 0

    def fail(_: Request) -> Exception:
        nonlocal asked
        asked += 1
        return APIConnectionError("no route")

    with pytest.raises(APIConnectionError):
        await ask(FaultyLLM(ScriptedLLM(fail)), quickly(1))

    assert asked == 2


async def test_a_cut_gives_what_came_before_it() -> None:
    model = FaultyLLM(ScriptedLLM([HELLO]), ModelFault.cut(after=2))
    async with model.chat(chat_ctx=llm.ChatContext.empty(), conn_options=quickly(1)) as stream:
        first, second = await anext(stream), await anext(stream)
        with pytest.raises(APIConnectionError, match="stream cut"):
            await anext(stream)

    assert [chunk.delta.content for chunk in (first, second) if chunk.delta] == ["Hello, ", "how "]
    assert len(model.occurred) == 1, "like LiveKit's own models, no retry once something was heard"


async def test_a_cut_strikes_at_the_end_of_a_reply_that_is_shorter() -> None:
    with pytest.raises(APIConnectionError):
        await ask(FaultyLLM(ScriptedLLM(["Hello."]), ModelFault.cut(after=9)))


async def test_a_stall_gives_what_came_before_it_and_never_ends() -> None:
    model = FaultyLLM(ScriptedLLM([HELLO]), ModelFault.stall(after=3))
    heard = ""

    async with model.chat(chat_ctx=llm.ChatContext.empty()) as stream:
        for _ in range(3):
            chunk = await anext(stream)
            heard += chunk.delta.content or "" if chunk.delta else ""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.02)

    assert heard == "Hello, how are "
    assert model.occurred == [Occurrence(fault="stall after 3 chunks", request=1, attempt=1)]


async def test_an_empty_reply_has_nothing_but_its_usage() -> None:
    answer = await ask(FaultyLLM(ScriptedLLM([HELLO]), ModelFault.empty()))

    assert (answer.text, answer.tool_calls) == ("", [])
    assert answer.usage is not None


async def test_another_reply_stands_in_for_the_models_own() -> None:
    inner = ScriptedLLM([HELLO])
    answer = await ask(FaultyLLM(inner, ModelFault.instead(["Bye.", tool_call("hang_up")])))

    assert answer.text == "Bye."
    assert [made.name for made in answer.tool_calls] == ["hang_up"]
    assert inner.left == 1


async def test_a_refusal_is_words_and_no_call() -> None:
    answer = await ask(FaultyLLM(ScriptedLLM([tool_call("transfer")]), ModelFault.refusal()))

    assert "can't help" in answer.text
    assert answer.tool_calls == []


async def test_calls_are_edited_as_the_mishap_says() -> None:
    assert await called(ModelFault.unknown_tool("nope")) == [("nope", '{"to": "billing"}')]
    assert await called(ModelFault.malformed_arguments("{to")) == [("transfer", "{to")]
    assert await called(ModelFault.missing_arguments()) == [("transfer", "{}")]
    assert await called(ModelFault.extra_arguments(urgent=True)) == [
        ("transfer", '{"to": "billing", "urgent": true}')
    ]
    assert await called(ModelFault.beside(tool_call("note"))) == [
        ("transfer", '{"to": "billing"}'),
        ("note", "{}"),
    ]


async def test_the_chunks_of_a_call_put_beside_belong_to_the_same_reply() -> None:
    model = FaultyLLM(ScriptedLLM([tool_call("transfer")]), ModelFault.beside(tool_call("note")))

    async with model.chat(chat_ctx=llm.ChatContext.empty()) as stream:
        assert len({chunk.id async for chunk in stream}) == 1


async def test_a_mishap_of_calls_finds_nothing_to_spoil_in_words() -> None:
    model = FaultyLLM(ScriptedLLM([HELLO]), ModelFault.unknown_tool())

    assert (await ask(model)).text == HELLO
    assert model.occurred == []


async def test_it_strikes_at_the_requests_that_are_named() -> None:
    model = FaultyLLM(ScriptedLLM(["1", "2", "3", "4"]), ModelFault.instead("-").at(2, 4))

    assert [(await ask(model)).text for _ in range(4)] == ["1", "-", "2", "-"]
    assert [occurrence.request for occurrence in model.occurred] == [2, 4]


async def test_the_same_seed_strikes_at_the_same_requests() -> None:
    async def hit(seed: int) -> list[int]:
        fault = ModelFault.instead("-").sometimes(0.5)
        model = FaultyLLM(ScriptedLLM(lambda _: HELLO), fault, seed=seed)
        for _ in range(30):
            await ask(model)
        return [occurrence.request for occurrence in model.occurred]

    once = await hit(7)

    assert once == await hit(7)
    assert once != await hit(8)
    assert 5 <= len(once) <= 25


async def test_each_mishap_meets_what_those_before_it_left() -> None:
    model = FaultyLLM(
        ScriptedLLM([HELLO]),
        ModelFault.instead(tool_call("transfer")),
        ModelFault.unknown_tool("nope"),
    )

    assert [made.name for made in (await ask(model)).tool_calls] == ["nope"]
    assert [occurrence.fault for occurrence in model.occurred] == ["another reply", "unknown tool"]


async def test_a_mishap_of_ones_own_is_an_async_generator() -> None:
    async def shout(attempt: ReplyAttempt) -> Chunks:
        async for chunk in attempt.chunks:
            if chunk.delta is not None and chunk.delta.content:
                attempt.occur()
                chunk.delta.content = chunk.delta.content.upper()
            yield chunk

    model = FaultyLLM(ScriptedLLM(["Hello."]), ModelFault(name="shouting", play=shout))

    assert (await ask(model)).text == "HELLO."
    assert model.occurred == [Occurrence(fault="shouting", request=1, attempt=1)]


async def test_closing_it_closes_the_model_that_it_wraps() -> None:
    closed: list[str] = []

    class Closing(ScriptedLLM):
        async def aclose(self) -> None:
            closed.append("inner")

    await FaultyLLM(Closing([])).aclose()

    assert closed == ["inner"]


def test_a_plan_that_can_strike_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one request"):
        ModelFault.empty().at()
    with pytest.raises(ValueError, match="count from 1"):
        ModelFault.empty().at(0)
    with pytest.raises(ValueError, match="count from 1"):
        ModelFault.empty().at(1, attempts=0)
    with pytest.raises(ValueError, match="above 0"):
        ModelFault.empty().sometimes(0.0)
    with pytest.raises(ValueError, match="at most 1"):
        ModelFault.empty().sometimes(1.5)


def test_what_is_no_mishap_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="is no ModelFault"):
        FaultyLLM(ScriptedLLM([]), [ModelFault.empty()])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is no model"):
        FaultyLLM(ModelFault.empty(), ScriptedLLM([]))  # type: ignore[arg-type]
