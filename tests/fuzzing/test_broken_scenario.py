"""How a broken conversation is written down."""

from pathlib import Path

from handoff_evals import tool_call
from handoff_evals.fuzzing import BrokenInvariantError
from handoff_evals.fuzzing.broken_scenario import scenario_of, written
from handoff_evals.fuzzing.random_model import PlayedTurn, RandomAnswer
from handoff_evals.livekit import Reply, ToolCall
from handoff_evals.scenarios import load_suite


def answer(reply: Reply, *, to_caller: bool = True) -> RandomAnswer:
    return RandomAnswer(reply=reply, to_caller=to_caller, offered=("transfer", "look_up"))


def file_of(*turns: PlayedTurn, invariant: str = "an invariant", again: bool = True) -> str:
    error = BrokenInvariantError(invariant, "for this:\n reason", turns=turns)
    return written(error, agent="my_agents:reception", again=again)


def test_the_file_holds_what_the_caller_said_and_what_the_model_called(tmp_path: Path) -> None:
    text = file_of(
        PlayedTurn(user=None, answers=(), active="reception"),
        PlayedTurn(user="Grüße: 1", answers=(answer("All right."),), active="reception"),
        PlayedTurn(
            user="Go.",
            answers=(answer(["One moment.", tool_call("transfer", to="desk")]),),
            active="desk[topic=a]",
        ),
    )

    file = tmp_path / "scenarios.yaml"
    file.write_text(text, encoding="utf-8")
    suite = load_suite(file)
    first, second = suite.scenarios[0].turns
    assert suite.agent == "my_agents:reception"
    assert first.user == "Grüße: 1"
    assert not first.expect.calls
    (call,) = second.expect.calls or ()
    assert (call.name, call.arguments) == ("transfer", {"to": "desk"})
    assert second.expect.agent is not None
    assert second.expect.agent.label == "desk[topic=a]"
    assert "not played" not in text
    assert "# Broken: an invariant: for this: reason" in text


def test_calls_that_do_not_answer_the_caller_get_a_turn_of_their_own() -> None:
    error = BrokenInvariantError(
        "an invariant",
        "why",
        turns=[
            PlayedTurn(user=None, answers=(answer(tool_call("look_up"), to_caller=False),)),
            PlayedTurn(
                user="Hello.",
                answers=(
                    answer(tool_call("look_up")),
                    answer(tool_call("transfer"), to_caller=False),
                ),
                active="desk",
            ),
        ],
    )

    turns = scenario_of(error).turns

    said = [(turn.user, [call.name for call in turn.expect.calls or ()]) for turn in turns]
    assert said == [("Go on.", ["look_up"]), ("Hello.", ["look_up"]), ("Go on.", ["transfer"])]
    assert [turn.expect.agent is not None for turn in turns] == [False, False, True]


def test_what_no_scenario_can_hold_stands_beside_its_turn() -> None:
    text = file_of(
        PlayedTurn(user=None, answers=(), interrupted_after=3),
        PlayedTurn(user="One.", answers=(answer(ConnectionError("gone")),)),
        PlayedTurn(user="Two.", answers=(answer(ToolCall(name="transfer", arguments="{")),)),
        PlayedTurn(
            user="Three.", answers=(answer(tool_call("no_such_tool")),), interrupted_after=70
        ),
        PlayedTurn(user="Four.", answers=(answer(""),)),
        again=False,
    )

    beside = [line.strip() for line in text.splitlines() if "# not played: " in line]
    assert beside == [
        "# not played: the caller interrupts, 3 rounds of the event loop into the opening",
        "# not played: the model raises ConnectionError('gone')",
        "# not played: the model calls transfer({)",
        "# not played: the caller interrupts, 70 rounds of the event loop into the turn",
        "# not played: the model calls no_such_tool({})",
        "# not played: the model says ''",
    ]
    assert "calls:" not in text
    assert "It does not break the invariant again" in text


def test_where_the_graph_does_not_lead_on_the_file_expects_the_agent_to_keep_the_call() -> None:
    turns = (
        PlayedTurn(user=None, answers=(), active="reception"),
        PlayedTurn(user="Go.", answers=(answer(tool_call("transfer")),), active="vault"),
    )

    (turn,) = scenario_of(
        BrokenInvariantError("an invariant", "why", turns=turns, keeps="reception")
    ).turns

    assert turn.expect.agent is not None
    assert turn.expect.agent.label == "reception"


def test_a_conversation_that_breaks_as_it_opens_gets_a_turn_to_be_held_at_all() -> None:
    (turn,) = scenario_of(
        BrokenInvariantError("an invariant", "why", turns=[PlayedTurn(user=None, answers=())])
    ).turns

    assert turn.user == "Hello."
