from collections.abc import Sequence
from typing import Any

import pytest
from livekit.agents import APIConnectOptions, APIStatusError, function_tool, llm

from handoff_evals.livekit import Reply, Request, ScriptedLLM, ToolCall
from handoff_evals.livekit.scripted import ScriptExhaustedError, tool_call
from tests.support.phone import Plain, run_call, short_events

ONCE = APIConnectOptions(max_retry=0)


@function_tool
async def record_age(age: int) -> str:
    """Record the age."""
    return str(age)


def asked(words: str) -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content=words)
    return chat_ctx


async def chunks(
    model: ScriptedLLM, words: str = "Hello?", tools: Sequence[llm.Tool] = ()
) -> list[llm.ChatChunk]:
    async with model.chat(chat_ctx=asked(words), tools=list(tools), conn_options=ONCE) as stream:
        return [chunk async for chunk in stream]


def contents(found: list[llm.ChatChunk]) -> list[str]:
    return [chunk.delta.content for chunk in found if chunk.delta and chunk.delta.content]


def calls(found: list[llm.ChatChunk]) -> list[tuple[str, str]]:
    return [
        (made.name, made.arguments)
        for chunk in found
        if chunk.delta
        for made in chunk.delta.tool_calls
    ]


async def test_words_come_in_several_chunks_that_make_up_the_text() -> None:
    found = contents(await chunks(ScriptedLLM(["One  moment, please."])))

    assert len(found) == 4
    assert "".join(found) == "One  moment, please."


async def test_a_reply_of_several_parts_comes_in_their_order_under_one_id() -> None:
    reply: Reply = [
        "Sure.",
        tool_call("record_age", age=34),
        ToolCall(name="broken", arguments="{age"),
    ]
    found = await chunks(ScriptedLLM([reply]))

    assert contents(found) == ["Sure."]
    assert calls(found) == [("record_age", '{"age": 34}'), ("broken", "{age")]
    assert len({chunk.id for chunk in found}) == 1


async def test_calls_have_ids_of_their_own() -> None:
    found = await chunks(ScriptedLLM([[tool_call("a"), tool_call("a")]]))

    ids = [made.call_id for chunk in found if chunk.delta for made in chunk.delta.tool_calls]
    assert len(set(ids)) == 2


async def test_the_usage_comes_last() -> None:
    *before, last = await chunks(ScriptedLLM(["One two three."]), "a" * 40)

    assert all(chunk.usage is None for chunk in before)
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (10, 3)
    assert last.usage.total_tokens == 13


async def test_an_empty_reply_is_nothing_but_its_usage() -> None:
    (only,) = await chunks(ScriptedLLM([""]))

    assert only.usage is not None


async def test_replies_are_used_up_one_by_one() -> None:
    model = ScriptedLLM(["One.", "Two."])
    assert model.left == 2

    said = ["".join(contents(await chunks(model))) for _ in range(2)]

    assert said == ["One.", "Two."]
    assert model.left == 0


async def test_a_script_that_is_used_up_says_what_it_was_asked() -> None:
    with pytest.raises(ScriptExhaustedError) as raised:
        await chunks(ScriptedLLM([]), "And now?", [record_age])

    assert str(raised.value) == (
        "all 0 of the script's replies are used, but the model is asked again after message "
        "(caller's last words: 'And now?'; tools: record_age). Add a reply, or pass a function."
    )


async def test_a_call_with_a_script_that_is_too_short_is_unscored_and_says_so_once() -> None:
    call = await run_call(Plain, ["Yes."], "Hello?", "And now?")

    (fault,) = call.faults
    assert (fault.owner, fault.cause, fault.turn, fault.ended) == (
        "infrastructure",
        "script_exhausted",
        2,
        True,
    )
    assert "all 1 of the script's replies are used" in fault.detail
    assert "caller's last words: 'And now?'" in fault.detail


@pytest.mark.parametrize("error", [APIStatusError("too many", status_code=429), ValueError("no")])
async def test_an_error_in_the_script_is_raised_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)):
        await chunks(ScriptedLLM([error]))


async def test_a_function_is_asked_each_time_with_all_that_a_model_gets() -> None:
    requests: list[Request] = []

    def answer(request: Request) -> Reply:
        requests.append(request)
        return f"You said {request.last_user_text}"

    model = ScriptedLLM(answer)
    assert "".join(contents(await chunks(model, "hi", [record_age]))) == "You said hi"
    assert "".join(contents(await chunks(model, "ho"))) == "You said ho"

    assert [request.tool_names for request in requests] == [("record_age",), ()]
    last = requests[0].last_item
    assert isinstance(last, llm.ChatMessage)
    assert last.text_content == "hi"
    assert model.left == 0


async def test_a_request_is_what_was_there_when_it_was_made() -> None:
    requests: list[Request] = []

    def answer(request: Request) -> Reply:
        requests.append(request)
        return "Yes."

    chat_ctx = asked("hi")
    async with ScriptedLLM(answer).chat(chat_ctx=chat_ctx) as stream:
        async for _ in stream:
            pass
    chat_ctx.add_message(role="user", content="later")

    assert requests[0].last_user_text == "hi"


def test_what_a_model_would_not_see_is_not_the_last_item() -> None:
    chat_ctx = asked("hi")
    chat_ctx.insert(llm.AgentHandoff(old_agent_id="a", new_agent_id="b"))
    chat_ctx.insert(llm.AgentConfigUpdate(instructions="x"))

    assert Request(chat_ctx=chat_ctx).last_item is chat_ctx.messages()[0]
    assert Request(chat_ctx=llm.ChatContext.empty()).last_item is None
    assert Request(chat_ctx=llm.ChatContext.empty()).last_user_text == ""


async def test_one_script_serves_all_agents_of_a_call() -> None:
    class First(Plain):
        @function_tool
        async def transfer(self) -> Plain:
            """Transfer."""
            return Plain()

    call = await run_call(First, [tool_call("transfer"), "I am the second."], "Next!", "Hello?")

    assert short_events(call.turns[2]) == ["caller: Hello?", "plain: I am the second."]


def test_it_has_a_name_for_the_reports() -> None:
    assert (ScriptedLLM([]).model, ScriptedLLM([]).provider) == ("scripted", "handoff-evals")


@pytest.mark.parametrize("script", ["Hello.", tool_call("book"), [None], [{"a": 1}], [["Hi", 4]]])
def test_what_is_no_script_is_refused_at_once(script: Any) -> None:
    with pytest.raises(TypeError, match=r"is one reply|is no reply"):
        ScriptedLLM(script)
