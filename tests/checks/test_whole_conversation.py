from dataclasses import replace
from typing import Any

import pytest

from handoff_evals.checks import Score, score
from handoff_evals.scenarios import ConversationExpectation, ExpectedCall, Never, Target
from handoff_evals.transcript import (
    AgentHandoff,
    Event,
    FunctionCall,
    FunctionCallOutput,
    Transcript,
)
from tests.support.conversations import ref, transcript, turn
from tests.support.paths import whole


def called(name: str, output: str = "done", *, error: bool = False) -> tuple[Event, ...]:
    call_id = f"{name}_{output}"
    return (
        FunctionCall(name=name, arguments="{}", call_id=call_id, agent=ref("a")),
        FunctionCallOutput(name=name, output=output, call_id=call_id, is_error=error),
    )


def told(name: str, record: Transcript, **expected: Any) -> list[str]:
    """What one check says, as `status: reason`."""
    asked = whole(*[None] * 2, expect=ConversationExpectation(**expected))
    found: list[Score] = [each for each in score(asked, record) if each.name == name]
    return [f"{each.status}: {each.reason}" for each in found]


ROUND = transcript("a", turn("a", "b", events=called("look")), turn("b", "a"))


def test_an_agent_that_must_never_have_the_call_fails_even_in_passing() -> None:
    never = Never(agents=(Target.parse("b"), Target.parse("c")))
    assert told("never", ROUND, never=never) == [
        "failed: b had the call",
        "passed: c never has the call",
    ]


def test_a_tool_that_must_never_be_called_fails_even_where_it_refused() -> None:
    record = transcript("a", turn("a", events=called("pay", "No.", error=True)), turn("a"))
    assert told("never", record, never=Never(tools=("pay", "look"))) == [
        "failed: pay was called",
        "passed: look is never called",
    ]


def test_a_call_may_be_made_in_any_turn_and_meets_one_expected_call() -> None:
    look = ExpectedCall(name="look")
    once = told("calls_in_any_turn", ROUND, calls=(look,))
    twice = told("calls_in_any_turn", ROUND, calls=(look, look))
    none = told("calls_in_any_turn", ROUND, calls=())
    assert [each.partition(":")[0] for each in (*once, *twice, *none)] == [
        *("passed", "passed", "failed", "failed")
    ]


@pytest.mark.parametrize(("most", "status"), [(1, "failed"), (2, "passed")])
def test_handoffs_are_counted_without_the_first_entrance(most: int, status: str) -> None:
    assert told("max_handoffs", ROUND, max_handoffs=most) == [
        f"{status}: expected at most {most} handoffs, there were 2"
    ]


@pytest.mark.parametrize(
    ("expected", "ended_by", "status"),
    [
        ("agent", "agent", "passed"),
        ("agent", "caller", "failed"),
        ("caller", "agent", "failed"),
        ("caller", "", "unscored"),
    ],
)
def test_who_ends_the_call(expected: str, ended_by: Any, status: str) -> None:
    [found] = told("ends", replace(ROUND, ended_by=ended_by), ends=expected)
    assert found.startswith(f"{status}: expected the {expected} to end the call")


def test_an_agent_that_hangs_up_before_the_caller_is_done_does_not_end_the_call_rightly() -> None:
    early = transcript("a", turn("a"))
    assert told("ends", replace(early, ended_by="agent"), ends="agent")[0].startswith("failed")


def test_a_person_takes_the_call_in_the_end() -> None:
    person = transcript("a", turn("a"), turn("a", events=called("transfer_to_human")))
    assert told("ends", person, ends="person")[0].startswith("passed")
    assert told("ends", person, ends="person", person=("warm",))[0].startswith("failed")
    assert told("ends", ROUND, ends="person")[0].startswith("failed")


def test_a_person_who_hands_the_caller_back_is_not_the_end() -> None:
    back = AgentHandoff(old=ref("a"), new=ref("b"))
    record = transcript(
        "a", turn("a", events=called("transfer_to_human")), turn("b", events=(back,))
    )
    [found] = told("ends", record, ends="person")
    assert found.endswith("and then an agent took it again")


def test_the_final_userdata_is_that_of_the_last_turn() -> None:
    record = transcript(
        "a", turn("a", userdata={"paid": True}), turn("a", userdata={"paid": False})
    )
    [found] = told("final_userdata", record, userdata={"paid": True})
    assert found.startswith("failed: paid: expected True")


def test_the_final_userdata_of_a_conversation_that_was_cut_short_fails() -> None:
    record = transcript("a", turn("a", userdata={"paid": True}))
    assert told("final_userdata", record, userdata={"paid": True}) == [
        "failed: the conversation did not come to its end"
    ]


def test_a_veto_fails_whoever_named_the_callback() -> None:
    vetoed = replace(ROUND, veto="the order is still open")
    assert told("on_simulation_end", vetoed) == ["failed: vetoed: the order is still open"]
    ended = replace(ROUND, ended_by="caller")
    assert told("on_simulation_end", ended, on_simulation_end="m:f") == ["passed: no veto"]
    assert told("on_simulation_end", ROUND) == []
