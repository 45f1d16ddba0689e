from dataclasses import replace

import pytest

from handoff_evals.checks import NOTHING_EXPECTED, Score, overall, score
from handoff_evals.scenarios import Expectation, ExpectedCall, Scenario, ScriptedTurn
from handoff_evals.transcript import AgentHandoff, Fault, FunctionCall, Message, Transcript
from tests.support.conversations import expects, path, ref, scenario, transcript, turn


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


def test_a_scenario_that_expects_nothing_is_unscored_where_nothing_breaks() -> None:
    found = score(scenario(expects()), transcript("a", turn("a")))

    assert overall(found) == "unscored"
    assert [each.cause for each in found if each.status == "unscored"] == [NOTHING_EXPECTED]


def test_a_scenario_that_expects_nothing_fails_where_the_agents_break() -> None:
    found = score(scenario(expects(), expects()), transcript("a", turn("a")))

    assert overall(found) == "failed"
    assert NOTHING_EXPECTED not in {each.cause for each in found}


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


def test_what_the_caller_must_hear_and_must_not_hear_is_looked_for_in_the_turns_words() -> None:
    asked = scenario(expects(said=("moment", {"pattern": r"bill(s|ing)"}), lacks=("technical",)))
    held = transcript("a", turn("a", said="One Moment, I'll ask billing."))

    assert statuses(asked, held, "said") == ["passed", "passed", "passed"]
    (found, *_) = scores(asked, transcript("a", turn("a", said="Technical here.")), "said")
    assert found.reason == "expected to hear 'moment', the caller hears 'Technical here.'"
    assert statuses(asked, transcript("a", turn("a", said="Technical here.")), "said") == [
        "failed",
        "failed",
        "failed",
    ]


def test_the_opening_has_expectations_of_its_own() -> None:
    opening = expects("desk", said=("hello",), handoffs=()).expect
    asked = replace(scenario(expects()), opening=opening)
    silent = transcript("other", turn("other"))
    first = silent.turns[0]
    greeting = Message(role="assistant", text="Hello!", agent=ref("desk"))
    greeted = replace(first, active=ref("desk"), events=(*first.events, greeting))

    good = score(asked, replace(silent, turns=(greeted, silent.turns[1])))
    bad = score(asked, silent)

    assert [(s.name, s.status) for s in good if s.turn == 0] == [
        ("path", "passed"),
        ("opening", "passed"),
        ("said", "passed"),
    ]
    assert [(s.name, s.reason) for s in bad if s.turn == 0 and s.status == "failed"] == [
        ("opening", "expected desk, active other"),
        ("said", "expected to hear 'hello', the caller hears ''"),
    ]


def test_an_opening_may_have_to_be_silent_and_need_not_be_said_anything_in() -> None:
    held = transcript("a", turn("a"))

    def answered(*, silence: bool = False) -> list[str]:
        asked = replace(scenario(expects()), opening=expects(silence=silence).expect)
        return [each.status for each in score(asked, held) if each.name == "answered"]

    assert answered() == ["passed"]
    assert answered(silence=True) == ["passed"]


def test_userdata_is_compared_in_part_and_by_dotted_names() -> None:
    data = {"profile": {"name": "Ada", "cover": {"by": "Anthem"}}, "a.b": 1}
    held = transcript("a", turn("a", userdata=data))

    def status(**expected: object) -> list[str]:
        return statuses(scenario(expects(userdata=expected["userdata"])), held, "userdata")

    assert status(userdata={"profile": {"cover": {"by": "Anthem"}}}) == ["passed"]
    assert status(userdata={"profile.cover.by": "Anthem", "a.b": 1}) == ["passed", "passed"]
    assert status(userdata={"profile.cover.since": 2001}) == ["failed"]
    assert status(userdata={"profile": {"equals": {"name": "Ada"}}}) == ["failed"]


def test_a_set_in_userdata_is_compared_in_any_order_and_shown_as_one() -> None:
    held = transcript("a", turn("a", userdata={"tags": {"$set": ["a", "b"]}}))

    assert statuses(scenario(expects(userdata={"tags": ["b", "a"]})), held, "userdata") == [
        "passed"
    ]
    (found,) = scores(scenario(expects(userdata={"tags": ["a"]})), held, "userdata")
    assert (found.status, found.reason) == ("failed", "tags: expected ['a'], is the set ['a', 'b']")


def test_a_function_of_the_users_own_judges_a_turn() -> None:
    def verdicts(name: str) -> list[tuple[str, str, str]]:
        asked = scenario(expects(checks=(f"tests.support.own_checks:{name}",)))
        held = transcript("a", turn("a", said="Yes."))
        return [(s.status, s.reason, s.cause) for s in score(asked, held) if s.name == "check"]

    where = "tests.support.own_checks"
    assert verdicts("says_yes") == [("passed", f"{where}:says_yes returned True", "")]
    assert verdicts("says_no") == [("failed", f"{where}:says_no: the caller hears no no", "")]
    assert verdicts("is_long") == [("failed", f"{where}:is_long: 1 word", "")]
    [(status, reason, cause)] = verdicts("raises")
    assert (status, cause) == ("unscored", "check_error")
    assert "ZeroDivisionError" in reason
    assert verdicts("nobody_wrote_it")[0][0] == "unscored"


def test_a_decision_that_the_agents_code_failed_before_is_unreached() -> None:
    fault = Fault(owner="agent", cause="llm_node_error", detail="RuntimeError: boom", turn=1)
    crashed = transcript("a", turn("a", said=""), faults=(fault,))
    answered = transcript("a", turn("a"), faults=(fault,))

    (found,) = scores(scenario(expects("a")), crashed, "handoff")

    assert found.reason == (
        "unreached: expected a, the agent failed before anything was said or done "
        "(llm_node_error: RuntimeError: boom)"
    )
    assert statuses(scenario(expects("a")), answered, "handoff") == ["passed"]
