import pytest

from handoff_evals.checks import (
    UNREACHED,
    Outcome,
    Quality,
    confusion,
    decisions,
    per_agent,
)
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import ENDED_CALL, Fault, Transcript
from tests.support.conversations import expects, path, scenario, transcript, turn

ANNOUNCING = "I'm transferring you to billing now."


def outcomes(asked: Scenario, held: Transcript) -> list[Outcome]:
    return [decision.outcome for decision in decisions(asked, held)]


@pytest.mark.parametrize(
    ("expected", "through", "said", "outcome"),
    [
        ("billing", ["service", "billing"], "Yes.", "correct"),
        ("service", ["service"], "Yes.", "correct"),
        ("billing", ["service"], "Yes.", "missed"),
        ("billing", ["service"], "", "missed"),
        ("billing", ["service"], ANNOUNCING, "phantom"),
        ("billing", ["service", "technical"], "Yes.", "wrong"),
        ("billing", ["service", "technical"], ANNOUNCING, "wrong"),
        ("billing", ["service", "technical", "manager"], "Yes.", "wrong"),
        # It left and came back: there was a handoff, and nobody is where they should be.
        ("billing", ["service", "technical", "service"], "Yes.", "wrong"),
        ("service", ["service", "billing"], "Yes.", "spurious"),
        ("service", ["service", "billing"], ANNOUNCING, "spurious"),
        ("service", ["service", "billing", "technical"], "Yes.", "spurious"),
        ("billing", ["service", "technical", "billing"], "Yes.", "bounced"),
        ("billing", ["service", "billing", "service", "billing"], "Yes.", "bounced"),
        ("service", ["service", "billing", "service"], "Yes.", "bounced"),
        ("service", ["service", "service"], "Yes.", "bounced"),
        # An announcement is no phantom where nothing should have happened.
        ("service", ["service"], ANNOUNCING, "correct"),
        ("billing", ["service", "billing"], ANNOUNCING, "correct"),
    ],
)
def test_each_way_a_decision_can_end_has_its_name(
    expected: str, through: list[str], said: str, outcome: Outcome
) -> None:
    held = transcript("service", turn(*through, said=said))

    assert outcomes(scenario(expects(expected)), held) == [outcome]


@pytest.mark.parametrize(
    ("written", "through", "outcome"),
    [
        (
            ["service -> technical", "technical -> billing"],
            ["service", "technical", "billing"],
            "correct",
        ),
        (["technical", "billing"], ["service", "technical", "billing"], "correct"),
        (["service -> billing"], ["service", "technical", "billing"], "bounced"),
        (["manager", "billing"], ["service", "technical", "billing"], "bounced"),
        (["technical -> billing"], ["service", "billing"], "correct"),
        ([], ["service", "billing"], "correct"),
        ([], ["service", "technical", "billing"], "bounced"),
    ],
)
def test_a_path_that_the_turn_expects_is_no_detour(
    written: list[str], through: list[str], outcome: Outcome
) -> None:
    asked = scenario(expects("billing", handoffs=path(*written)))

    assert outcomes(asked, transcript("service", turn(*through))) == [outcome]


def test_a_path_out_and_back_is_correct_where_it_is_expected() -> None:
    asked = scenario(expects("host", handoffs=path("host -> task", "task -> host")))

    assert outcomes(asked, transcript("host", turn("host", "task", "host"))) == ["correct"]


def test_instances_that_share_an_id_are_told_apart_by_their_attributes() -> None:
    asked = scenario(expects("desk[topic=claims]"), expects("desk[topic=claims]"))
    held = transcript(
        "triage",
        turn("triage", "desk[topic=payments]"),
        turn("desk[topic=payments]", "desk[topic=claims]"),
    )

    assert outcomes(asked, held) == ["wrong", "correct"]
    assert [decision.actual for decision in decisions(asked, held)] == [
        "desk[topic=payments]",
        "desk[topic=claims]",
    ]


def test_an_expectation_without_attributes_takes_any_instance() -> None:
    held = transcript("triage", turn("triage", "desk[topic=payments]"))
    (decision,) = decisions(scenario(expects("desk")), held)

    assert (decision.outcome, decision.expected, decision.actual) == ("correct", "desk", "desk")


def test_a_turn_without_an_expected_agent_is_no_decision() -> None:
    held = transcript("service", turn("service", "billing"), turn("billing"))

    assert [d.turn for d in decisions(scenario(expects(), expects("billing")), held)] == [2]


def test_turns_that_the_agent_kept_from_being_reached_are_unreached_decisions() -> None:
    asked = scenario(expects("service"), expects(), expects("billing"))

    _, last = decisions(asked, transcript("service", turn("service")))

    assert (last.turn, last.outcome, last.on_path) == (3, "unreached", True)
    assert (last.expected, last.actual) == ("billing", UNREACHED)


@pytest.mark.parametrize("through", [["service"], ["service", "billing"]])
def test_a_turn_that_a_fault_cut_off_is_no_correct_decision(through: list[str]) -> None:
    fault = Fault(owner="agent", cause="turn_timeout", detail="", turn=1, ended=True)
    held = transcript("service", turn(*through), faults=(fault,))

    assert outcomes(scenario(expects(through[-1])), held) == ["unreached"]


def test_a_fault_that_the_conversation_survived_leaves_the_decision_as_it_is() -> None:
    fault = Fault(owner="agent", cause="tool_error", detail="", turn=1)
    held = transcript("service", turn("service"), faults=(fault,))

    assert outcomes(scenario(expects("service")), held) == ["correct"]


def test_the_turn_in_which_the_agent_ends_the_call_is_judged_and_those_after_it_are_not() -> None:
    fault = Fault(owner="agent", cause=ENDED_CALL, detail="", turn=1, ended=True)
    held = transcript("service", turn("service"), faults=(fault,))

    asked = scenario(expects("service"), expects("service"))
    assert outcomes(asked, held) == ["correct", "unreached"]


def test_what_a_dead_model_kept_from_being_reached_is_no_decision() -> None:
    fault = Fault(owner="infrastructure", cause="api_timeout", detail="", turn=1, ended=True)
    asked = scenario(expects("service"), expects("billing"))

    assert outcomes(asked, transcript("service", turn("service"), faults=(fault,))) == []


def test_an_unreached_decision_counts_against_the_recall_of_its_agent_alone() -> None:
    asked = scenario(expects("service"), expects("service"))
    matrix = confusion(decisions(asked, transcript("service", turn("service"))))

    assert matrix == {"service": {"service": 1, UNREACHED: 1}}
    assert dict(per_agent(matrix)) == {"service": Quality(precision=1.0, recall=0.5)}


def test_a_decision_that_starts_where_a_miss_left_the_caller_is_off_path() -> None:
    asked = scenario(expects("billing"), expects("billing"), expects("technical"))
    held = transcript("service", turn("service"), turn("service"), turn("service", "technical"))

    assert [d.on_path for d in decisions(asked, held)] == [True, False, False]


def test_the_decision_after_a_recovery_is_on_path_again() -> None:
    asked = scenario(expects("billing"), expects("billing"), expects("billing"))
    held = transcript("service", turn("service"), turn("service", "billing"), turn("billing"))

    found = decisions(asked, held)

    assert [d.on_path for d in found] == [True, False, True]
    assert [d.recovered_after for d in found] == [1, None, None]


def test_a_caller_who_never_gets_back_has_not_recovered() -> None:
    asked = scenario(expects("billing"), expects("billing"))
    held = transcript("service", turn("service"), turn("service", "technical"))

    assert [d.recovered_after for d in decisions(asked, held)] == [None, None]


def test_recovery_counts_the_turns_until_the_expected_agent_has_the_call() -> None:
    asked = scenario(expects("billing"), expects(), expects("billing"), expects("service"))
    held = transcript("service", turn("service"), turn("service"), turn("service"), turn("service"))

    assert [d.recovered_after for d in decisions(asked, held)] == [3, 1, None]


def test_a_handoff_that_a_later_turn_expects_came_too_early() -> None:
    asked = scenario(expects("service"), expects("service"), expects("billing"))
    early = transcript("service", turn("service", "billing"))
    stray = transcript("service", turn("service", "technical"))

    assert next((d.outcome, d.premature) for d in decisions(asked, early)) == ("spurious", True)
    assert next((d.outcome, d.premature) for d in decisions(asked, stray)) == ("spurious", False)


def test_only_a_spurious_handoff_can_be_premature() -> None:
    asked = scenario(expects("billing"), expects("technical"))
    held = transcript("service", turn("service", "technical"))

    assert next((d.outcome, d.premature) for d in decisions(asked, held)) == ("wrong", False)


def test_a_fair_move_in_a_free_turn_leaves_the_next_decision_on_path() -> None:
    asked = scenario(expects("service"), expects(), expects("billing"))
    held = transcript("service", turn("service"), turn("service", "billing"), turn("billing"))

    assert [(d.outcome, d.on_path) for d in decisions(asked, held)] == [
        ("correct", True),
        ("correct", True),
    ]


def test_a_move_in_a_free_turn_after_a_miss_begins_anew() -> None:
    asked = scenario(expects("billing"), expects(), expects("manager"))
    stuck = transcript("service", turn("service"), turn("service"), turn("service", "manager"))
    moved = transcript(
        "service", turn("service"), turn("service", "technical"), turn("technical", "manager")
    )

    assert [d.on_path for d in decisions(asked, stuck)] == [True, False]
    assert [d.on_path for d in decisions(asked, moved)] == [True, True]


def test_the_matrix_counts_decisions_on_path_only() -> None:
    asked = scenario(expects("billing"), expects("billing"), expects("billing"))
    held = transcript("service", turn("service"), turn("service"), turn("service", "billing"))

    assert confusion(decisions(asked, held)) == {"billing": {"service": 1}}


def test_precision_and_recall_are_none_where_there_is_nothing_to_divide_by() -> None:
    quality = per_agent({"billing": {"service": 1, "billing": 3}})

    assert (quality["billing"].precision, quality["billing"].recall) == (1.0, 0.75)
    assert (quality["service"].precision, quality["service"].recall) == (0.0, None)
    assert per_agent({"billing": {"service": 1}})["billing"].precision is None


def test_an_agent_may_change_in_a_turn_without_a_handoff() -> None:
    held = transcript("clerk[stage=new]", turn("clerk[stage=done]"))

    assert outcomes(scenario(expects("clerk[stage=done]")), held) == ["correct"]
    assert outcomes(scenario(expects("clerk[stage=new]")), held) == ["missed"]


def test_the_decisions_of_one_conversation_are_made_once_and_another_has_its_own() -> None:
    asked, other = scenario(expects("billing")), scenario(expects("service"))
    called = transcript("service", turn("service", "billing"))

    found = decisions(asked, called)
    assert decisions(asked, called) is found
    assert outcomes(other, called) == ["spurious"]
