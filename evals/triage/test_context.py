"""What the next agent is told, for each `Carry`: by what its model received, to the word.

One journey for all: a bit of talk with triage, from there to each of the desks, back to triage,
and on to payments. Each handoff must carry what was chosen, and so must the one after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, ToolError, llm, mock_tools

from agents.triage import (
    Caller,
    Carry,
    SpecialistAgent,
    TriageAgent,
    summary,
    triage_call,
)
from handoff_evals import AgentCall, AgentCallFixture, Reply, Request, ScriptedLLM, tool_call

Said = list[tuple[str, Any]]
"""What was said, as a model receives it: role and words."""

TALK: Said = [
    ("user", "Good morning"),
    ("assistant", "Good morning to you."),
    ("user", "How are you?"),
    ("assistant", "Very well, thank you."),
    ("user", "Nice weather"),
    ("assistant", "It is indeed."),
]
MATTER: Said = [("user", "It's about contract 4471")]
BACK: Said = [("user", "Back, please")]
WELCOME_BACK: Said = [("assistant", "Here we are again.")]
PREMIUM: Said = [("user", "My premium, then")]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where the journey leads first."""

    way: str
    own: Said
    """What this agent says by itself when it enters."""
    topics: str
    """How the facts name it afterwards."""


each_desk = pytest.mark.parametrize(
    "desk",
    [
        *(
            pytest.param(
                Desk(
                    way=f"transfer_to_{topic}",
                    own=[("assistant", "How can I help?")],
                    topics=f"; specialists so far: {topic}",
                ),
                id=topic,
            )
            for topic in ("claims", "policies", "payments")
        ),
        # A plain Agent enters in silence: the words that announce it are triage's own.
        pytest.param(Desk(way="transfer_to_front_desk", own=[], topics=""), id="front-desk"),
    ],
)


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What each agent was told besides its own instructions when it was last asked."""

    call: AgentCall
    desk: Said
    """Asked by the caller to be taken back."""
    triage: Said
    """Asked for payments, by the caller who is back."""
    payments: Said
    """Entering."""

    @property
    def greeting(self) -> Said:
        """How the call began, whatever the words are."""
        return [("assistant", self.call.opening.said)]

    @property
    def summed_up(self) -> list[str]:
        """What the session's model was given to sum up, one text a handoff."""
        asked = [each for each in self.call.transcript.model_calls if each.purpose == "direct"]
        assert all("Sum up this phone call" in each.messages[0]["content"] for each in asked)
        return [each.messages[1]["content"] for each in asked]


def line(carry: Carry, caller: Caller | None = None) -> Any:
    """The agents with what the call carries, and what a lookup found out about the caller."""

    def build(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Caller]]:
        agent, session = triage_call(model, carry=carry)
        session.userdata = caller or Caller(name="Ada Byron", policy_number="30577")
        return agent, session

    return build


def script(carry: Carry, desk: Desk) -> list[Reply]:
    """What the models answer on the journey, the session's own among them."""
    replies: list[Reply] = [words for role, words in TALK if role == "assistant"]
    for tool, summed_up, first_words in (
        (desk.way, "(one)", "How can I help?"),
        ("transfer_to_triage", "(two)", "Here we are again."),
        ("transfer_to_payments", "(three)", "Payments here."),
    ):
        replies.append(tool_call(tool))
        if carry is Carry.SUMMARY:
            replies.append(summed_up)
        # A triage that is told nothing greets by itself and asks no model.
        if not (carry is Carry.FRESH and tool == "transfer_to_triage"):
            replies.append(first_words)
    return replies


async def travel(agent_call: AgentCallFixture, carry: Carry, desk: Desk) -> Journey:
    """Run the conversation."""
    model = ScriptedLLM(script(carry, desk))
    call = await agent_call(line(carry), llm=model)
    for role, words in TALK:
        if role == "user":
            await call.say(words)
    told: list[Said] = []
    took_the_call: list[Agent] = []
    for [(_, words)] in (MATTER, BACK, PREMIUM):
        await call.say(words)
        took_the_call.append(call.active_agent)
    assert model.left == 0
    for agent in took_the_call:
        messages = call.received_by(agent).lacks("transfer_to_payments()").messages
        assert messages[0]["content"] == agent.instructions
        # No model sees these prompts, but whoever reads the context does.
        items = agent.chat_ctx.items
        prompts = [item.instructions for item in items if item.type == "agent_config_update"]
        assert prompts == [agent.instructions]
        told.append([(message["role"], message.get("content")) for message in messages[1:]])
    return Journey(call=call, desk=told[0], triage=told[1], payments=told[2])


@each_desk
async def test_fresh_tells_the_next_agent_nothing(agent_call: AgentCallFixture, desk: Desk) -> None:
    journey = await travel(agent_call, Carry.FRESH, desk)
    assert journey.desk == [*desk.own, *BACK]
    assert journey.triage == [*journey.greeting, *PREMIUM]
    assert journey.payments == []
    assert journey.summed_up == []


@each_desk
async def test_full_tells_the_next_agent_all_that_was_said(
    agent_call: AgentCallFixture, desk: Desk
) -> None:
    journey = await travel(agent_call, Carry.FULL, desk)
    said = [*journey.greeting, *TALK, *MATTER, *desk.own, *BACK]
    assert journey.desk == said
    said += [*WELCOME_BACK, *PREMIUM]
    assert journey.triage == said
    assert journey.payments == said
    assert journey.summed_up == []


@each_desk
async def test_last_turns_tells_the_next_agent_the_last_six_messages(
    agent_call: AgentCallFixture, desk: Desk
) -> None:
    journey = await travel(agent_call, Carry.LAST_TURNS, desk)
    said = [*journey.greeting, *TALK, *MATTER]
    assert journey.desk == [*said[-6:], *desk.own, *BACK]
    said += [*desk.own, *BACK]
    assert journey.triage == [*said[-6:], *WELCOME_BACK, *PREMIUM]
    said += [*WELCOME_BACK, *PREMIUM]
    assert journey.payments == said[-6:]
    assert journey.summed_up == []


async def test_last_turns_counts_what_was_said_and_no_call_that_failed(
    agent_call: AgentCallFixture,
) -> None:
    def busy() -> None:
        raise ToolError("All of them are on the phone.")

    talk = [words for role, words in TALK if role == "assistant"]
    tool = tool_call("transfer_to_claims")
    call = await agent_call(
        line(Carry.LAST_TURNS), llm=ScriptedLLM([*talk, tool, "All are busy.", tool, "Hello."])
    )
    for role, words in TALK:
        if role == "user":
            await call.say(words)
    with mock_tools(TriageAgent, {"transfer_to_claims": busy}):
        await call.say("It's about contract 4471")
    await call.say("Try again, please")

    assert [message["content"] for message in call.received_by(SpecialistAgent).messages[1:]] == [
        *(words for _, words in TALK[-3:]),
        "It's about contract 4471",
        "All are busy.",
        "Try again, please",
    ]


@each_desk
async def test_summary_tells_the_next_agent_all_summaries_and_the_callers_last_words(
    agent_call: AgentCallFixture, desk: Desk
) -> None:
    journey = await travel(agent_call, Carry.SUMMARY, desk)
    one, two, three = (("system", f"Earlier in this call: ({n})") for n in ("one", "two", "three"))
    assert journey.desk == [one, *MATTER, *desk.own, *BACK]
    assert journey.triage == [one, two, *BACK, *WELCOME_BACK, *PREMIUM]
    assert journey.payments == [one, two, three, *PREMIUM]


@each_desk
async def test_summary_sums_up_what_has_no_summary_yet_and_no_summary_again(
    agent_call: AgentCallFixture, desk: Desk
) -> None:
    journey = await travel(agent_call, Carry.SUMMARY, desk)
    assert journey.summed_up == [
        "\n".join(f"{role}: {words}" for role, words in talk)
        for talk in ([*journey.greeting, *TALK], [*MATTER, *desk.own], [*BACK, *WELCOME_BACK])
    ]


@each_desk
async def test_facts_tells_the_next_agent_what_is_known_and_the_callers_last_words(
    agent_call: AgentCallFixture, desk: Desk
) -> None:
    journey = await travel(agent_call, Carry.FACTS, desk)
    known = "Known about this call: name: Ada Byron; policy number: 30577"
    at_first, later = ("system", f"{known}."), ("system", f"{known}{desk.topics}.")
    assert journey.desk == [at_first, *MATTER, *desk.own, *BACK]
    assert journey.triage == [later, *BACK, *WELCOME_BACK, *PREMIUM]
    assert journey.payments == [later, *PREMIUM]
    assert journey.summed_up == []


async def test_facts_says_so_when_nothing_is_known_yet(agent_call: AgentCallFixture) -> None:
    script = ScriptedLLM([tool_call("transfer_to_claims"), "How can I help?"])
    call = await agent_call(line(Carry.FACTS, Caller()), llm=script)
    await call.say("It's about contract 4471")
    call.received_by(SpecialistAgent).contains("Known about this call: nothing yet.")


@pytest.mark.parametrize(
    ("agent", "way"),
    [
        pytest.param(TriageAgent, "transfer_to_claims", id="triage"),
        pytest.param(lambda: SpecialistAgent("claims"), "transfer_to_triage", id="specialist"),
    ],
)
async def test_an_agent_that_is_not_told_what_to_carry_carries_all_that_was_said(
    agent_call: AgentCallFixture, agent: Callable[[], Agent], way: str
) -> None:
    def build(model: llm.LLM[Any]) -> tuple[Agent, AgentSession[Caller]]:
        return agent(), AgentSession[Caller](llm=model, userdata=Caller())

    call = await agent_call(build, llm=ScriptedLLM(answer_with(way)))
    greeting = call.opening.said
    await call.say("Good morning")
    await call.say("It's about contract 4471")
    told = call.received_by(call.active_agent).messages[1:]
    assert [message["content"] for message in told] == [
        greeting,
        "Good morning",
        "Indeed.",
        "It's about contract 4471",
    ]


def answer_with(way: str) -> Callable[[Request], Reply]:
    """A model that calls a tool on the contract, if it has the tool, and else is polite."""

    def answer(request: Request) -> Reply:
        wanted = "4471" in request.last_user_text and way in request.tool_names
        return tool_call(way) if wanted else "Indeed."

    return answer


async def test_a_summary_that_fails_leaves_the_caller_with_the_agent_that_has_the_call(
    agent_call: AgentCallFixture,
) -> None:
    failed = ConnectionError("the model is out of reach")
    script: list[Reply] = [
        "Good morning.",
        tool_call("transfer_to_claims"),
        failed,
        "I'm afraid it failed.",
    ]
    call = await agent_call(line(Carry.SUMMARY), llm=ScriptedLLM(script), keep_faults=True)
    await call.say("Good morning")
    turn = await call.say("It's about contract 4471")
    turn.expect.no_handoff()
    turn.expect.contains_function_call_output(is_error=True)
    assert isinstance(call.active_agent, TriageAgent)
    assert call.session.userdata.topics == []
    assert turn.said == "I'm afraid it failed."


async def test_a_caller_with_nothing_but_last_words_costs_no_summary(
    agent_call: AgentCallFixture,
) -> None:
    model = ScriptedLLM([tool_call("transfer_to_claims"), "(one)", "How can I help?"])
    call = await agent_call(line(Carry.SUMMARY), llm=model)
    await call.say("It's about contract 4471")
    asked = [each for each in call.transcript.model_calls if each.purpose == "direct"]
    assert [each.messages[1]["content"] for each in asked] == [f"assistant: {call.opening.said}"]


@pytest.mark.parametrize("carry", [Carry.FULL, Carry.LAST_TURNS])
async def test_a_long_call_is_carried_over_as_chosen(
    agent_call: AgentCallFixture, carry: Carry
) -> None:
    talk = [f"Answer {number}." for number in range(15)]
    script: list[Reply] = [*talk, tool_call("transfer_to_claims"), "How can I help?"]
    call = await agent_call(line(carry), llm=ScriptedLLM(script))
    for number in range(15):
        await call.say(f"Question {number}?")
    await call.say("It's about contract 4471")
    words = [each["content"] for each in call.received_by(SpecialistAgent).messages[1:]]
    assert len(words) == (32 if carry is Carry.FULL else 6)
    assert words[-3:] == ["Question 14?", "Answer 14.", "It's about contract 4471"]


async def test_a_model_that_cannot_be_asked_on_the_side_is_refused() -> None:
    with pytest.raises(TypeError, match="or another Carry"):
        await summary("a realtime model", [])
