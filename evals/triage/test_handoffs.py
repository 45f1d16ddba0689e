"""Every way that a call can take: what happens in which order, and who has the call.

Nobody's model is real here. `ScriptedLLM` says what each agent's model answers, reply by reply,
so these tests state what the agents' own code does with a handoff that was decided on. What is
carried over, which is a choice of its own here, is in `test_context.py`.
"""

from dataclasses import dataclass

import pytest
from livekit.agents import Agent, ToolError, mock_tools

from agents.triage import Caller, SpecialistAgent, TriageAgent, triage_call
from handoff_evals import AgentCall, AgentCallFixture, Reply, ScriptedLLM, ToolCall, tool_call

# All specialists are of one class and share LiveKit's id, so their topic tells them apart; the
# front desk is a plain Agent, whose id is LiveKit's default.
TRIAGE, DESK = "triage_agent", "default_agent"
CLAIMS, POLICIES, PAYMENTS = (
    f"specialist_agent[topic={topic}]" for topic in ("claims", "policies", "payments")
)
CLASS: dict[str, type[Agent]] = {
    TRIAGE: TriageAgent,
    DESK: Agent,
    CLAIMS: SpecialistAgent,
    POLICIES: SpecialistAgent,
    PAYMENTS: SpecialistAgent,
}
WAY_TO = {
    CLAIMS: tool_call("transfer_to_claims"),
    POLICIES: tool_call("transfer_to_policies"),
    PAYMENTS: tool_call("transfer_to_payments"),
    DESK: tool_call("transfer_to_front_desk"),
    TRIAGE: tool_call("transfer_to_triage"),
}


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One tool of one agent, and where it leads."""

    old: str
    new: str

    @property
    def tool(self) -> ToolCall:
        """The tool; all that lead to one agent have one name."""
        return WAY_TO[self.new]


EDGES = {
    "triage-to-claims": Edge(old=TRIAGE, new=CLAIMS),
    "triage-to-policies": Edge(old=TRIAGE, new=POLICIES),
    "triage-to-payments": Edge(old=TRIAGE, new=PAYMENTS),
    "triage-to-desk": Edge(old=TRIAGE, new=DESK),
    "claims-back-to-triage": Edge(old=CLAIMS, new=TRIAGE),
    "policies-back-to-triage": Edge(old=POLICIES, new=TRIAGE),
    "payments-back-to-triage": Edge(old=PAYMENTS, new=TRIAGE),
    "desk-back-to-triage": Edge(old=DESK, new=TRIAGE),
}
each_edge = pytest.mark.parametrize(
    "edge", [pytest.param(edge, id=name) for name, edge in EDGES.items()]
)
each_edge_but_to_the_desk = pytest.mark.parametrize(
    "edge", [pytest.param(edge, id=name) for name, edge in EDGES.items() if edge.new != DESK]
)


async def at(agent_call: AgentCallFixture, agent: str, *then: Reply) -> AgentCall:
    """A call that has come to an agent; `then` is what the models answer from there on."""
    way: list[Reply] = [] if agent == TRIAGE else [WAY_TO[agent], "Go on, please."]
    call = await agent_call(triage_call, llm=ScriptedLLM([*way, *then]))
    if way:
        await call.say("I call about contract 4471")
    return call


@each_edge_but_to_the_desk
async def test_a_transfer_is_called_carried_out_and_taken_up_in_that_order(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    call = await at(agent_call, edge.old, edge.tool, "How can I help?")

    turn = await call.say("Somebody else, please")

    made = turn.expect.next_event().is_function_call(name=edge.tool.name)
    assert made.event().item.arguments == "{}"
    turn.expect.next_event().is_function_call_output(output="", is_error=False)
    turn.expect.next_event().is_agent_handoff(new_agent_type=CLASS[edge.new])
    first_words = turn.expect.next_event().is_message(role="assistant").event().item
    assert first_words.text_content == "How can I help?"
    turn.expect.no_more_events()


async def test_triage_announces_the_desk_which_enters_in_silence(
    agent_call: AgentCallFixture,
) -> None:
    call = await at(agent_call, TRIAGE, WAY_TO[DESK], "Here is the front desk.", "At Quay Street.")

    turn = await call.say("Where are you?")

    made = turn.expect.next_event().is_function_call(name="transfer_to_front_desk")
    assert made.event().item.arguments == "{}"
    output = turn.expect.next_event().is_function_call_output(is_error=False).event().item.output
    assert "front desk is on the line" in output
    last_words = turn.expect.next_event().is_message(role="assistant").event().item
    assert last_words.text_content == "Here is the front desk."
    turn.expect.next_event().is_agent_handoff(new_agent_type=Agent)
    turn.expect.no_more_events()
    assert [asked.agent.id for asked in turn.model_calls] == [TRIAGE, TRIAGE]
    assert (await call.say("I mean the address")).said == "At Quay Street."


@each_edge
async def test_the_old_agent_has_the_call_until_the_transfer_and_the_new_one_after_it(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    call = await at(agent_call, edge.old, edge.tool, "How can I help?", "I see.")
    first = call.active_agent
    assert type(first) is CLASS[edge.old]

    turn = await call.say("Somebody else, please")

    turn.expect.handoff(edge.old, edge.new)
    new = call.active_agent
    assert type(new) is CLASS[edge.new]
    assert call.session.current_agent is new
    assert turn.model_calls[0].agent.id == first.id
    later = await call.say("Thanks for taking me")
    assert [asked.agent.id for asked in later.model_calls] == [new.id]
    assert later.said == "I see."


@each_edge
async def test_what_is_known_of_the_caller_survives_with_the_specialist_added(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    call = await at(agent_call, edge.old, edge.tool, "How can I help?")
    kept = call.session.userdata
    assert isinstance(kept, Caller)
    kept.name, kept.policy_number = "Ada Byron", "30577"

    await call.say("Somebody else, please")

    topics = [
        agent.partition("topic=")[2].rstrip("]")
        for agent in (edge.old, edge.new)
        if agent in {CLAIMS, POLICIES, PAYMENTS}
    ]
    assert call.session.userdata is kept
    assert kept == Caller(name="Ada Byron", policy_number="30577", topics=topics)


@each_edge
async def test_a_transfer_that_fails_leaves_the_caller_with_the_agent_that_has_the_call(
    agent_call: AgentCallFixture, edge: Edge
) -> None:
    def busy() -> None:
        raise ToolError("All of them are on the phone.")

    call = await at(agent_call, edge.old, edge.tool, "I'm afraid nobody is free.")
    first = call.active_agent
    with mock_tools(CLASS[edge.old], {edge.tool.name: busy}):
        turn = await call.say("Somebody else, please")

    turn.expect.next_event().is_function_call(name=edge.tool.name)
    turn.expect.next_event().is_function_call_output(
        output="All of them are on the phone.", is_error=True
    )
    turn.expect.next_event().is_message(role="assistant")
    turn.expect.no_more_events()
    turn.expect.no_handoff()
    assert call.active_agent is first


@pytest.mark.parametrize("agent", [TRIAGE, CLAIMS, POLICIES, PAYMENTS, DESK])
async def test_nobody_transfers_a_caller_who_asks_for_nothing(
    agent_call: AgentCallFixture, agent: str
) -> None:
    call = await at(agent_call, agent, "You are welcome.", "Indeed.")
    first = call.active_agent
    for said in ("Thank you", "Nice weather"):
        turn = await call.say(said)
        turn.expect.no_handoff()
        turn.expect.next_event().is_message(role="assistant")
        turn.expect.no_more_events()
    assert call.active_agent is first


async def test_livekits_handoff_records_are_a_chain_over_a_call_that_takes_every_way(
    agent_call: AgentCallFixture,
) -> None:
    # Twice to each: an agent that was kept from the first time would know nothing new.
    tour = [out for out in EDGES.values() if out.old == TRIAGE] * 2
    ways = [way for out in tour for way in (out, Edge(old=out.new, new=TRIAGE))]
    assert set(ways) == set(EDGES.values())
    model = ScriptedLLM([part for way in ways for part in (way.tool, "Yes?")])
    call = await agent_call(triage_call, llm=model)
    took_the_call = [call.active_agent]
    for way in ways:
        turn = await call.say("Onwards, please")
        turn.expect.handoff(way.old, way.new)
        took_the_call.append(call.active_agent)

    recorded = [
        (item.old_agent_id, item.new_agent_id)
        for item in call.session.history.items
        if item.type == "agent_handoff"
    ]
    desks = ["specialist_agent", "specialist_agent", "specialist_agent", DESK] * 2
    stops = [TRIAGE, *(stop for desk in desks for stop in (desk, TRIAGE))]
    assert recorded == list(zip([None, *stops], stops, strict=False))
    assert call.handoffs == recorded
    assert len({id(agent) for agent in took_the_call}) == len(stops)
    assert model.left == 0
    assert call.session.userdata == Caller(topics=["claims", "policies", "payments"] * 2)
    # Greeted once, at the beginning, and never again.
    said = [event.text for event in call.transcript.events if event.type == "message"]
    assert said.count(call.opening.said) == 1


async def test_a_handoff_that_is_dropped_leaves_no_topic(agent_call: AgentCallFixture) -> None:
    # LiveKit carries out neither of two handoffs in one reply.
    both = (WAY_TO[CLAIMS], WAY_TO[PAYMENTS])
    model = ScriptedLLM([both, "Which one, please?"])
    call = await agent_call(triage_call, llm=model, keep_faults=True)
    turn = await call.say("A claim and my premium")
    turn.expect.no_handoff()
    assert isinstance(call.active_agent, TriageAgent)
    assert call.session.userdata == Caller()
    assert (await call.say("Hello?")).said == "Which one, please?"


@pytest.mark.parametrize("old", [CLAIMS, POLICIES, PAYMENTS, DESK])
async def test_who_comes_back_may_go_on_in_the_same_turn(
    agent_call: AgentCallFixture, old: str
) -> None:
    # Triage speaks with its tools at hand when a caller comes back.
    call = await at(agent_call, old, WAY_TO[TRIAGE], WAY_TO[PAYMENTS], "Payments here.")
    turn = await call.say("Back, please, it is about my premium")
    assert turn.said == "Payments here."
    assert isinstance(call.active_agent, SpecialistAgent)
    assert call.active_agent.topic == "payments"
    assert [new for _, new in call.handoffs[-2:]] == [TRIAGE, "specialist_agent"]


async def test_two_calls_at_once_know_nothing_of_each_other(agent_call: AgentCallFixture) -> None:
    one = await at(agent_call, CLAIMS, "I see.")
    other = await agent_call(triage_call, llm=ScriptedLLM([WAY_TO[PAYMENTS], "Payments here."]))
    await other.say("My premium, please")
    await one.say("A pipe burst")
    assert one.session.userdata == Caller(topics=["claims"])
    assert other.session.userdata == Caller(topics=["payments"])
    one.received_by(SpecialistAgent).contains("A pipe burst").lacks("premium, please")
    other.received_by(SpecialistAgent).contains("premium, please").lacks("4471")
