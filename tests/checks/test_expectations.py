from dataclasses import replace

import pytest

from handoff_evals.checks import Score, first_request, overall, score
from handoff_evals.checks.expectations import carried
from handoff_evals.scenarios import Expectation, ExpectedCall, Scenario, ScriptedTurn
from handoff_evals.transcript import AgentHandoff, Fault, FunctionCall, Transcript
from tests.support.conversations import expects, path, request, scenario, transcript, turn

BRIEF = ("system", "You are billing.")
ORDER = ("user", "I was charged twice, order 4471.")


def called(name: str, arguments: str = "{}") -> FunctionCall:
    return FunctionCall(name=name, arguments=arguments, call_id=f"call_{name}")


def scores(asked: Scenario, held: Transcript, name: str) -> list[Score]:
    return [each for each in score(asked, held) if each.name == name]


def statuses(asked: Scenario, held: Transcript, name: str) -> list[str]:
    return [each.status for each in scores(asked, held, name)]


def test_a_conversation_that_goes_as_expected_passes() -> None:
    asked = scenario(expects("service"), expects("billing", handoffs=path("service -> billing")))
    held = transcript("service", turn("service"), turn("service", "billing"))

    assert overall(score(asked, held)) == "passed"


def test_a_scenario_that_expects_nothing_passes_when_its_conversation_took_place() -> None:
    assert [(s.name, s.status) for s in score(scenario(expects()), transcript("a", turn("a")))] == [
        ("conversation", "passed"),
        ("answered", "passed"),
        ("agent", "passed"),
    ]


def test_a_conversation_that_broke_off_fails_and_says_how_far_it_came() -> None:
    found = scores(scenario(expects(), expects()), transcript("a", turn("a")), "conversation")

    assert [(s.status, s.reason) for s in found] == [("failed", "1 of 2 turns took place")]


def test_of_a_turn_that_was_not_reached_only_the_decision_is_scored() -> None:
    asked = scenario(expects(), expects("billing", carries=("4471",), userdata={"name": "Maria"}))

    found = score(asked, transcript("a", turn("a")))

    assert [(each.name, each.reason) for each in found if each.turn == 2] == [
        ("handoff", "unreached: expected billing, the agent ended the call in turn 1")
    ]
    assert {each.name for each in found if each.status == "failed"} == {"handoff", "conversation"}


def test_a_decision_that_a_fault_kept_from_being_reached_names_the_fault() -> None:
    fault = Fault(owner="agent", cause="turn_timeout", detail="over 60 s", turn=1, ended=True)
    held = transcript("a", turn("a"), faults=(fault,))

    (found,) = scores(scenario(expects("a")), held, "handoff")

    assert (found.status, found.turn) == ("failed", 1)
    assert found.reason == (
        "unreached: expected a, turn_timeout in turn 1 ended the conversation (over 60 s)"
    )
    assert statuses(scenario(expects("a")), held, "conversation") == ["failed"]


def test_a_wrong_handoff_names_its_outcome_and_points_at_the_handoffs() -> None:
    held = transcript("service", turn("service"), turn("service", "technical"))
    _, found = scores(scenario(expects("service"), expects("billing")), held, "handoff")

    assert found.status == "failed"
    assert found.reason == "wrong: expected billing, active technical"
    assert found.turn == 2
    assert [held.events[index] for index in found.events] == list(held.turns[2].handoffs)
    assert all(isinstance(held.events[index], AgentHandoff) for index in found.events)


def test_another_path_than_the_expected_one_fails_although_the_agent_is_right() -> None:
    asked = scenario(expects("billing", handoffs=path("technical -> billing")))
    held = transcript("service", turn("service", "billing"))

    assert statuses(asked, held, "handoff") == ["passed"]
    (found,) = scores(asked, held, "path")
    assert found.status == "failed"
    assert found.reason == ("expected ['technical -> billing'], happened ['service -> billing']")


def test_a_path_is_checked_without_an_expected_agent() -> None:
    asked = scenario(expects(handoffs=path()))

    assert statuses(asked, transcript("a", turn("a")), "path") == ["passed"]
    assert statuses(asked, transcript("a", turn("a", "b")), "path") == ["failed"]


@pytest.mark.parametrize(
    ("expected", "made", "status"),
    [
        (ExpectedCall(name="record"), called("record"), "passed"),
        (ExpectedCall(name="record"), called("record", ""), "passed"),
        (ExpectedCall(name="record"), called("other"), "failed"),
        (
            ExpectedCall(name="record", arguments={"age": 34}),
            called("record", '{"age": 34}'),
            "passed",
        ),
        (
            ExpectedCall(name="record", arguments={"age": 34}),
            called("record", '{"age": 34, "note": "x"}'),
            "passed",
        ),
        (
            ExpectedCall(name="record", arguments={"age": 34}),
            called("record", '{"age": 43}'),
            "failed",
        ),
        (ExpectedCall(name="record", arguments={"age": 34}), called("record", "{}"), "failed"),
        (ExpectedCall(name="record", arguments={"age": 34}), called("record", "{age"), "failed"),
        (ExpectedCall(name="record", arguments={"age": 34}), called("record", "[34]"), "failed"),
        (ExpectedCall(name="record", arguments={"age": None}), called("record", "{}"), "failed"),
        (ExpectedCall(name="record"), called("record", "{age"), "passed"),
    ],
)
def test_a_tool_is_called_when_name_and_expected_arguments_are_there(
    expected: ExpectedCall, made: FunctionCall, status: str
) -> None:
    asked = scenario(expects(calls=(expected,)))

    assert statuses(asked, transcript("a", turn("a", events=(made,))), "call") == [status]


def test_a_missing_call_says_what_was_called_instead() -> None:
    asked = scenario(expects(calls=(ExpectedCall(name="record", arguments={"age": 34}),)))
    held = transcript("a", turn("a", events=(called("other", '{"x": 1}'),)))

    (found,) = scores(asked, held, "call")

    assert found.reason == "expected record(age=34), called ['other({\"x\": 1})']"
    assert [held.events[index] for index in found.events] == [called("other", '{"x": 1}')]


def test_a_call_of_another_turn_does_not_count() -> None:
    asked = scenario(expects(calls=(ExpectedCall(name="record"),)), expects())
    held = transcript("a", turn("a"), turn("a", events=(called("record"),)))

    assert statuses(asked, held, "call") == ["failed"]


def test_a_fact_is_carried_when_the_new_agents_model_received_it() -> None:
    told = request("billing", BRIEF, ORDER, after=1)
    untold = request("billing", BRIEF, after=1)
    asked = scenario(expects("billing", carries=("4471",)))

    assert statuses(asked, transcript("s", turn("s", "billing", calls=(told,))), "carries") == [
        "passed"
    ]
    assert statuses(asked, transcript("s", turn("s", "billing", calls=(untold,))), "carries") == [
        "failed"
    ]


def test_what_the_old_agents_model_received_carries_nothing() -> None:
    before = request("service", ("system", "You are service."), ORDER)
    after = request("billing", BRIEF, after=1)
    held = transcript("service", turn("service", "billing", calls=(before, after)))

    assert carried(held, 1, "4471") == (
        "failed",
        "billing's model received nothing with '4471'",
    )


def test_a_request_of_the_same_agent_from_before_it_took_over_does_not_count() -> None:
    early = request("service", ORDER, after=0)
    late = request("service", BRIEF, after=2)
    held = transcript("service", turn("service", "billing", "service", calls=(early, late)))

    found, _ = first_request(held, 1)

    assert found is late


def test_an_agents_own_summary_request_is_not_what_the_agent_was_told() -> None:
    summary = request("billing", ORDER, after=1, purpose="direct")
    held = transcript("service", turn("service", "billing", calls=(summary,)))

    assert carried(held, 1, "4471")[0] == "failed"


def test_an_agent_that_greets_by_itself_is_judged_by_its_first_request_later_on() -> None:
    asked = scenario(expects("billing", carries=("4471",)), expects())
    told = request("billing", BRIEF, ORDER, ("user", "I have a question."))
    held = transcript("s", turn("s", "billing"), turn("billing", calls=(told,)))

    assert statuses(asked, held, "carries") == ["passed"]


def test_what_the_caller_only_says_later_was_not_carried() -> None:
    later = request("billing", BRIEF, ("user", "I have a question."))
    held = transcript("s", turn("s", "billing"), turn("billing", calls=(later,)))

    assert carried(held, 1, "question")[0] == "failed"


def test_a_fact_that_nobody_was_asked_about_is_not_carried() -> None:
    held = transcript("s", turn("s", "billing"), turn("billing", "s"))

    assert carried(held, 1, "4471") == (
        "failed",
        "billing's model was never asked, so nothing shows that it got '4471'",
    )


def test_a_fact_counts_in_any_letter_case() -> None:
    told = request("billing", BRIEF, ("user", "It's Mr BAKER."), after=1)

    assert carried(transcript("s", turn("s", "billing", calls=(told,))), 1, "Baker")[0] == "passed"


def test_nothing_is_carried_to_an_agent_that_was_not_reached() -> None:
    asked = scenario(expects("billing", carries=("4471",)))
    told = request("technical", BRIEF, ORDER, after=1)
    held = transcript("s", turn("s", "technical", calls=(told,)))

    (found,) = scores(asked, held, "carries")

    assert (found.status, found.reason) == ("failed", "billing was not reached")


def test_userdata_is_compared_field_by_field() -> None:
    asked = scenario(expects(userdata={"name": "Maria", "age": 34}))
    held = transcript("a", turn("a", userdata={"name": "Maria", "age": None}))

    found = scores(asked, held, "userdata")

    assert [each.status for each in found] == ["passed", "failed"]
    assert found[1].reason == "age: expected 34, is None"


def test_a_caller_who_hears_nothing_fails_the_turn_unless_silence_is_expected() -> None:
    silent = transcript("a", turn("a", said="  "))

    assert statuses(scenario(expects()), silent, "answered") == ["failed"]
    assert statuses(scenario(expects(silence=True)), silent, "answered") == ["passed"]
    assert statuses(scenario(expects()), transcript("a", turn("a")), "answered") == ["passed"]
    assert statuses(scenario(expects(silence=True)), transcript("a", turn("a")), "answered") == [
        "failed"
    ]


def test_a_caller_who_says_nothing_need_not_be_answered() -> None:
    silent = transcript("a", turn("a", said=""))

    waits = ScriptedTurn(wait_s=3)
    assert statuses(scenario(waits), silent, "answered") == []
    expected = ScriptedTurn(wait_s=3, expect=Expectation(silence=True))
    assert statuses(scenario(expected), transcript("a", turn("a")), "answered") == ["failed"]


def test_a_reply_that_the_next_turn_interrupts_may_be_silence() -> None:
    cut = transcript("a", turn("a", said=""), turn("a"))

    interrupts = replace(expects(), interrupts=1)
    assert statuses(scenario(expects(), interrupts), cut, "answered") == ["passed"]
    assert statuses(scenario(expects(), expects()), cut, "answered") == ["failed"]


def test_a_turn_that_was_cut_off_is_not_blamed_for_its_silence_too() -> None:
    fault = Fault(owner="agent", cause="turn_timeout", detail="", turn=1, ended=True)
    held = transcript("a", turn("a", said=""), faults=(fault,))

    assert statuses(scenario(expects()), held, "answered") == []


def test_a_fault_of_the_agents_fails_a_conversation_that_went_well() -> None:
    fault = Fault(owner="agent", cause="tool_error", detail="KeyError: 'x'", turn=1)
    found = score(scenario(expects("a")), transcript("a", turn("a"), faults=(fault,)))

    assert overall(found) == "failed"
    assert [(s.reason, s.turn) for s in found if s.name == "agent"] == [
        ("tool_error: KeyError: 'x'", 1)
    ]


def test_a_fault_of_the_model_is_behaviour_and_fails_nothing_by_itself() -> None:
    fault = Fault(owner="model", cause="unknown_tool", detail="", turn=1)

    found = score(scenario(expects("a")), transcript("a", turn("a"), faults=(fault,)))

    assert overall(found) == "passed"


def test_a_conversation_without_answers_is_unscored_with_its_cause_and_nothing_else() -> None:
    dead = Fault(owner="infrastructure", cause="api_status_429", detail="too many", turn=1)
    agent = Fault(owner="agent", cause="tool_error", detail="", turn=1)

    found = score(scenario(expects("b")), transcript("a", turn("a"), faults=(agent, dead)))

    assert found == (
        Score(
            name="conversation",
            status="unscored",
            reason="api_status_429: too many",
            turn=1,
            cause="api_status_429",
        ),
    )


def test_a_field_that_userdata_does_not_have_is_not_null() -> None:
    asked = scenario(expects(userdata={"nmae": None}))

    (found,) = scores(asked, transcript("a", turn("a", userdata={"name": None})), "userdata")

    assert found.status == "failed"
    assert found.reason == "nmae: expected None, but userdata has no such field"


@pytest.mark.parametrize(
    ("actual", "expected", "status"),
    [
        (1, True, "failed"),
        (True, True, "passed"),
        (1.0, 1, "passed"),
        ({"a": [1]}, {"a": [True]}, "failed"),
        ({"a": [1]}, {"a": [1]}, "passed"),
        ([1, 2], [1], "failed"),
    ],
)
def test_true_is_not_one(actual: object, expected: object, status: str) -> None:
    held = transcript("a", turn("a", userdata={"it": actual}))

    assert statuses(scenario(expects(userdata={"it": expected})), held, "userdata") == [status]


def test_no_calls_expected_is_not_the_same_as_none_written_down() -> None:
    held = transcript("a", turn("a", events=(called("look_up"),)))

    assert statuses(scenario(expects()), held, "call") == []
    assert statuses(scenario(expects(calls=())), held, "call") == ["failed"]
    assert statuses(scenario(expects(calls=())), transcript("a", turn("a")), "call") == ["passed"]


def test_an_agent_that_changes_after_its_first_request_was_asked_all_the_same() -> None:
    asked = request("worker[stage=new]", ORDER, after=1)
    held = transcript("desk", turn("desk", "worker[stage=greeted]", calls=(asked,)))

    assert carried(held, 1, "4471")[0] == "passed"
