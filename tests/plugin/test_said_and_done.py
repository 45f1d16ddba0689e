"""Assertions on the words and calls of a turn, and on what an agent was handed."""

import pytest
from livekit.agents import Agent, ToolError, function_tool

from handoff_evals import AgentCall, AgentCallFixture, Reply, ScriptedLLM, tool_call
from handoff_evals.errors import UsageError
from tests.plugin.shop import FrontDesk, Workshop


class Stock(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You sell bicycles. We have Kettler and Brompton.")

    @function_tool
    async def look_up(self, model: str, size: int = 0) -> dict[str, object]:  # noqa: ARG002 - a model gives it
        """Look up a bicycle."""
        if model == "Unicycle":
            raise ToolError("no such model")
        return {"model": model, "left": 3}

    @function_tool
    async def transfer_to_manager(self) -> str:
        """Transfer the caller to a person."""
        return "ringing"

    @function_tool
    async def ring_upstairs(self) -> str:
        """Ring upstairs."""
        return "ringing"

    @function_tool
    async def to_forgetful(self, item: str) -> Agent:  # noqa: ARG002 - it is not passed on
        """To somebody who is told nothing."""
        return Forgetful()

    @function_tool
    async def to_told(self, item: str) -> Agent:
        """To somebody who is told all."""
        return Told(item)


class Forgetful(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You sell bicycles. We have Kettler and Brompton.")

    async def on_enter(self) -> None:
        self.session.generate_reply()


class Told(Forgetful):
    def __init__(self, item: str) -> None:
        super().__init__()
        self._instructions = f"{self.instructions} The caller wants a {item}."


async def _stock(agent_call: AgentCallFixture, *replies: Reply) -> AgentCall:
    return await agent_call(Stock, llm=ScriptedLLM([*replies]))


async def test_words_are_required_and_forbidden_by_matchers_too(
    agent_call: AgentCallFixture,
) -> None:
    turn = await (await _stock(agent_call, "We have three Bromptons left.")).say("Any left?")

    turn.expect.said("three  brompton", {"pattern": r"\bleft\b"})
    turn.expect.lacks("kettler", {"any_of": ["four", "five"]})
    with pytest.raises(AssertionError, match="turn 1: expected to hear 'kettler', the caller"):
        turn.expect.said("kettler")
    with pytest.raises(AssertionError, match="turn 1: expected not to hear 'three'"):
        turn.expect.lacks("three")
    with pytest.raises(UsageError, match="is no regular expression"):
        turn.expect.said({"pattern": "("})
    with pytest.raises(UsageError, match="'' is in everything"):
        turn.expect.lacks("")


async def test_the_opening_is_heard_too(agent_call: AgentCallFixture) -> None:
    call = await agent_call(FrontDesk, llm=ScriptedLLM([]))

    call.opening.expect.said("good morning")


async def test_calls_are_required_with_what_came_of_them(agent_call: AgentCallFixture) -> None:
    call = await _stock(
        agent_call,
        [tool_call("look_up", model="Brompton ", size=2), tool_call("look_up", model="Unicycle")],
        "Three.",
    )
    turn = await call.say("A Brompton, or a unicycle?")
    expect = turn.expect

    expect.called("look_up", {"model": "brompton", "size": "2"}, loosely=True, output={"left": 3})
    expect.called("look_up", {"model": {"pattern": "^uni"}}, error="no such model")
    expect.called("look_up", output="left")
    with pytest.raises(AssertionError, match=r"turn 1: expected look_up\(\) 2 times, called look"):
        expect.called("look_up", times=2)
    with pytest.raises(AssertionError, match=r"expected look_up.* with error True, called"):
        expect.called("look_up", {"size": 2}, error=True)
    with pytest.raises(AssertionError, match="refused: 'no such model'"):
        expect.called("look_up", {"model": "Unicycle"})


async def test_a_transfer_to_a_person_is_required_by_its_tool(
    agent_call: AgentCallFixture,
) -> None:
    call = await _stock(
        agent_call, tool_call("transfer_to_manager"), "Yes.", tool_call("ring_upstairs"), "Now."
    )
    by_name, by_another = await call.say("A person!"), await call.say("Upstairs!")

    by_name.expect.person()
    by_another.expect.person("ring_upstairs")
    with pytest.raises(AssertionError, match="turn 2: expected a transfer to a person, called ri"):
        by_another.expect.person()


async def test_what_an_agent_would_say_to_anybody_was_not_handed_to_it(
    agent_call: AgentCallFixture,
) -> None:
    call = await _stock(agent_call, tool_call("to_forgetful", item="Brompton"), "Which one?")
    await call.say("A Brompton, please")

    received = call.received_by(Forgetful)
    received.contains("Brompton")
    with pytest.raises(AssertionError) as error:
        received.was_handed("Brompton")
    assert "was not handed 'Brompton': 'Brompton' stands in forgetful's own texts" in str(
        error.value
    )


async def test_what_the_call_brought_was_handed_on(agent_call: AgentCallFixture) -> None:
    call = await _stock(agent_call, tool_call("to_told", item="Brompton"), "Which one?")
    await call.say("A Brompton, please")

    call.received_by(Told).was_handed("Brompton")


async def test_history_that_is_passed_on_was_handed_on(agent_call: AgentCallFixture) -> None:
    model = ScriptedLLM([tool_call("transfer_to_workshop"), "Which part?"])
    call = await agent_call(FrontDesk, llm=model)
    await call.say("My chain snapped, it's bike 4471")

    call.received_by(Workshop).first.was_handed("4471")
    with pytest.raises(AssertionError, match="was not handed '4472'"):
        call.received_by(Workshop).was_handed("4472")
