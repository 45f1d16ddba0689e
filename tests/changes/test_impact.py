"""What two rehearsals show: what changed, and which scenarios it reaches."""

from dataclasses import replace

import pytest

from handoff_evals.changes import (
    AgentSnapshot,
    Change,
    Rehearsal,
    Rehearsed,
    ToolSnapshot,
    survey,
    unseen,
)
from handoff_evals.changes.agent_change import changes
from handoff_evals.changes.impact import Reach, reach
from handoff_evals.results import PairKey
from handoff_evals.scenarios import Expectation, Scenario, ScriptedTurn, Suite, Target
from handoff_evals.transcript import (
    AgentHandoff,
    AgentRef,
    FunctionCall,
    Message,
    ModelCall,
    ToolSchema,
    Transcript,
    Turn,
)

FRONT, BILLING = AgentRef(id="front"), AgentRef(id="billing")
TOOL = ToolSnapshot(description="Go to billing.", parameters={}, leads_to=("billing",), code="1")
LOOKS = (
    AgentSnapshot(label="front", instructions="You are the desk.", tools={"to_billing": TOOL}),
    AgentSnapshot(label="billing", instructions="You are billing.", tools={}),
)


def scenario(label: str = "Money", *, agent: str | None = "billing") -> Scenario:
    target = None if agent is None else Target(id=agent)
    return Scenario(
        label=label, turns=(ScriptedTurn(user="Money.", expect=Expectation(agent=target)),)
    )


def asked(
    agent: AgentRef, instructions: str, said: str = "Money.", call_id: str = "x"
) -> ModelCall:
    return ModelCall(
        agent=agent,
        purpose="reply",
        model="oracle",
        messages=(
            {"role": "system", "content": instructions},
            {"role": "user", "content": said},
            {"role": "assistant", "tool_calls": [call(call_id)]},
        ),
        tools=(ToolSchema(name="to_billing", description="Go to billing.", parameters={}),),
    )


def call(call_id: str) -> dict[str, object]:
    return {"id": call_id, "function": {"name": "to_billing", "arguments": "{}"}}


def rehearsal(
    *, said: str = "Money.", call_id: str = "x", opening: tuple[ModelCall, ...] = ()
) -> Rehearsal:
    first = Turn(
        user=None,
        events=(AgentHandoff(old=None, new=FRONT),),
        model_calls=opening,
        active=FRONT,
    )
    second = Turn(
        user="Money.",
        events=(
            Message(role="user", text="Money."),
            FunctionCall(name="to_billing", arguments="{}", call_id=call_id, agent=FRONT),
            AgentHandoff(old=FRONT, new=BILLING),
        ),
        model_calls=(asked(FRONT, "You are the desk.", said, call_id),),
        active=BILLING,
    )
    return Rehearsal(
        transcript=Transcript(turns=(first, second)), passed=True, session={}, looks=LOOKS
    )


def edited(found: Rehearsal, index: int, **fields: object) -> Rehearsal:
    looks = list(found.looks)
    looks[index] = replace(looks[index], **fields)  # type: ignore[arg-type] # names in a test
    return replace(found, looks=tuple(looks))


def side(*, not_met: dict[str, str] | None = None, **rehearsals: Rehearsal) -> Rehearsed:
    return Rehearsed(suite="Any", rehearsals=rehearsals, not_met=not_met or {})


def test_ids_that_are_drawn_by_chance_are_no_difference() -> None:
    assert reach(scenario(), rehearsal(call_id="x"), rehearsal(call_id="y")) is Reach.NO


@pytest.mark.parametrize(
    "other",
    [
        rehearsal(said="Other words."),
        edited(rehearsal(), 1, instructions="You are kind."),
        edited(rehearsal(), 0, code="2"),
        edited(rehearsal(), 0, options={"tts": "deepgram/aura"}),
        replace(rehearsal(), session={"max_tool_steps": "5"}),
    ],
    ids=["what it is told", "instructions", "code", "an own model", "the session"],
)
def test_a_change_that_a_conversation_meets_reaches_it(other: Rehearsal) -> None:
    assert reach(scenario(), rehearsal(), other) is Reach.YES


def test_out_of_reach_is_only_what_is_expected_all_the_way() -> None:
    same = rehearsal(), rehearsal()
    assert reach(scenario(agent=None), *same) is Reach.MAYBE
    assert reach(scenario(), replace(same[0], passed=False), same[1]) is Reach.MAYBE
    greeting = asked(FRONT, "You are the desk.")
    free = [rehearsal(opening=(greeting,)) for _ in range(2)]
    assert reach(scenario(), *free) is Reach.MAYBE


def test_each_change_is_told_once_however_many_scenarios_meet_it() -> None:
    one = side(first=rehearsal(), second=rehearsal())
    new = edited(rehearsal(), 1, instructions="You are kind.")
    [change] = changes(one, side(first=new, second=new))
    assert change == Change(
        agent="billing",
        kind="instructions",
        before="You are billing.",
        after="You are kind.",
    )
    assert change.sentence == "instructions: You are [-billing.-] {+kind.+}"


def test_tools_are_compared_by_name() -> None:
    other = replace(TOOL, description="Go.", parameters={"properties": {"why": {"type": "string"}}})
    renamed = edited(rehearsal(), 0, tools={"go": TOOL})
    described = edited(rehearsal(), 0, tools={"to_billing": other})
    gone = edited(rehearsal(), 0, tools={})
    before = side(it=rehearsal())
    assert [each.sentence for each in changes(before, side(it=renamed))] == [
        "tool go added",
        "tool to_billing gone",
    ]
    assert [each.sentence for each in changes(before, side(it=described))] == [
        "description of to_billing: [-Go to billing.-] {+Go.+}",
        "signature of to_billing: [-no arguments-] {+why?: type string+}",
    ]
    assert [each.sentence for each in changes(before, side(it=gone))] == [
        "tool to_billing gone",
        "edge to billing gone",
    ]


def test_a_title_that_alone_changed_is_shown_too() -> None:
    entitled = replace(TOOL, parameters={"title": "GoArgs"})
    [change] = changes(
        side(it=rehearsal()), side(it=edited(rehearsal(), 0, tools={"to_billing": entitled}))
    )
    assert "GoArgs" in change.sentence


def test_code_is_told_only_where_nothing_else_explains_the_difference() -> None:
    before = side(it=rehearsal())
    silent = side(it=edited(rehearsal(), 1, code="2"))
    loud = side(it=edited(rehearsal(), 1, code="2", instructions="You are kind."))
    tool = side(it=edited(rehearsal(), 0, tools={"to_billing": replace(TOOL, code="2")}))
    kinds = [[each.kind for each in changes(before, after)] for after in (silent, loud, tool)]
    assert kinds == [["code"], ["instructions"], ["code"]]


def test_what_an_agent_is_told_is_news_where_its_looks_are_the_same() -> None:
    [change] = changes(side(it=rehearsal()), side(it=rehearsal(said="Other words.")))
    assert (change.agent, change.kind) == ("front", "context")
    assert "[-Money.-] {+Other words.+}" in change.sentence


def test_an_agent_that_only_one_side_meets_is_told() -> None:
    alone = replace(rehearsal(), looks=LOOKS[:1])
    found = changes(side(it=rehearsal()), side(it=alone))
    assert [(each.agent, each.sentence) for each in found] == [("billing", "agent gone")]


def test_those_that_a_change_reaches_come_first_and_untouched_suites_are_left_out() -> None:
    labels = ["one", "two", "three"]
    suites = [
        Suite(name=name, agent="m:A", scenarios=tuple(scenario(label) for label in labels))
        for name in ("Any", "Else")
    ]
    before = {label: rehearsal() for label in labels}
    after = {**before, "two": edited(rehearsal(), 1, instructions="You are kind.")}
    a = {name: Rehearsed(suite=name, rehearsals=before) for name in ("Any", "Else")}
    b = {**a, "Any": Rehearsed(suite="Any", rehearsals=after, not_met={"Night": "1"})}
    found = survey(suites, a, b, seed=0)
    assert found.order == (PairKey(suite="Any", scenario="two"),)
    assert {place.scenario for place in found.out_of_reach} == {"one", "three"}
    assert list(found.untouched) == ["Else"]
    assert found.requests[PairKey(suite="Any", scenario="two")] == 2
    [unmet] = found.not_seen
    assert (unmet.agent, unmet.changed) == ("Night", True)


def test_without_code_everything_may_be_different_in_an_order_by_lot() -> None:
    suite = Suite(name="Any", agent="m:A", scenarios=tuple(scenario(f"{n}") for n in range(20)))
    orders = [unseen([suite], seed=seed).order for seed in (0, 0, 1)]
    assert orders[0] == orders[1]
    assert set(orders[0]) == set(orders[2])
    assert orders[0] != orders[2]
