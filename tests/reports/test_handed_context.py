"""What a new agent's model received: carried, lost, leaked."""

from handoff_evals.reports.handed_context import HandedContext, handed_contexts
from handoff_evals.transcript import Transcript
from tests.support.reported import BILLING_SAYS, SAID, conversation


def context(transcript: Transcript) -> HandedContext:
    [found] = handed_contexts(transcript)
    return found


def test_what_was_said_before_and_is_in_the_request_is_carried() -> None:
    found = context(conversation())
    assert [(each.origin, each.text) for each in found.messages] == [
        ("own", BILLING_SAYS),
        ("carried", SAID),
    ]
    [fact] = found.facts
    assert (fact.text, fact.status, fact.said) == ("4471", "passed", (3,))


def test_a_fact_that_the_request_lacks_is_lost_and_where_it_was_said_is_known() -> None:
    found = context(conversation(carried=False))
    [fact] = found.facts
    assert fact.status == "failed"
    assert fact.said == (3,)
    assert 3 in found.lost


def test_a_sentence_of_the_old_agents_instructions_is_a_leak() -> None:
    found = context(conversation(leaks=True))
    [leaked] = [each for each in found.messages if each.origin == "leaked"]
    assert leaked.whose == "desk"
    assert leaked.sentence == "you are the desk of lumen line."


def test_without_a_handoff_nothing_was_handed_over() -> None:
    assert list(handed_contexts(conversation(to=None))) == []


def test_an_agent_that_was_never_asked_received_nothing() -> None:
    found = conversation()
    turn = found.turns[1]
    silent = type(found)(
        turns=(
            found.turns[0],
            type(turn)(
                user=turn.user,
                events=turn.events,
                model_calls=turn.model_calls[:1],
                active=turn.active,
            ),
        )
    )
    assert context(silent).turn is None
    assert context(silent).messages == ()
