"""Expected tool calls, what came of them, and transfers to a person."""

from dataclasses import replace
from typing import Any

import pytest

from handoff_evals.checks import Score, decisions, score, to_person
from handoff_evals.scenarios import ExpectedCall
from handoff_evals.transcript import Event, FunctionCall, FunctionCallOutput, JobAction
from tests.support.conversations import expects, scenario, transcript, turn


def made(
    name: str, output: str | None = "done", *, arguments: str = "{}", error: bool = False
) -> tuple[Event, ...]:
    """A call and its output; without an output it still runs."""
    call_id = f"call_{name}_{arguments}"
    call = FunctionCall(name=name, arguments=arguments, call_id=call_id)
    if output is None:
        return (call,)
    return (
        call,
        FunctionCallOutput(name=name, output=output, call_id=call_id, is_error=error),
    )


def of_calls(*expected: ExpectedCall, events: tuple[Event, ...]) -> list[Score]:
    held = transcript("a", turn("a", events=events))
    return [each for each in score(scenario(expects(calls=expected)), held) if each.name == "call"]


def statuses(*expected: ExpectedCall, events: tuple[Event, ...]) -> list[str]:
    return [each.status for each in of_calls(*expected, events=events)]


LOOK = ExpectedCall(name="look")


def test_one_call_is_no_two_expected_ones() -> None:
    once = made("look")
    twice = (*once, *made("look", arguments='{"again": true}'))

    assert statuses(LOOK, LOOK, events=once) == ["passed", "failed"]
    assert statuses(LOOK, LOOK, events=twice) == ["passed", "passed"]


def test_a_call_goes_to_the_expected_one_that_nothing_else_can_be() -> None:
    exact = ExpectedCall(name="look", arguments={"id": 1})
    events = (*made("look", arguments='{"id": 1}'), *made("look", arguments='{"id": 2}'))

    assert statuses(LOOK, exact, events=events) == ["passed", "passed"]


def test_arguments_are_compared_loosely_where_the_file_says_so() -> None:
    events = made("book", arguments='{"name": " ada  LOVELACE", "seats": "2"}')
    arguments = {"name": "Ada Lovelace", "seats": 2}

    assert statuses(ExpectedCall(name="book", arguments=arguments), events=events) == ["failed"]
    loosely = ExpectedCall(name="book", arguments=arguments, loosely=True)
    assert statuses(loosely, events=events) == ["passed"]


@pytest.mark.parametrize("prefix", ["Error parsing arguments for `look`: ", "Unknown function: "])
def test_a_call_that_failed_validation_was_not_made(prefix: str) -> None:
    events = made("look", f"{prefix}…", error=True)

    assert statuses(LOOK, events=events) == ["failed"]
    assert statuses(ExpectedCall(name="look", error=True), events=events) == ["failed"]
    assert statuses(events=events) == ["passed"]


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("No such order.", True),
        ('{"ok": false, "error_code": "NOT_VERIFIED"}', False),
        ("{'success': False}", False),
        ('{"error": "not found"}', False),
        ('{"status": "failed"}', False),
    ],
)
def test_a_call_that_the_tool_refused_is_no_expected_one_unless_that_is_expected(
    output: str, *, error: bool
) -> None:
    events = made("look", output, error=error)

    [found] = of_calls(LOOK, events=events)
    assert (found.status, "refused" in found.reason) == ("failed", True)
    assert statuses(ExpectedCall(name="look", error=True), events=events) == ["passed"]
    assert statuses(ExpectedCall(name="look", error=False), events=events) == ["failed"]
    assert statuses(ExpectedCall(name="look", output=output), events=events) == ["passed"]


@pytest.mark.parametrize("output", ['{"ok": true, "error": null}', "error", "[]", "", "None"])
def test_an_output_that_only_looks_like_a_refusal_is_none(output: str) -> None:
    assert statuses(LOOK, events=made("look", output)) == ["passed"]


def test_a_call_whose_tool_still_runs_was_made() -> None:
    events = made("look", None)

    assert statuses(LOOK, events=events) == ["passed"]
    assert statuses(ExpectedCall(name="look", output="x"), events=events) == ["failed"]


@pytest.mark.parametrize(
    ("output", "expected", "status"),
    [
        ("Order 4471 is on its way", "on its WAY", "passed"),
        ("Order 4471 is on its way", {"pattern": r"\b44\d\d\b"}, "passed"),
        ("Order 4471 is on its way", {"equals": "Order 4471"}, "failed"),
        ('{"order": {"id": 4471, "open": true}}', {"order": {"id": 4471}}, "passed"),
        ("{'order': 4471, 'open': True}", {"open": True}, "passed"),
        ('{"order": 4471}', {"order": 4472}, "failed"),
        ('["a", "b"]', ["a", "b"], "passed"),
        ("4471", 4471, "passed"),
        ("no", "yes", "failed"),
    ],
)
def test_what_a_tool_gave_back_is_compared(output: str, expected: Any, status: str) -> None:
    call = ExpectedCall(name="look", output=expected)

    assert statuses(call, events=made("look", output)) == [status]


def test_the_words_of_an_error_are_compared() -> None:
    events = made("look", "The order number is missing.", error=True)

    assert statuses(ExpectedCall(name="look", error="number is missing"), events=events) == [
        "passed"
    ]
    assert statuses(ExpectedCall(name="look", error="not verified"), events=events) == ["failed"]


def test_an_output_that_comes_turns_later_belongs_to_its_call() -> None:
    call, output = made("look", "found")
    asked = scenario(expects(calls=(ExpectedCall(name="look", output="found"),)), expects())
    held = transcript("a", turn("a", events=(call,)), turn("a", events=(output,)))

    assert [s.status for s in score(asked, held) if s.name == "call"] == ["passed"]


def test_a_call_that_was_refused_turns_later_was_made_in_its_own_turn() -> None:
    call, output = made("book", "The caller gave no address.", error=True)
    held = transcript("a", turn("a", events=(call,)), turn("a", events=(output,)))

    def found(expected: ExpectedCall) -> list[str]:
        asked = scenario(expects(calls=(expected,)), expects())
        return [each.status for each in score(asked, held) if each.name == "call"]

    assert found(ExpectedCall(name="book")) == ["passed"]
    assert found(ExpectedCall(name="book", error="no address")) == ["passed"]
    assert found(ExpectedCall(name="book", error=False)) == ["failed"]


@pytest.mark.parametrize(
    "name",
    ["transfer_to_human", "escalateToManager", "connect_operator", "warm_transfer", "sip_transfer"],
)
def test_a_transfer_to_a_person_is_seen_by_the_name_of_its_tool(name: str) -> None:
    held = transcript("a", turn("a", events=made(name)))

    assert to_person(held, 1)


@pytest.mark.parametrize(
    "name", ["get_order", "transfer_to_billing", "find_person", "transfer_funds"]
)
def test_another_tool_takes_nobody_to_a_person(name: str) -> None:
    assert not to_person(transcript("a", turn("a", events=made(name))), 1)


def test_a_tool_that_was_refused_or_that_led_to_an_agent_took_nobody_to_a_person() -> None:
    refused = made("transfer_to_human", "Nobody is there.", error=True)
    ahead = turn("a", "manager_agent")
    call, _ = made("escalate_to_manager")
    to_agent = transcript("a", replace(ahead, events=(call, *ahead.events)))

    assert not to_person(transcript("a", turn("a", events=refused)), 1)
    assert not to_person(to_agent, 1)


def test_a_transfer_by_livekits_sip_is_one_to_a_person_in_its_own_turn() -> None:
    held = transcript("a", turn("a", events=made("ring_upstairs")), turn("a"))

    def asked(name: str, at: int, error: str | None = None) -> list[bool]:
        action = JobAction(name=name, error=error, turn=at)
        return [bool(to_person(replace(held, job=(action,)), each)) for each in (0, 1, 2)]

    assert asked("sip.transfer_sip_participant", 1) == [False, True, False]
    assert asked("sip.create_sip_participant", 2) == [False, False, True]
    assert not any(asked("sip.create_sip_participant", 0))  # that is the caller
    assert not any(asked("sip.transfer_sip_participant", 1, error="TwirpError: busy"))
    assert not any(asked("connect", 1))


def test_a_transfer_to_a_person_is_expected_or_must_not_be() -> None:
    held = transcript("a", turn("a", events=made("page_duty")))

    def status(*, expected: bool | str) -> list[str]:
        found = score(scenario(expects("a", person=expected)), held)
        return [each.status for each in found if each.name == "person"]

    assert status(expected="page_duty") == ["passed"]
    assert status(expected=True) == ["failed"]
    assert status(expected=False) == ["passed"]


def test_who_announces_a_person_and_calls_one_is_no_phantom() -> None:
    words = "I'm transferring you to a person now."
    with_call = transcript("a", turn("a", said=words, events=made("transfer_to_human")))
    without = transcript("a", turn("a", said=words))
    asked = scenario(expects("b"))

    assert [each.outcome for each in decisions(asked, with_call)] == ["missed"]
    assert [each.outcome for each in decisions(asked, without)] == ["phantom"]
