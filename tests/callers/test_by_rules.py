"""The caller by rules: what it says next, whatever the agents do."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_evals.callers import HangsUp, Heard, Says, caller_for, heard_so_far
from handoff_evals.errors import ScenarioFileError
from handoff_evals.scenarios import Scenario, load_suite
from handoff_evals.transcript import AgentRef
from tests.support.conversations import ref, transcript, turn

SCRIPT = """
      facts: {order number: "4471", name: Ada}
      fallback: No idea.
      lines:
        - Something is wrong with a payment.
        - {to: billing_agent, says: "The first came off on the third."}
      answers:
        - {asked: order, says: ["It's {order number}.", "I said {order number}."]}
        - {tool: look_up, says: "Did you find it?"}
      hangs_up: {heard: paid back, says: "Thanks, bye."}
"""


def scenario(folder: Path, caller: str = SCRIPT, rest: str = "") -> Scenario:
    path = folder / "scenarios.yaml"
    path.write_text(f"agent: m:A\nscenarios:\n  - label: A\n    caller:{caller}{rest}\n")
    return load_suite(path).scenarios[0]


def heard(
    *said: str,
    active: str = "desk",
    arrived: Sequence[str] = (),
    tools: Sequence[str] = (),
    user: str | None = "Hm.",
) -> Heard:
    return Heard(
        user=user,
        said=said,
        active=ref(active),
        arrived=tuple(map(ref, arrived)),
        tools=tuple(tools),
    )


def say(called: Scenario, *happened: Heard) -> list[str]:
    """What the caller says after the greeting, and after each of these; why it hangs up."""
    _, caller = caller_for(called)
    so_far: list[Heard] = [heard("Hello.", user=None)]
    found = []
    for each in (*happened, None):
        reaction = asyncio.run(caller.next(tuple(so_far)))
        found.append(reaction.text if isinstance(reaction, Says) else f"({reaction.why})")
        if isinstance(reaction, HangsUp) or each is None:
            break
        so_far.append(each)
    return found


def test_lines_are_said_in_order_and_one_for_an_agent_only_to_that_one(tmp_path: Path) -> None:
    to_billing = heard("Billing.", active="billing_agent", arrived=["billing_agent"])
    stays = heard("I see.", active="billing_agent")
    assert say(scenario(tmp_path), to_billing, stays) == [
        "Something is wrong with a payment.",
        "The first came off on the third.",
        "(done)",
    ]


def test_after_a_wrong_handoff_it_asks_to_be_put_through_twice_and_gives_up(
    tmp_path: Path,
) -> None:
    wrong = heard("Technical support.", active="technical_agent", arrived=["technical_agent"])
    again = "Could you put me through to billing, please?"
    assert say(scenario(tmp_path), wrong, wrong, wrong) == [
        "Something is wrong with a payment.",
        again,
        again,
        "(gave_up)",
    ]


def test_what_is_asked_is_answered_and_the_second_time_in_other_words(tmp_path: Path) -> None:
    asks = heard("What is your order number?")
    assert say(scenario(tmp_path), asks, asks)[1:3] == ["It's 4471.", "I said 4471."]


def test_a_fact_that_is_asked_for_by_its_name_is_told_once(tmp_path: Path) -> None:
    asks = heard("And your name?")
    said = say(scenario(tmp_path), asks, asks)
    assert said[1] == "Ada."
    assert said[2] != "Ada."


def test_a_called_tool_is_answered_and_last_words_are_said_before_it_hangs_up(
    tmp_path: Path,
) -> None:
    looked = heard("One moment.", tools=["look_up"])
    paid = heard("It will be paid back.")
    assert say(scenario(tmp_path), looked, paid, heard("Bye.")) == [
        "Something is wrong with a payment.",
        "Did you find it?",
        "Thanks, bye.",
        "(heard)",
    ]


def test_a_question_after_the_last_line_gets_the_fallback_until_patience_ends(
    tmp_path: Path,
) -> None:
    called = scenario(tmp_path, " {lines: [Hi.], fallback: No idea., patience: 1}")
    asks = heard("Which plan?")
    assert say(called, asks, asks) == ["Hi.", "No idea.", "(done)"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["What is your order number?", "I see.", "Your name?", ""]),
            st.sampled_from(["desk", "billing_agent", "technical_agent"]),
            st.booleans(),
        ),
        min_size=60,
        max_size=60,
    )
)
def test_whatever_the_agents_do_it_hangs_up_by_itself_and_says_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, happened: list[tuple[str, str, bool]]
) -> None:
    called = scenario(tmp_path_factory.mktemp("any"))
    turns = [
        heard(said, active=agent, tools=["look_up"] if looks else [])
        for said, agent, looks in happened
    ]
    said = say(called, *turns)
    assert said[-1].startswith("(")
    assert len(said) <= called.caller.max_turns + 1
    assert said == say(called, *turns)


def test_it_knows_what_was_said_and_seen_and_nothing_else() -> None:
    record = transcript("desk", turn("desk", "billing", said="Billing here."))
    opening, first = heard_so_far(record.turns)
    assert opening.arrived == ()
    assert (first.said, first.active, first.arrived) == (
        ("Billing here.",),
        AgentRef(id="billing"),
        (AgentRef(id="billing"),),
    )


@pytest.mark.parametrize(
    ("caller", "message"),
    [
        (" {lines: [Hi], answers: [{asked: '(', says: x}]}", "no regular expression"),
        (" {lines: [Hi], answers: [{says: x}]}", "say what it answers"),
        (" {lines: ['It is {order}.'], facts: {name: Ada}}", "{order}, which is no fact"),
        (" {answers: [{asked: x, says: y}]}", "needs `lines`"),
        (" {lines: [Hi], patience: -1}", "patience is -1"),
        (" {lines: [{to: 'a b', says: Hi}]}", "names no agent"),
        (" {line: [Hi]}", "unknown key 'line' in caller"),
    ],
)
def test_what_can_not_be_is_refused_with_its_line(
    tmp_path: Path, caller: str, message: str
) -> None:
    with pytest.raises(ScenarioFileError, match=r"scenarios.yaml:4: ") as raised:
        scenario(tmp_path, caller)
    assert message in str(raised.value)


def test_turns_and_lines_are_refused_together(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFileError, match="choose one of them"):
        scenario(tmp_path, " {lines: [Hi]}", "\n    turns: [{user: Hi}]")
