"""A recorded call becomes a draft, and a file that our own loader reads."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff_evals.errors import UsageError
from handoff_evals.importer import draft, draft_file, read_recording
from handoff_evals.importer.draft import DraftCall, DraftScenario, distinct, numbers
from handoff_evals.importer.recording import Recording
from handoff_evals.scenarios import Scenario, load_suite
from handoff_evals.transcript import AgentHandoff, AgentRef, FunctionCall, Message

Item = dict[str, Any]


def said(role: str, text: str, **more: Any) -> Item:
    return {"type": "message", "role": role, "content": [text] if text else [], **more}


def caller(text: str) -> Item:
    return said("user", text)


def agent(text: str = "Yes.", **more: Any) -> Item:
    return said("assistant", text, **more)


def moved(old: str | None, new: str) -> Item:
    return {
        "type": "agent_handoff",
        "new_agent_id": new,
        **({"old_agent_id": old} if old else {}),
    }


def called(name: str, /, *, fails: str | None = None, **arguments: Any) -> list[Item]:
    return [
        {
            "type": "function_call",
            "name": name,
            "call_id": name,
            "arguments": json.dumps(arguments),
        },
        {
            "type": "function_call_output",
            "name": name,
            "call_id": name,
            "output": fails or "",
            "is_error": fails is not None,
        },
    ]


ENTRANCE = [moved(None, "desk"), agent("Good morning!")]


@pytest.fixture(name="drafted")
def _drafted(tmp_path: Path) -> Any:
    def read(*items: Item, about: dict[str, Any] | None = None) -> DraftScenario:
        path = tmp_path / "call.json"
        history = {"items": list(items)}
        path.write_text(json.dumps({**about, "chat_history": history} if about else history))
        return draft(read_recording(path))

    return read


def loaded(drafted: DraftScenario, folder: Path) -> Scenario:
    path = folder / "scenarios.yaml"
    path.write_text(draft_file([drafted], agent="m:A"), encoding="utf-8")
    [scenario] = load_suite(path).scenarios
    return scenario


def test_each_turn_expects_the_agent_that_was_active_and_the_calls_that_were_made(
    drafted: Any, tmp_path: Path
) -> None:
    found = drafted(
        *ENTRANCE,
        caller("Hi."),
        agent(),
        caller("I was charged twice, order 4471."),
        *called("to_billing"),
        agent("Billing takes over."),
        moved("desk", "billing"),
        agent("Billing here."),
        caller("The second one."),
        agent(),
    )
    assert [turn.agent for turn in found.turns] == ["desk", "billing", "billing"]
    assert [turn.calls for turn in found.turns] == [(), (DraftCall(name="to_billing"),), ()]
    assert [turn.carries for turn in found.turns] == [(), ("4471",), ()]
    assert found.label == "I was charged twice, order 4471."
    scenario = loaded(found, tmp_path)
    assert [turn.user for turn in scenario.turns] == [turn.user for turn in found.turns]
    assert scenario.turns[1].expect.carries == ("4471",)
    (call,) = scenario.turns[1].expect.calls or ()
    assert call.name == "to_billing"


def test_a_bare_history_says_that_nobody_knows_who_was_active(drafted: Any) -> None:
    found = drafted(caller("Hi."), agent())
    assert found.turns[0].agent is None
    assert "who was active is not known" in "\n".join(found.notes)


def test_a_history_that_was_cut_starts_with_the_agent_that_handed_over(drafted: Any) -> None:
    found = drafted(caller("Hi."), agent(), caller("The bill."), moved("desk", "billing"), agent())
    assert [turn.agent for turn in found.turns] == ["desk", "billing"]


def test_a_handoff_before_the_first_words_is_noted_and_counts(drafted: Any) -> None:
    found = drafted(*ENTRANCE, *called("route"), moved("desk", "vip"), caller("Hi."), agent())
    assert found.turns[0].agent == "vip"
    assert "before the caller's first words the call went desk -> vip; no turn can expect that" in (
        found.notes
    )
    assert "before the caller's first words these were called: route" in found.notes


def test_what_was_said_in_two_parts_is_one_turn(drafted: Any) -> None:
    found = drafted(*ENTRANCE, caller("My bill"), caller("is too high."), agent())
    assert [turn.user for turn in found.turns] == ["My bill\nis too high."]
    assert '- user: "My bill\\nis too high."\n' in draft_file([found])
    assert "said in 2 parts" in found.turns[0].notes[0]


def test_interrupted_and_missing_answers_are_noted(drafted: Any) -> None:
    found = drafted(
        *ENTRANCE,
        caller("A."),
        agent("Well, I", interrupted=True),
        caller("B."),
        moved("desk", "x"),
    )
    assert "the caller broke in" in found.turns[0].notes[0]
    assert "nobody answered" in found.turns[1].notes[0]


def test_words_that_were_not_transcribed_stay_out_of_the_turns(
    drafted: Any, tmp_path: Path
) -> None:
    found = drafted(
        *ENTRANCE, caller(""), moved("desk", "billing"), agent(), caller("Thanks."), agent()
    )
    assert "not transcribed" in found.turns[0].notes[0]
    text = draft_file([found], agent="m:A")
    assert "      # - user: …\n      #   expect:" in text
    [turn] = loaded(found, tmp_path).turns
    assert turn.user == "Thanks."
    assert turn.expect.agent is not None
    assert turn.expect.agent.id == "billing"


def test_a_path_of_several_steps_is_expected_as_it_was(drafted: Any, tmp_path: Path) -> None:
    found = drafted(*ENTRANCE, caller("Hi."), moved("desk", "a"), moved("a", "b"), agent())
    path = loaded(found, tmp_path).turns[0].expect.handoffs
    assert path is not None
    assert [step.label for step in path] == ["desk -> a", "a -> b"]
    assert "more than one step" in found.turns[0].notes[0]


def test_sentences_of_the_models_own_are_no_expected_arguments(
    drafted: Any, tmp_path: Path
) -> None:
    found = drafted(
        *ENTRANCE,
        caller("I am Anna Lee, 34, and it's claims."),
        *called("record", name="Anna Lee", age=34, topic="claims", note="She seems upset", ok=True),
        agent(),
    )
    [call] = loaded(found, tmp_path).turns[0].expect.calls or ()
    assert call.arguments == {"name": "Anna Lee", "age": 34, "topic": "claims", "ok": True}
    assert 'record also got note "She seems upset"' in found.turns[0].notes


def test_what_a_tool_was_called_with_and_the_caller_said_is_carried(drafted: Any) -> None:
    found = drafted(
        *ENTRANCE,
        caller("Anna Lee here."),
        *called("record", name="anna lee", mood="furious"),
        agent(),
        caller("My bill, please."),
        moved("desk", "billing"),
        agent(),
    )
    assert [turn.carries for turn in found.turns] == [(), ("anna lee",)]


def test_a_call_that_failed_is_noted_and_not_expected(drafted: Any) -> None:
    found = drafted(*ENTRANCE, caller("Hi."), *called("nope", fails="Unknown function"), agent())
    assert found.turns[0].calls == ()
    assert "nope was called too, and failed: Unknown function" in found.turns[0].notes


def test_agents_of_one_id_are_pointed_out(drafted: Any) -> None:
    found = drafted(*ENTRANCE, caller("Hi."), moved("desk", "desk"), agent())
    assert "two agents share this id" in found.turns[0].notes[0]


def test_an_id_that_no_scenario_can_write_is_left_to_a_comment(
    drafted: Any, tmp_path: Path
) -> None:
    found = drafted(moved(None, "my agent"), caller("Hi."), agent())
    assert loaded(found, tmp_path).turns[0].expect.agent is None
    assert "'my agent' was active" in found.turns[0].notes[0]


def test_a_report_is_told_by_its_room_and_its_errors(drafted: Any) -> None:
    about = {"job_id": "J1", "room": "r", "errors": {"llm": 2, "tts": 0}, "close_reason": None}
    found = drafted(*ENTRANCE, caller("Hi."), agent(), about=about)
    assert found.notes == ("call.json: room r; job J1; livekit counted 2 errors of llm",)


def test_an_item_that_is_not_known_is_left_out_with_a_note(drafted: Any) -> None:
    found = drafted(*ENTRANCE, {"type": "dance"}, caller("Hi."), agent())
    assert "item 2 is a 'dance', which is not known here; left out" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "it is no JSON"),
        ("\xff\x00", "it is no JSON"),
        ("[1]", "it holds [1], but no report"),
        ('{"events": []}', "there is no list of `items` in it, but 'events'"),
        ('{"job_id": "x"}', "to_dict(include_chat_history=True)"),
        ('{"chat_history": null}', "there is no list of `items`"),
        ('{"items": [3]}', "item 0 is 3, which has no `type`"),
        ('{"items": [{"type": "message"}]}', "item 0 (message): role is missing"),
        ('{"items": [{"type": "message", "role": "boss"}]}', "role is 'boss'"),
        ('{"items": [{"type": "agent_handoff", "new_agent_id": 4}]}', "new_agent_id is 4"),
        ('{"items": []}', "no word of a caller is in it (0 items, 0 messages)"),
        (
            json.dumps({"items": [*ENTRANCE, caller(" ")]}),
            "no word of a caller is in it (3 items, 2 messages)",
        ),
    ],
)
def test_what_is_no_recording_is_refused_with_its_place(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "call.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError) as raised:
        draft(read_recording(path))
    assert says in str(raised.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_recording(tmp_path / "none.json")


def test_numbers_are_taken_as_they_were_said() -> None:
    words = "It's AB-1203, not 12; call 0151 234 567 at 7, order 4471."
    assert list(numbers(words)) == ["AB-1203", "0151 234 567", "4471"]


def test_a_fact_that_says_no_more_than_a_shorter_one_goes() -> None:
    assert distinct(["4471", "order 4471", "Anna", "anna", "44713"]) == ("4471", "anna", "44713")


spoken = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
ids = st.from_regex(r"[a-z_]{1,9}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | spoken,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(spoken, inner, max_size=2),
    max_leaves=3,
)
events = st.lists(
    st.one_of(
        st.builds(Message, role=st.sampled_from(["user", "assistant"]), text=spoken.map(str.strip)),
        st.builds(
            AgentHandoff, old=st.none(), new=st.builds(AgentRef, id=ids, attributes=st.just({}))
        ),
        st.builds(
            FunctionCall,
            name=ids,
            call_id=ids,
            agent=st.none(),
            arguments=st.dictionaries(ids, values, max_size=2).map(json.dumps),
        ),
    ),
    max_size=8,
)


@given(items=events, about=st.lists(st.text(), max_size=2))
@settings(
    deadline=None,
    # Each example writes the file anew.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_was_said_the_file_loads_and_says_it_again(
    tmp_path: Path, items: list[Any], about: list[str]
) -> None:
    said_first = Message(role="user", text="Hello.")
    recording = Recording(source="x", events=(said_first, *items), about=tuple(about))
    found = draft(recording)
    scenario = loaded(found, tmp_path)
    assert [turn.user for turn in scenario.turns] == [turn.user.strip() for turn in found.turns]
    for turn, drafted in zip(scenario.turns, found.turns, strict=True):
        assert turn.expect.carries == tuple(fact.strip() for fact in drafted.carries)
        made = [(call.name, dict(call.arguments)) for call in turn.expect.calls or ()]
        assert made == [(call.name, dict(call.arguments)) for call in drafted.calls]


def test_what_is_written_of_a_turn_does_not_grow_with_the_turns_before_it(drafted: Any) -> None:
    items: list[Item] = [*ENTRANCE]
    for number in range(120):
        items += [caller(f"It is order {1000 + number}."), moved(f"a{number % 2}", "desk"), agent()]
    turns = drafted(*items).turns
    assert turns[-1].carries[-1] == "1119"
    assert max(len(turn.carries) for turn in turns) < 60
