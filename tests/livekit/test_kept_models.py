"""Models that agents keep for themselves are seen, and the call's model stands in for them."""

from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, function_tool, llm

from handoff_evals import tool_call
from handoff_evals.drivers import Call
from handoff_evals.livekit import AgentEntry, ScriptedLLM
from handoff_evals.transcript import ModelCall
from tests.support.phone import ROOMY


class Server(llm.LLM[Any]):
    """A model that would ask a server."""

    def chat(self, **_: Any) -> llm.LLMStream:
        raise AssertionError("a server was asked")


OF_THE_MODULE = Server()


async def summed_up(model: llm.LLM[Any]) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Sum it up.")
    return (await model.chat(chat_ctx=context).collect()).text


class Desk(Agent):
    def __init__(self, summarizer: llm.LLM[Any]) -> None:
        super().__init__(instructions="You sell.")
        self._summarizer = summarizer

    @function_tool
    async def sum_up(self) -> str:
        """Sum up."""
        return await summed_up(self._summarizer)


async def run(summarizer: llm.LLM[Any], model: llm.LLM[Any] | None, **session: Any) -> Call:
    def factory() -> tuple[Agent, AgentSession[Any]]:
        return Desk(summarizer), AgentSession(**session)

    call = Call(AgentEntry.of(factory), model, limits=ROOMY)
    await call.start()
    await call.say("Sum up")
    await call.close()
    return call


def direct(call: Call) -> list[ModelCall]:
    return [each for each in call.transcript.model_calls if each.purpose == "direct"]


@pytest.mark.parametrize("kept", [OF_THE_MODULE, Server(), llm.FallbackAdapter([Server()])])
async def test_the_calls_model_stands_in_for_a_model_that_an_agent_keeps(
    kept: llm.LLM[Any],
) -> None:
    call = await run(kept, ScriptedLLM([tool_call("sum_up"), "A summary.", "There."]))

    assert call.faults == []
    [asked] = direct(call)
    assert (asked.agent.id, asked.received_text, asked.text) == ("desk", "Sum it up.", "A summary.")


async def test_a_script_that_an_agent_keeps_answers_itself_and_is_seen() -> None:
    kept = ScriptedLLM(["The agent's own."])

    call = await run(kept, ScriptedLLM([tool_call("sum_up"), "There."]))

    assert [each.text for each in direct(call)] == ["The agent's own."]


async def test_without_a_model_of_the_calls_each_answers_itself_and_is_seen_once() -> None:
    own = ScriptedLLM([tool_call("sum_up"), "There."])

    call = await run(llm.FallbackAdapter([ScriptedLLM(["Mine."])]), None, llm=own)

    assert [each.text for each in direct(call)] == ["Mine."]
    assert len(call.transcript.model_calls) == 3


async def test_outside_of_a_call_a_model_is_what_it_was() -> None:
    await run(OF_THE_MODULE, ScriptedLLM([tool_call("sum_up"), "A summary.", "There."]))

    with pytest.raises(AssertionError, match="a server was asked"):
        await summed_up(OF_THE_MODULE)
